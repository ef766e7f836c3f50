import assert from 'node:assert/strict'
import {
  L1_PRICES,
  L2_PRICES,
  measureTicketGas,
  measureTicketOverhead,
  type TicketGas,
} from '../../scripts/ticket-overhead.ts'

describe('the overhead of tickets', () => {
  let gas: TicketGas

  before(async () => {
    gas = await measureTicketGas()
  })

  it('has redemptions within 90,000 gas, the first of a payee too', () => {
    assert.ok(gas.redeem <= 90_000, `${gas.redeem} gas`)
    assert.ok(gas.redeemFirst <= 90_000, `${gas.redeemFirst} gas`)
    assert.ok((gas.redeem100 - gas.redeem) / 99 <= 45_000, `${gas.redeem100} gas for 100`)
  })

  for (const prices of [L2_PRICES, L1_PRICES]) {
    it(`is at most 1 % at the default face value on ${prices.name}, all costs counted`, async () => {
      const { overhead, expectedOverhead, tickets } = await measureTicketOverhead({ prices }, gas)
      assert.ok(expectedOverhead <= 0.01, `expected ${expectedOverhead}`)
      assert.ok(overhead <= 0.01, `observed ${overhead}`)
      assert.ok(tickets >= 1_000_000)
    })
  }

  it('measures by itself when no figures are given', async () => {
    const options = { requesters: 1, providers: 10, ticketsPerPair: 100 }
    const result = await measureTicketOverhead(options)
    assert.ok(Math.abs(result.gas.redeem / gas.redeem - 1) < 0.01)
    assert.equal(result.tickets, 1_000)
  })
})
