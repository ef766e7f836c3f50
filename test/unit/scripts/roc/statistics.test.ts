import assert from 'node:assert/strict'
import fc from 'fast-check'
import { normalTail } from '../../../../inference/audit/distributions.ts'
import { seededRandom } from '../../../../inference/audit/random.ts'
import {
  areaOfCounts,
  areaUnderCurve,
  bootstrap,
  normalQuantile,
  quantile,
  rocCurve,
  type Sum,
  tokensToPower,
} from '../../../../scripts/roc/statistics.ts'

/** Draws from a normal distribution (Box-Muller). */
function normals(random: () => number, mean: number, count: number): number[] {
  return Array.from(
    { length: count },
    () => mean + Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  )
}

describe('the statistics of ROC tables', () => {
  describe('areaUnderCurve', () => {
    it('is the chance that a positive scores higher, ties counted half', () => {
      assert.equal(areaUnderCurve([1, 2], [3, 4]), 1)
      assert.equal(areaUnderCurve([3, 4], [1, 2]), 0)
      assert.equal(areaUnderCurve([1, 1], [1, 1]), 0.5)
      assert.equal(areaUnderCurve([0, 2], [1, 2]), (1 + 0 + 1 + 0.5) / 4)
      assert.equal(areaUnderCurve([0, Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY]), 0.75)
      assert.throws(() => areaUnderCurve([], [1]), RangeError)
    })

    it('equals the count over all pairs, and the area of the curve', () => {
      const scores = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 })
      fc.assert(
        fc.property(scores, scores, (negatives, positives) => {
          const pairs = positives.flatMap(score =>
            negatives.map((other): number => (score > other ? 1 : score === other ? 0.5 : 0)),
          )
          const expected = pairs.reduce((sum, pair) => sum + pair, 0) / pairs.length
          assert.ok(Math.abs(areaUnderCurve(negatives, positives) - expected) < 1e-12)
          const count = (of: number[]) =>
            Array.from({ length: 10 }, (_, score) => of.filter(other => other === score).length)
          assert.ok(Math.abs(areaOfCounts(count(negatives), count(positives)) - expected) < 1e-12)
          const curve = rocCurve(negatives, positives)
          const area = curve.slice(1).reduce((sum, point, at) => {
            const before = curve[at]!
            return sum + ((point.falseAlarm - before.falseAlarm) * (point.power + before.power)) / 2
          }, 0)
          assert.ok(Math.abs(area - expected) < 1e-12)
          assert.deepEqual(curve.at(-1), { falseAlarm: 1, power: 1 })
        }),
      )
    })

    it('is that of normal distributions', () => {
      const random = seededRandom(3)
      // Φ(d′/√2) of two normals d′ apart (Green and Swets 1966).
      const expected = 1 - normalTail(1 / Math.SQRT2)
      const area = areaUnderCurve(normals(random, 0, 4_000), normals(random, 1, 4_000))
      assert.ok(Math.abs(area - expected) < 0.015, `${area} ${expected}`)
    })
  })

  describe('bootstrap', () => {
    it('covers what is true about as often as it says', () => {
      const random = seededRandom(5)
      const TRIALS = 200
      let covered = 0
      for (let trial = 0; trial < TRIALS; trial++) {
        const values = normals(random, 7, 40)
        const mean = (places: readonly number[]) =>
          places.reduce((sum, at) => sum + values[at]!, 0) / places.length
        const { low, high } = bootstrap(values.length, mean, { rounds: 200, random })
        if (low <= 7 && 7 <= high) covered++
      }
      assert.ok(covered / TRIALS > 0.88 && covered / TRIALS < 0.99, String(covered / TRIALS))
    })

    it('is as wide as prompts differ, however many receipts each has', () => {
      const random = seededRandom(6)
      const width = (receipts: number) => {
        const prompts = normals(random, 0, 100).map(mean => new Array<number>(receipts).fill(mean))
        const mean = (places: readonly number[]) => {
          const all = places.flatMap(at => prompts[at]!)
          return all.reduce((sum, value) => sum + value, 0) / all.length
        }
        const { low, high } = bootstrap(prompts.length, mean, { rounds: 400, random })
        return high - low
      }
      // 2 · 1.96 / √100
      for (const receipts of [1, 20]) assert.ok(Math.abs(width(receipts) - 0.392) < 0.1)
    })
  })

  describe('quantiles', () => {
    it('of lists take the first value that has the share below or at it', () => {
      assert.equal(quantile([1, 2, 3, 4], 0.5), 2)
      assert.equal(quantile([1, 2, 3, Number.POSITIVE_INFINITY], 0.95), Number.POSITIVE_INFINITY)
      assert.ok(Number.isNaN(quantile([], 0.5)))
    })

    it('of the normal distribution are those of tables', () => {
      for (const [tail, x] of [
        [0.5, 0],
        [0.05, 1.644854],
        [1e-3, 3.090232],
        [1e-6, 4.753424],
        [0.95, -1.644854],
      ] as const) {
        assert.ok(Math.abs(normalQuantile(tail) - x) < 1e-5)
      }
    })
  })

  describe('tokensToPower', () => {
    const receipts = (random: () => number, mean: number): Sum[] =>
      normals(random, mean, 10_000).map(score => ({ tokens: 10, score }))

    it('is the sample size of two known normal distributions', () => {
      const random = seededRandom(8)
      for (const [difference, falseAlarm] of [
        [0.5, 1e-3],
        [0.5, 1e-6],
        [1.5, 1e-6],
      ] as const) {
        const options = { falseAlarm, power: 0.95 }
        const tokens = tokensToPower(receipts(random, 0), receipts(random, difference), options)
        const receiptsNeeded = ((normalQuantile(falseAlarm) + normalQuantile(0.05)) / difference) ** 2
        const expected = 10 * receiptsNeeded
        assert.ok(Math.abs(tokens / expected - 1) < 0.1, `${tokens} ${expected}`)
      }
    })

    it('is without end where a cheat looks no worse', () => {
      const random = seededRandom(9)
      const better = receipts(random, -1)
      const options = { falseAlarm: 1e-3, power: 0.95 }
      assert.equal(tokensToPower(receipts(random, 0), better, options), Number.POSITIVE_INFINITY)
    })
  })
})
