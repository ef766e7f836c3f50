import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Hold, PriceCap } from '../../../../node/tasks/price-cap.ts'
import { minAmount } from '../../../../protocol/money.ts'

const amount = fc.bigInt(0n, 1_000n)

describe('PriceCap', () => {
  it('is never exceeded by what is spent and held together, in whatever order attempts begin and end', () => {
    const steps = fc.array(
      fc.record({ kind: fc.constantFrom('hold', 'lower', 'settle'), amount, pick: fc.nat() }),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(fc.option(amount), steps, (max, all) => {
        const cap = new PriceCap(max)
        const holds: Hold[] = []
        let spent = 0n
        for (const { kind, amount: wanted, pick } of all) {
          const hold = holds[pick % Math.max(1, holds.length)]
          if (kind === 'hold') holds.push(cap.hold(wanted))
          else if (kind === 'lower') hold?.lower(wanted)
          else if (hold !== undefined) {
            const paid = minAmount(hold.amount, wanted)
            hold.settle(paid)
            hold.settle(paid)
            holds.splice(holds.indexOf(hold), 1)
            spent += paid
          }
          const held = holds.reduce((sum, one) => sum + one.amount, 0n)
          assert.equal(cap.spent, spent)
          if (max !== null) {
            assert.ok(spent + held <= max)
            assert.equal(cap.available(), max - spent - held)
            assert.equal(cap.remaining(), max - spent)
          }
        }
      }),
    )
  })

  it('refuses to count more than was held', () => {
    const hold = new PriceCap(10n).hold(5n)
    assert.throws(() => hold.settle(6n), RangeError)
  })
})
