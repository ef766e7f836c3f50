import assert from 'node:assert/strict'
import type { TaskEvent } from '../../../node/tasks/ask.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const LIMIT = CREDIT / 2n

describe('a node with a spending limit', () => {
  const network = new TestNetwork()
  let first: TestNode
  let requester: TestNode

  before(async () => {
    await network.start()
    // Prices that weigh more than any difference in speed.
    first = await network.node({ 'price.input': '0', 'price.output': '500' })
    requester = await network.node({
      'models.serve': '',
      'p2p.bootstrap': first.address,
      'spending.channelDeposit': '0.4',
      'spending.limitPerDay': '0.5',
    })
    await requester.knows(first)
  })
  after(() => network.stop())

  const payer = () => requester.node.trade.economy.payer
  const locked = () =>
    payer()
      .list()
      .reduce((sum, { deposit }) => sum + deposit, 0n)

  it('opens a channel and tops it up by itself, and never puts more into channels than the limit', async () => {
    const kinds: string[] = []
    const onEvent = (event: TaskEvent) => {
      if (event.type === 'funding') kinds.push(event.kind)
      assert.ok(locked() <= LIMIT)
    }
    let refusal: unknown = null
    for (let i = 0; i < 100 && refusal === null; i++)
      await requester.ask('What is Shoal?', { maxTokens: 100 }, onEvent).catch(error => {
        refusal = error
      })
    assert.equal((refusal as { code?: string }).code, 'SPENDING_LIMIT')
    assert.deepEqual(kinds.slice(0, 2), ['open', 'topUp'])
    assert.equal(payer().list().length, 1)
    const [channel] = payer().list()
    assert.equal(channel!.deposit, LIMIT)
    const onChain = await requester.node.trade.economy.client.channel(channel!.channelId)
    assert.equal(onChain?.deposit, channel!.deposit)
    // What the provider was paid is covered by what it can claim.
    assert.equal(first.node.trade.economy.payee.list()[0]!.cumulative, channel!.cumulative)
  })

  it('goes on with whom it has a channel, when there is nothing left for another', async () => {
    const cheaper = await network.node({
      'price.input': '0',
      'price.output': '1',
      'p2p.bootstrap': first.address,
    })
    await requester.knows(cheaper)
    const spent = payer().list()[0]!
    const left = spent.deposit - spent.cumulative
    assert.ok(left > 0n)
    assert.equal(requester.node.trade.economy.spending.remaining(), 0n)
    const failovers: string[] = []
    const { provider, status } = await requester.ask('hi', { maxTokens: 1 }, event => {
      if (event.type === 'failover') failovers.push(event.why)
    })
    assert.deepEqual([provider, status], [first.key, 'completed'])
    assert.deepEqual(failovers, ['unfunded'])
    assert.equal(requester.node.parts.reputation.score(cheaper.key).tasks, 0, 'that is not held against it')
    await waitUntil('nothing is reserved', () =>
      payer()
        .list()
        .every(({ reserved }) => reserved === 0n),
    )
  })
})
