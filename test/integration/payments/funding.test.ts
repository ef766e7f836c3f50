import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { computeAddress } from 'ethers'
import { CREDIT } from '../../../protocol/money.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'
import { waitUntil } from '../../helpers/wait.ts'

const newPayee = () => computeAddress(`0x${randomBytes(32).toString('hex')}`).toLowerCase()
const MIN_REMAINING_MS = 600_000

describe('channels paid for by one wallet', () => {
  const network = new TestNetwork()
  let node: TestNode

  before(async () => {
    await network.start()
    node = await network.node({
      'models.serve': '',
      'spending.limitPerDay': '100',
      'spending.channelDeposit': '0.5',
    })
  })
  after(() => network.stop())

  const acquire = (payee: string, needed: bigint) =>
    node.node.trade.economy.payer.acquire({ payee, needed, minRemainingMs: MIN_REMAINING_MS })

  async function assertChainAgrees(): Promise<void> {
    const { payer, client } = node.node.trade.economy
    for (const { channelId, deposit, cumulative, reserved } of payer.list()) {
      assert.equal((await client.channel(channelId))?.deposit, deposit)
      assert.ok(cumulative + reserved <= deposit)
    }
  }

  it('are opened to several payees at once', async () => {
    const payees = Array.from({ length: 5 }, newPayee)
    const leases = await Promise.all(payees.map(payee => acquire(payee, CREDIT / 10n)))
    assert.equal(new Set(leases.map(({ channelId }) => channelId)).size, payees.length)
    await assertChainAgrees()
    for (const lease of leases) lease.release()
  })

  it('are opened once for many tasks that come together', async () => {
    const payee = newPayee()
    const leases = await Promise.all(Array.from({ length: 10 }, () => acquire(payee, CREDIT / 20n)))
    assert.equal(new Set(leases.map(({ channelId }) => channelId)).size, 1)
    await assertChainAgrees()
    for (const lease of leases) lease.release()
  })

  it('are topped up, several at once, when tasks need more', async () => {
    const { payer } = node.node.trade.economy
    const before = payer.list().length
    const payees = [...new Set(payer.list().map(({ payee }) => payee))]
    const leases = await Promise.all(payees.map(payee => acquire(payee, CREDIT)))
    assert.equal(payer.list().length, before)
    await assertChainAgrees()
    for (const lease of leases) lease.release()
  })

  it('go on where a killed node left them, several at once', async () => {
    const payees = Array.from({ length: 3 }, newPayee)
    const { payer } = node.node.trade.economy
    const asking = payees.map(payee => acquire(payee, CREDIT / 10n).catch(() => null))
    await waitUntil('all are on disk', () =>
      payees.every(payee => payer.list().some(channel => channel.payee === payee)),
    )
    await network.stopNodes()
    node = await network.node({ 'models.serve': '' }, node)
    const { payer: again } = node.node.trade.economy
    await waitUntil('they are open', () =>
      again.list().every(({ state, pendingTopUp }) => state === 'open' && pendingTopUp === null),
    )
    assert.equal(new Set(again.list().map(({ payee }) => payee)).size, again.list().length)
    for (const payee of payees) assert.ok(again.list().some(channel => channel.payee === payee))
    await assertChainAgrees()
    void asking
  })
})
