import assert from 'node:assert/strict'
import { Random } from '../../../scripts/embedded-model/corpus/random.ts'
import { compare } from '../../bench/paired-bootstrap.ts'
import type { Result } from '../../bench/saving-routing.ts'
import { keyOf, savingWorkload } from '../../bench/saving-workload.ts'

describe('the workload of market.saving', () => {
  it('has parts with no question in common, none twice, and each kind as often', () => {
    const tuning = savingWorkload('tuning', 40)
    const heldOut = savingWorkload('held-out', 40)
    const keys = [...tuning, ...heldOut].map(keyOf)
    assert.equal(new Set(keys).size, 2 * 12 * 40)
    for (const part of [tuning, heldOut]) {
      const counts = Object.values(Object.groupBy(part, ({ kind }) => kind)).map(all => all!.length)
      assert.deepEqual(counts, Array(12).fill(40))
    }
    assert.deepEqual(savingWorkload('tuning', 40), tuning, 'always the same')
  })
})

describe('the paired bootstrap', () => {
  const random = new Random(7)
  const draw = (rightOf100: number, credits: number): Result => ({
    credits,
    quality: random.below(100) < rightOf100 ? 1 : 0,
  })

  it('finds no difference between a way and itself, however much the questions differ', () => {
    const results = Array.from({ length: 200 }, () => draw(50, 1 + random.below(9)))
    const { costRatio, qualityDifference } = compare([results, results], results)
    assert.deepEqual(costRatio, { value: 1, low: 1, high: 1 })
    assert.deepEqual(qualityDifference, { value: 0, low: 0, high: 0 })
  })

  it('has the width that theory says for independent answers', () => {
    const n = 2_000
    const one = Array.from({ length: n }, () => draw(70, 1))
    const other = Array.from({ length: n }, () => draw(60, 2))
    const { costRatio, qualityDifference } = compare([one], other)
    assert.equal(costRatio.value, 0.5)
    const standardError = Math.sqrt((0.7 * 0.3 + 0.6 * 0.4) / n)
    const width = qualityDifference.high - qualityDifference.low
    assert.ok(Math.abs(width / (2 * 1.96 * standardError) - 1) < 0.1, `${width}`)
    assert.ok(qualityDifference.low < 0.1 && 0.1 < qualityDifference.high)
  })

  it('counts that runs differ', () => {
    const cheap = Array.from({ length: 50 }, () => ({ credits: 1, quality: 1 }))
    const dear = Array.from({ length: 50 }, () => ({ credits: 3, quality: 1 }))
    const { costRatio } = compare([cheap, dear, cheap, dear], dear)
    assert.ok(Math.abs(costRatio.value - 2 / 3) < 1e-9)
    assert.ok(costRatio.low < 0.5 && costRatio.high > 0.8)
  })
})
