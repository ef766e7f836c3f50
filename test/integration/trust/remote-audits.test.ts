import assert from 'node:assert/strict'
import type { Engine } from '../../../inference/engine.ts'
import { peerDetailView } from '../../../node/gateway/trust-views.ts'
import { peerIdOf } from '../../../node/gateway/views.ts'
import type { AuditVerdict } from '../../../node/trust/audits/verdict.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { GREEDY } from '../../helpers/samples.ts'
import { waitUntil } from '../../helpers/wait.ts'

const TASKS = 24
const STORY = { kind: 'completion', prompt: 'Once upon a time seven old fishermen' } as const

describe('audits by other nodes', () => {
  const network = new TestNetwork()
  let requester: TestNode
  let provider: TestNode
  let auditor: TestNode
  const verdicts: AuditVerdict[] = []
  before(async () => {
    await network.start()
    ;[provider, auditor] = await Promise.all([network.node(), network.node()])
    requester = await network.node({
      ...{ 'models.serve': '', 'p2p.bootstrap': provider.address, 'task.maxAttempts': 1 },
      ...{ 'audits.share': 1, 'audits.canaryShare': 0.6, 'audits.auditorStake': '50' },
    })
    await requester.knows(provider)
    requester.node.parts.verification.audits.on('verdict', verdict => verdicts.push(verdict))
    const sampling = { ...GREEDY, temperature: 1, seedScope: 'task' as const }
    for (let index = 0; index < TASKS; index++)
      await requester.ask('', { input: STORY, sampling, maxTokens: 40 })
    // Its stake makes a block after the receipts. What is known of a stake is not read again at once: nobody hears of it before.
    await auditor.until('its key is bound', ({ type }) => type === 'bound')
    await auditor.node.trade.economy.staker.add(60n * CREDIT)
    await auditor.node.parts.host.dialAddress(requester.address)
    await requester.knows(auditor)
  })
  after(() => network.stop())

  /** Looks for work to be done without waiting for the next time. */
  const auditUntil = (what: string, condition: () => boolean) =>
    waitUntil(what, () => {
      if (!condition()) requester.node.parts.verification.audits.wake()
      return condition()
    })

  it('judge for a requester without the model', async () => {
    const { auditors } = requester.node.parts.verification
    await auditUntil('an answer is checked', () => verdicts.length > 0)
    await auditUntil('the auditor is tested', () => auditors.of(auditor.key).right > 0)
    const [verdict] = verdicts
    assert.deepEqual(
      [verdict!.result, verdict!.reasons, verdict!.provider, verdict!.auditor],
      ['passed', [], provider.key, auditor.key],
    )
    assert.ok(verdict!.assessment.matchRate > 0.9)
    assert.deepEqual([verdict!.assessment.prompt, verdict!.assessment.text], ['right', 'right'])
    assert.equal(auditors.of(auditor.key).wrong, 0)
    assert.equal(auditors.of(provider.key).right, 0)
  })

  it('find out who stops to look', async () => {
    const { engine } = auditor.node.parts
    const score = engine.score.bind(engine)
    engine.score = (async (request, options) => {
      const scored = await score(request, options)
      const { states, margins, logProbs } = scored
      return { ...scored, states: states.fill(0), margins: margins.fill(0), logProbs: logProbs.fill(-1) }
    }) as Engine['score']
    const { auditors } = requester.node.parts.verification
    await auditUntil('it is found out', () => auditors.of(auditor.key).isExcluded)
    const { reputation } = requester.node.parts
    await waitUntil('it is left alone', () => !reputation.isWelcome(auditor.key))
    assert.ok(auditors.of(auditor.key).faults.passed_bad >= 2)
    assert.notEqual(reputation.honesty(provider.key).standing, 'caught')
    const shown = async (node: TestNode) => (await peerDetailView(requester.node, peerIdOf(node.key))).auditor
    const { excluded, weight } = (await shown(auditor))!
    assert.deepEqual([excluded, weight, await shown(provider)], [true, 0, null])
  })
})
