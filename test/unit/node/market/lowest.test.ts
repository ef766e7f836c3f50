import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Lowest } from '../../../../node/market/lowest.ts'

describe('the lowest of many', () => {
  it('are those that sorting would put first', () => {
    const keys = fc.array(fc.double({ noNaN: true }), { maxLength: 200 })
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 20 }), (all, limit) => {
        const lowest = new Lowest(limit)
        const sorted = all.toSorted((a, b) => a - b)
        for (const [item, key] of all.entries()) lowest.offer(key, item)
        assert.deepEqual(
          lowest.items().map(item => all[item]! + 0),
          sorted.slice(0, limit).map(key => key + 0),
        )
        assert.equal(lowest.bound, sorted[limit - 1] ?? Number.POSITIVE_INFINITY)
      }),
    )
  })
})
