import assert from 'node:assert/strict'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const TIMEOUT_MS = 40_000

describe('a provider that claims seldom and only much', () => {
  const network = new TestNetwork()
  let provider: TestNode

  before(async () => {
    await network.start()
    provider = await network.node({ 'earning.settleEvery': '2h', 'earning.settleAbove': '1000' })
  })
  after(() => network.stop())

  async function served(lifetime: string): Promise<{ requester: TestNode; channelId: string; paid: bigint }> {
    const requester = await network.node({
      'models.serve': '',
      'p2p.bootstrap': provider.address,
      'spending.channelLifetime': lifetime,
    })
    await requester.knows(provider)
    const { paid } = await requester.ask('What is Shoal?')
    const [channel] = requester.node.trade.economy.payer.list()
    return { requester, channelId: channel!.channelId, paid }
  }

  const claimed = async (channelId: string) =>
    (await provider.node.trade.economy.client.channel(channelId))!.claimed

  it('claims in time before a channel ends, by itself or because its payer closes it', async () => {
    const long = await served('7d')
    // Gone before the provider would next look.
    const short = await served('10m')
    await waitUntil(
      'the short one is claimed',
      async () => (await claimed(short.channelId)) === short.paid,
      TIMEOUT_MS,
    )
    assert.equal(await claimed(long.channelId), 0n)

    const { payer } = long.requester.node.trade.economy
    assert.equal((await payer.close(long.channelId)).status, 'confirmed')
    await waitUntil(
      'the closing one is claimed',
      async () => (await claimed(long.channelId)) === long.paid,
      TIMEOUT_MS,
    )
    // Nothing more is put into a channel that ends.
    await long.requester.ask('Hello!')
    assert.equal(payer.list().length, 2)
  })

  it('says how much is claimed, once for each transaction', () => {
    const settled = provider.told.filter(event => event.type === 'settled')
    assert.equal(settled.length, 2)
    assert.equal(new Set(settled.map(event => event.type === 'settled' && event.transaction)).size, 2)
  })
})
