import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { routeHandlers } from '../../../node/gateway/route-handlers.ts'
import type { DecisionView, PolicyView } from '../../../node/gateway/route-views.ts'
import { peerIdOf } from '../../../node/gateway/views.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'

const PROMPT = 'What is 17 + 25?'

describe('what a node remembers of its routing', () => {
  const network = new TestNetwork()
  const handlersOf = ({ node }: TestNode) => routeHandlers(node.parts.learning)

  before(() => network.start())
  after(() => network.stop())

  it('explains a task, learns from it and from what is said of it, and knows it all after a restart', async () => {
    const first = await network.node()
    const second = await network.node({ 'p2p.bootstrap': first.address })
    const flags = { 'models.serve': '', 'p2p.bootstrap': [first.address, second.address].join(',') }
    const requester = await network.node(flags)
    await requester.knows(first, second)
    const { taskId, provider, text } = await requester.ask(PROMPT)
    const { routeExplain, routeRate, routePolicy, routeReplay } = handlersOf(requester)

    const [decision, ...more] = (await routeExplain({ taskId })) as DecisionView[]
    assert.deepEqual(more, [])
    const offered = [first, second].map(({ key }) => peerIdOf(key)).sort()
    assert.deepEqual(decision!.candidates.map(candidate => candidate.provider).sort(), offered)
    assert.equal(decision!.candidates[0]!.provider, peerIdOf(provider))
    assert.equal(decision!.taskClass, 'chat:short:numbers/balanced')
    const chances = decision!.candidates.reduce((sum, { chance }) => sum + chance, 0)
    assert.ok(Math.abs(chances - 1) < 1e-9)
    assert.equal(decision!.candidates[0]!.chance, decision!.probability)
    for (const { score, parts, trust } of decision!.candidates) {
      const sum = Object.values(parts).reduce((total, part) => total + part, 0)
      assert.ok(Math.abs(sum * trust - score) < 1e-4, `${sum} ${trust} ${score}`)
    }
    const [outcome] = decision!.outcomes
    assert.equal(outcome!.status, 'completed')
    assert.ok(outcome!.reward! > 0 && outcome!.reward! < 1)
    const log = await readFile(requester.node.dataDir.decisions, 'utf8')
    assert.ok(text.length > 4 && !log.includes('17 + 25') && !log.includes(text), 'neither prompt nor answer')

    await routeRate({ taskId, quality: 0 })
    const [rated] = (await routeExplain({ taskId })) as DecisionView[]
    assert.equal(rated!.outcomes[0]!.quality, 0)
    assert.ok(rated!.outcomes[0]!.reward! < outcome!.reward!)
    await assert.rejects(async () => routeRate({ taskId: '0'.repeat(32), quality: 1 }), {
      code: 'DECISION_UNKNOWN',
    })
    await assert.rejects(async () => routeReplay({ policy: null }), { code: 'TOO_FEW_DECISIONS' })

    await writeFile(requester.node.dataDir.policy, '{"name": "frugal", "explorationRate": 0.1}')
    const policy = (await routePolicy({ forget: false })) as PolicyView
    assert.match(policy.version, /^frugal#/)
    assert.deepEqual(
      policy.classes.map(({ taskClass, outcomes }) => [taskClass, outcomes]),
      [['chat:short:numbers/balanced', 1]],
    )
    await writeFile(requester.node.dataDir.policy, '{"name": "frugal", "explorationRate": 2}')
    const refused = (await routePolicy({ forget: false })) as PolicyView
    assert.equal(refused.version, policy.version)
    assert.match(refused.file.problem!, /explorationRate/)
    assert.ok(
      requester.told.some(
        ({ type, ...event }) => type === 'warning' && 'code' in event && event.code === 'POLICY_INVALID',
      ),
    )

    await requester.node.stop()
    await writeFile(requester.node.dataDir.policy, '{"name": "frugal"}')
    const again = await network.node(flags, requester)
    const known = handlersOf(again)
    assert.deepEqual(await known.routeExplain({ taskId }), [rated])
    const kept = (await known.routePolicy({ forget: false })) as PolicyView
    assert.deepEqual(kept.classes, policy.classes)
    const forgotten = (await known.routePolicy({ forget: true })) as PolicyView
    assert.deepEqual(forgotten.classes, [])
  })
})
