import assert from 'node:assert/strict'
import fc from 'fast-check'
import { channelDeposit } from '../../../../node/payments/channel-deposit.ts'
import { CREDIT, maxAmount } from '../../../../protocol/money.ts'

const amount = fc.bigInt(0n, 10n * CREDIT)
const reliability = fc.double({ min: 0, max: 1, noNaN: true })

describe('channelDeposit', () => {
  it('is enough for the task, and no more than a whole deposit where the task needs no more', () => {
    fc.assert(
      fc.property(amount, amount, reliability, (needed, full, trust) => {
        const deposit = channelDeposit(needed, full, trust)
        assert.ok(deposit >= needed)
        assert.ok(deposit <= maxAmount(needed, full))
      }),
    )
  })

  it('rises with reliability and with what is needed, up to all of it', () => {
    fc.assert(
      fc.property(amount, amount, amount, reliability, reliability, (less, more, full, one, other) => {
        const [low, high] = less < more ? [less, more] : [more, less]
        const [bad, good] = one < other ? [one, other] : [other, one]
        assert.ok(channelDeposit(low, full, bad) <= channelDeposit(high, full, good))
        assert.equal(channelDeposit(0n, full, 1), full)
      }),
    )
  })

  it('is small with a stranger', () => {
    assert.equal(channelDeposit(CREDIT / 1_000n, CREDIT, 0), CREDIT / 250n)
    assert.equal(channelDeposit(CREDIT / 1_000n, CREDIT, 0.25), CREDIT / 2n)
  })
})
