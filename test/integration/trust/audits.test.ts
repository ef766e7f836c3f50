import assert from 'node:assert/strict'
import type { Engine } from '../../../inference/engine.ts'
import { peerDetailView } from '../../../node/gateway/trust-views.ts'
import { peerIdOf } from '../../../node/gateway/views.ts'
import type { NodeEvent } from '../../../node/node-events.ts'
import type { AskOptions } from '../../../node/tasks/ask.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { GREEDY } from '../../helpers/samples.ts'

type Audited = Extract<NodeEvent, { type: 'audited' }>

/** Chats the embedded models know by heart, and answer alike; how this goes on they do not. */
const STORY = { kind: 'completion', prompt: 'Once upon a time seven old fishermen' } as const

describe('audits of real tasks', () => {
  const network = new TestNetwork()
  let requester: TestNode
  let provider: TestNode
  before(async () => {
    await network.start()
    provider = await network.node({ 'models.serve': 'shoal-nano-q8_0,shoal-mini-q4_0' })
    requester = await network.node({
      ...{ 'p2p.bootstrap': provider.address, 'task.maxAttempts': 1 },
      ...{ 'audits.share': 1, 'audits.leastProbability': 1 },
    })
    await requester.knows(provider)
  })
  after(() => network.stop())

  /** Asks as people do, with another draw for each task, and waits until the answer has been checked. */
  async function checked(options: Partial<AskOptions> = {}): Promise<Audited> {
    const audits = () => requester.told.filter((event): event is Audited => event.type === 'audited')
    const before = audits().length
    const sampling = { ...GREEDY, temperature: 1, seedScope: 'task' as const }
    await requester.ask('What is Shoal?', { model: 'shoal-nano-q8_0', sampling, ...options })
    await requester.until('the answer is checked', () => audits().length > before)
    return audits().at(-1)!
  }

  it('prove who is honest', async () => {
    for (const options of [{}, { maxTokens: 3 }, { input: STORY }])
      assert.equal((await checked(options)).result, 'passed')
    const { verification, reputation } = requester.node.parts
    assert.equal(reputation.honesty(provider.key).standing, 'proven')
    for await (const { assessment, reasons } of verification.verdicts()) {
      assert.deepEqual(reasons, [])
      assert.deepEqual([assessment.stop, assessment.prompt, assessment.text], ['right', 'right', 'right'])
      assert.ok(assessment.matchRate > 0.9, String(assessment.matchRate))
    }
  })

  it('catch who lets a cheaper model make something up', async () => {
    const { engine } = provider.node.parts
    const other = engine.status().models.find(({ id }) => id.startsWith('shoal-mini'))!
    const generate = engine.generate.bind(engine)
    engine.generate = ((request, options) => {
      const sampling = { ...request.sampling, temperature: 5 }
      return generate({ ...request, model: other.id, sampling }, options)
    }) as Engine['generate']
    const audits = async () => (await peerDetailView(requester.node, peerIdOf(provider.key))).audits!
    const before = (await audits()).passed
    let tries = 0
    // Now and then it ends before it has said enough to be caught, or even to be counted.
    while ((await checked({ input: STORY })).result === 'passed') tries += 1
    const { reputation } = requester.node.parts
    assert.equal(reputation.honesty(provider.key).standing, 'caught')
    const { passed, failed } = await audits()
    assert.equal(failed, 1)
    assert.ok(passed >= before && passed <= before + tries, `${passed} passed`)
  })
})
