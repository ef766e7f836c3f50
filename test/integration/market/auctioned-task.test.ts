import assert from 'node:assert/strict'
import { marketView } from '../../../node/gateway/market-views.ts'
import { DEFAULT_PREFERENCES } from '../../../node/market/preferences.ts'
import type { TaskEvent } from '../../../node/tasks/ask.ts'
import { CREDIT, costRoundedUp } from '../../../protocol/money.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'

/** Two providers of one model that differ in their price, and one who asks; all whole nodes. */
describe('a task sold by auction', () => {
  const network = new TestNetwork()
  let [cheap, dear, requester] = [] as unknown as [TestNode, TestNode, TestNode]

  before(async () => {
    await network.start()
    // Far more than an answer takes: nobody is late by chance; and prices that stay where they begin.
    const flags = { 'auction.bidWindow': '5s', 'price.averageOver': '12h' }
    ;[cheap, dear] = await Promise.all([
      network.node({ ...flags, 'price.input': '0.5', 'price.output': '1' }),
      network.node({ ...flags, 'price.input': '0.75', 'price.output': '1.5' }),
    ])
    requester = await network.node({
      ...flags,
      'models.serve': '',
      'p2p.bootstrap': [cheap.address, dear.address],
    })
    await requester.knows(cheap, dear)
  })
  after(() => network.stop())

  async function ask(auction: 'first-price' | 'second-price') {
    const events: TaskEvent[] = []
    const result = await requester.ask(
      'What is 2 + 2?',
      { model: 'shoal-nano', maxTokens: 8, preferences: { ...DEFAULT_PREFERENCES, auction } },
      event => events.push(event),
    )
    const sold = events.find(event => event.type === 'auction')
    const receipt = events.find(event => event.type === 'receipt')
    assert.ok(sold !== undefined && receipt !== undefined)
    const { promptTokens, outputTokens, amount } = receipt.record.body
    const at = (input: bigint, output: bigint) =>
      costRoundedUp(
        { inputPerMillion: input, outputPerMillion: output },
        { inputTokens: promptTokens, outputTokens },
      )
    assert.equal(amount, result.paid)
    return { result, sold, amount, at }
  }

  it('is done by the lowest bidder for its bid in a first-price auction', async () => {
    const { result, sold, amount, at } = await ask('first-price')
    assert.deepEqual([sold.asked, sold.bids, sold.provider], [2, 2, cheap.key])
    assert.equal(result.provider, cheap.key)
    // Idle, it asks for half of what it offers.
    assert.equal(amount, at(CREDIT / 4n, CREDIT / 2n))
    const { won, bids } = cheap.node.parts.desk.demand.snapshot()
    assert.deepEqual([won, bids], [1, 1])
  })

  it('is paid as the next best bid in a second-price auction, which is more', async () => {
    const { result, sold, amount, at } = await ask('second-price')
    assert.equal(result.provider, cheap.key)
    const [input, output] = [(3n * CREDIT) / 8n, (3n * CREDIT) / 4n]
    assert.deepEqual(sold.price, { inputPerMillion: input, outputPerMillion: output })
    assert.equal(amount, at(input, output))
  })

  it('shows in the market view of who earned, and of who did not and why', async () => {
    const all = { model: null, span: null }
    const earned = await marketView(cheap.node, [], all)
    assert.equal(earned.earning.tasks, 2)
    assert.ok(Number(earned.earning.credits) > 0)
    assert.equal(earned.cause, null, JSON.stringify(earned.cause))
    const [own] = earned.models[0]!.own
    assert.deepEqual([own?.rank, earned.models[0]!.offers], [1, 1])
    const lost = await marketView(dear.node, [], { model: 'shoal-nano', span: null })
    assert.equal(lost.earning.tasks, 0)
    assert.deepEqual([lost.cause?.check, lost.demand.bids], ['price', 2])
    assert.deepEqual(
      lost.offers.map(({ own, price }) => [own, price.output]),
      [
        [false, '1'],
        [true, '1.5'],
      ],
    )
    await assert.rejects(marketView(requester.node, [], { model: 'llama', span: null }), {
      code: 'MODEL_NOT_OFFERED',
    })
  })

  it('is done by several operators in the SLA class A, each for its own bid', async () => {
    const events: TaskEvent[] = []
    const preferences = { ...DEFAULT_PREFERENCES, slaClass: 'A', auction: 'first-price' } as const
    const result = await requester.ask(
      'What is 3 + 4?',
      { model: 'shoal-nano', maxTokens: 8, preferences },
      event => events.push(event),
    )
    assert.deepEqual(result.agreed.toSorted(), [cheap.key, dear.key].sort())
    const sold = events.filter(event => event.type === 'auction')
    assert.deepEqual(
      sold.map(({ provider, price }) => [provider, price.outputPerMillion]),
      [
        [cheap.key, CREDIT / 2n],
        [dear.key, (3n * CREDIT) / 4n],
      ],
    )
    const receipts = events.flatMap(event => (event.type === 'receipt' ? [event.record.body] : []))
    assert.equal(receipts.length, 2)
    for (const { provider, promptTokens, outputTokens, amount } of receipts) {
      const { price } = sold.find(one => one.provider === provider)!
      assert.equal(amount, costRoundedUp(price, { inputTokens: promptTokens, outputTokens }))
    }
    assert.equal(
      result.paid,
      receipts.reduce((sum, { amount }) => sum + amount, 0n),
    )
  })
})
