import assert from 'node:assert/strict'
import fc from 'fast-check'
import { wilson } from '../../../../scripts/embedded-model/statistics.ts'

describe('wilson', () => {
  it('agrees with published values', () => {
    // Newcombe (1998), Statistics in Medicine 17:857, method 3: 81/263, 15/148, 0/20 and 1/29.
    for (const [right, of, low, high] of [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ] as const) {
      const share = wilson(right, of)
      assert.equal(share.low.toFixed(4), low.toFixed(4))
      assert.equal(share.high.toFixed(4), high.toFixed(4))
    }
  })

  it('holds the share and stays within 0 and 1', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (of, part) => {
          const { low, share, high } = wilson(Math.round(part * of), of)
          assert.ok(low >= 0 && low <= share && share <= high && high <= 1)
        },
      ),
    )
  })

  it('refuses what is no share', () => {
    for (const [right, of] of [
      [0, 0],
      [3, 2],
      [-1, 2],
    ] as const) {
      assert.throws(() => wilson(right, of), RangeError)
    }
  })
})
