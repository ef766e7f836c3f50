import assert from 'node:assert/strict'
import { type Engine, EngineError } from '../../../inference/engine.ts'
import { DEFAULT_PREFERENCES } from '../../../node/market/preferences.ts'
import type { TaskEvent } from '../../../node/tasks/ask.ts'
import { owedFor } from '../../../node/tasks/metering.ts'
import { vectorsDigest } from '../../../protocol/messages/receipt.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'

const TEXTS = [
  'A shoal of fish.',
  'What is Shoal?',
  'x',
  `${'many words in one text '.repeat(20)}`,
  'The end 🐟',
]
const INPUT = { kind: 'embedding', inputs: TEXTS } as const

async function receiptsOf({ node }: TestNode) {
  const receipts = []
  for await (const { receipt } of node.parts.receipts.list()) receipts.push(receipt)
  return receipts
}

describe('embeddings and log-probabilities over the network', function () {
  this.timeout(60_000)
  const network = new TestNetwork()
  let cheap: TestNode
  let dear: TestNode
  let requester: TestNode
  /** By the engine of a node itself. */
  let expected: readonly Float32Array[]
  let tokens: number

  before(async () => {
    await network.start()
    // A window that no text fits into: what is computed is paid in parts.
    cheap = await network.node({ 'task.creditWindowTokens': 4, 'models.slots': 1 })
    const flags = { 'p2p.bootstrap': cheap.address, 'task.creditWindowTokens': 4, 'models.slots': 1 }
    dear = await network.node({ ...flags, 'price.input': '2' })
    // Who was asked as a second and lost is not asked again: on a busy machine nobody would be left.
    requester = await network.node({ ...flags, 'models.serve': '', 'task.hedgePercent': 0 })
    requester.choosesByScore()
    await requester.knows(cheap, dear)
    const { engine } = dear.node.parts
    const model = engine.status().models[0]!.id
    const embedded = await engine.embed({ model, inputs: TEXTS })
    expected = embedded.vectors
    tokens = embedded.inputTokens
  })
  after(() => network.stop())

  const embed = (onEvent: (event: TaskEvent) => void = () => {}) =>
    requester.ask('', { input: { ...INPUT, inputs: [...TEXTS] }, maxTokens: 1 }, onEvent)

  it('embeds, pays for each token, and signs for what came', async () => {
    const result = await embed()
    assert.deepEqual(result.vectors, expected)
    assert.deepEqual([result.promptTokens, result.outputTokens, result.reason], [tokens, 0, 'stop'])
    const [receipt] = (await receiptsOf(requester)).filter(({ taskId }) => taskId === result.taskId)
    assert.equal(receipt!.output, vectorsDigest(expected))
    assert.deepEqual([receipt!.promptTokens, receipt!.outputTokens, receipt!.reason], [tokens, 0, 'stop'])
    const offered = requester.node.parts.book.of(result.provider)!.offer.models[0]!
    assert.ok(offered.kinds.includes('embedding'))
    assert.equal(result.paid, owedFor(offered, { promptTokens: tokens, outputTokens: 0 }))
    assert.equal(receipt!.amount, result.paid)
    assert.equal(requester.node.parts.verification.archive.size.tasks, 0, 'audits have nothing to judge')
  })

  it('goes on elsewhere with what is left, and pays nothing twice', async () => {
    const { engine } = cheap.node.parts
    const honest = engine.embed.bind(engine)
    let calls = 0
    engine.embed = (async (request, options) => {
      calls += 1
      if (calls > 2) throw new EngineError('ENGINE_CRASHED', 'the engine process died')
      return honest(request, options)
    }) as Engine['embed']
    try {
      const events: TaskEvent[] = []
      const before = (await receiptsOf(requester)).length
      const result = await embed(event => events.push(event))
      assert.equal(result.provider, dear.key)
      assert.deepEqual(result.vectors, expected)
      assert.equal(result.promptTokens, tokens)
      assert.ok(events.some(({ type }) => type === 'failover'))
      const receipts = (await receiptsOf(requester)).slice(0, -before)
      assert.deepEqual(receipts.map(({ reason }) => reason).sort(), ['failed', 'stop'])
      assert.equal(
        receipts.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
        tokens,
      )
    } finally {
      engine.embed = honest
    }
  })

  it('is refused in the classes that compare answers', async () => {
    await assert.rejects(
      requester.ask('', {
        input: { kind: 'embedding', inputs: ['a'] },
        preferences: { ...DEFAULT_PREFERENCES, slaClass: 'A' },
      }),
      { code: 'NOTHING_FITS' },
    )
  })

  it('tells how likely tokens were, the same whatever is told', async () => {
    const plain = await requester.ask('What is Shoal?', { maxTokens: 12 })
    const events: TaskEvent[] = []
    const result = await requester.ask('What is Shoal?', { maxTokens: 12, logprobs: 3 }, event =>
      events.push(event),
    )
    assert.equal(result.text, plain.text)
    const told = events.flatMap(event => (event.type === 'output' ? (event.logprobs ?? []) : []))
    assert.equal(told.length, result.outputTokens)
    const bytes = Buffer.concat(told.map(token => token.bytes)).toString()
    assert.ok(bytes.startsWith(result.text), 'the tokens spell the answer')
    for (const { logprob, top } of told) {
      assert.equal(top.length, 3)
      assert.equal(logprob, top[0]!.logprob, 'at temperature 0 the likeliest is taken')
      assert.ok(top[0]!.logprob >= top[1]!.logprob && top[1]!.logprob >= top[2]!.logprob)
    }
  })
})
