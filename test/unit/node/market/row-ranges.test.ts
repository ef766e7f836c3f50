import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RowRanges } from '../../../../node/market/row-ranges.ts'

describe('row ranges', () => {
  it('never overlap, and become one again when they are given back', () => {
    const step = fc.record({ power: fc.nat(5), give: fc.boolean(), which: fc.nat() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const ranges = new RowRanges(16)
        const taken: { start: number; power: number }[] = []
        for (const { power, give, which } of steps) {
          if (give && taken.length > 0) {
            const [range] = taken.splice(which % taken.length, 1)
            ranges.give(range!.start, range!.power)
            continue
          }
          const start = ranges.take(power)
          assert.ok(start + 2 ** power <= ranges.capacity)
          assert.equal(start % 2 ** power, 0)
          for (const other of taken)
            assert.ok(start + 2 ** power <= other.start || other.start + 2 ** other.power <= start)
          taken.push({ start, power })
        }
        const { capacity } = ranges
        for (const { start, power } of taken) ranges.give(start, power)
        assert.equal(ranges.take(Math.log2(capacity)), 0, 'all of it is one range')
        assert.equal(ranges.capacity, capacity)
      }),
    )
  })

  it('begin with a power of two', () => {
    assert.throws(() => new RowRanges(1_000), RangeError)
  })
})
