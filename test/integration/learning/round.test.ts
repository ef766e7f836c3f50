import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TaskEvent } from '../../../node/tasks/ask.ts'
import { adaptedModelId } from '../../../protocol/adapted-model.ts'
import type { ModelId } from '../../../protocol/ids.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { makeDomains, toJsonl } from '../../bench/learning/domains.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const MINUTE_MS = 60_000
const MEMBERS = 2
const LEARNING = {
  ...{ 'learning.enabled': true, 'learning.join': 'auto', 'learning.niceness': 0 },
  ...{ 'learning.power': 'any', 'learning.minFreeMemory': 0, 'learning.maxTemperature': 120 },
  ...{ 'learning.quiet': '1s' },
}

/** Whole nodes with stakes on a chain, trainers, engines and sockets of their own. */
describe('a round of learning', function () {
  this.timeout(4 * MINUTE_MS)
  const network = new TestNetwork()
  const domains = makeDomains({ seed: 3, domains: MEMBERS, factsPerDomain: 10 })
  let members: TestNode[]
  let base: ModelId

  before(async () => {
    await network.start()
    members = []
    for (const domain of domains) {
      const folder = await network.folder()
      const at = (name: string) => join(folder, name)
      await writeFile(at('own.jsonl'), toJsonl(domain.training))
      await writeFile(at('public.jsonl'), toJsonl(domain.validation))
      const member = await network.node({
        ...LEARNING,
        'learning.publicText': `${domain.name}=${at('public.jsonl')}`,
        ...(members.length === 0 ? {} : { 'p2p.bootstrap': members[0]!.address }),
      })
      const options = { domain: domain.name, keepSimilar: true }
      await (await member.node.parts.learner.data.add(at('own.jsonl'), options)).commit()
      await member.node.trade.economy.staker.add(20n * CREDIT)
      members.push(member)
    }
    base = members[0]!.node.parts.serving.models()[0]!
    await waitUntil('they know each other', () =>
      members.every(({ node }) => node.parts.host.peers().length === MEMBERS - 1),
    )
  })
  after(() => network.stop())

  const versions = ({ node }: TestNode) => node.parts.learner.acceptance.versions

  it('makes one adapter of what its members know, which all of them serve from then on', async () => {
    const [proposer] = members
    const round = await waitForStake(() =>
      proposer!.node.parts.learner.propose(
        {
          ...{ base, name: 'facts', domain: 'general', rank: 4, alpha: 8 },
          training: { steps: 12, batchRows: 4, rowTokens: 64, learningRate: 5e-3 },
          ...{ trainForMs: MINUTE_MS, joinForMs: MINUTE_MS, judgeForMs: 2 * MINUTE_MS },
          ...{ leastStake: CREDIT, minimumUpdates: MEMBERS, maximumMembers: MEMBERS },
        },
        { generalPath: null, join: true, nowMs: Date.now(), seed: 5 },
      ),
    )
    const over = (member: TestNode) =>
      member.node.parts.learner.rounds.list().find(({ state }) => state.round === round)?.state
    await waitUntil(
      'the round is over',
      () => members.every(member => ['done', 'failed'].includes(over(member)?.phase ?? '')),
      3 * MINUTE_MS,
    )
    assert.deepEqual(
      members.map(member => [over(member)!.phase, over(member)!.failure]),
      members.map(() => ['done', null]),
    )
    const accepted = members.map(member => versions(member).current(base, 'general')!)
    const [{ record }] = accepted as [(typeof accepted)[number]]
    assert.equal(new Set(accepted.map(({ record: { body } }) => body.adapter)).size, 1)
    assert.ok(record.body.loss.after < 0.8 * record.body.loss.before, JSON.stringify(record.body.loss))
    assert.deepEqual(
      record.body.contributors.map(({ node }) => node).toSorted(),
      members.map(({ key }) => key).toSorted(),
    )

    const adapted = adaptedModelId(base, [record.body.adapter])
    await waitUntil(
      'it is offered',
      () =>
        members[0]!.node.parts.book
          .of(members[1]!.key)
          ?.offer.models.some(({ model }) => model === adapted) === true,
      MINUTE_MS,
    )
    const receipt = await ask(members[0]!, adapted)
    assert.deepEqual([receipt.provider, receipt.adapter], [members[1]!.key, record.body.adapter])
  })

  async function ask(from: TestNode, model: ModelId) {
    const events: TaskEvent[] = []
    await from.ask('Hello!', { model, maxTokens: 8 }, event => events.push(event))
    const receipt = events.find(event => event.type === 'receipt')
    assert.ok(receipt !== undefined)
    return { provider: receipt.record.signer, adapter: receipt.record.body.adapter }
  }
})

/** The chain tells stakes a little later. */
async function waitForStake(propose: () => Promise<string>): Promise<string> {
  let round: string | null = null
  await waitUntil(
    'the stake is known',
    async () => {
      round = await propose().catch((error: { code?: string }) => {
        if (error.code === 'STAKE_TOO_LOW') return null
        throw error
      })
      return round !== null
    },
    MINUTE_MS,
  )
  return round!
}
