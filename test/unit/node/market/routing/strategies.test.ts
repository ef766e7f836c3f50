import assert from 'node:assert/strict'
import fc from 'fast-check'
import { OutputLengths } from '../../../../../node/market/routing/output-lengths.ts'
import { GreedyPolicy } from '../../../../../node/market/routing/policy.ts'
import { SizeQuality } from '../../../../../node/market/routing/quality.ts'
import { DEFAULT_TUNING, normalised, scoreOf, worth } from '../../../../../node/market/routing/strategies.ts'
import { seededRandom } from '../../../../helpers/synthetic-market.ts'

const DIGEST = 'ab'.repeat(32)
const amount = fc.double({ min: 0, max: 1e9, noNaN: true })
const unit = fc.double({ min: 0, max: 1, noNaN: true })

describe('what a strategy makes of a prediction', () => {
  it('is between 0 and 1, and falls with cost and time and rises with all else', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(DEFAULT_TUNING.weights)),
        fc.tuple(amount, amount),
        fc.tuple(amount, amount),
        fc.tuple(unit, unit, unit, unit),
        unit,
        (weights, [cost, more], [timeMs, longer], [quality, privacy, nearness, reliability], rise) => {
          const scale = { weights: normalised(weights), reliabilityExponent: 1 }
          const score = (factor: number, rest: number, trust = reliability) =>
            scoreOf(
              {
                cost: worth(factor * cost, more),
                time: worth(factor * timeMs, longer),
                quality: Math.min(1, quality + rest),
                privacy: Math.min(1, privacy + rest),
                nearness: Math.min(1, nearness + rest),
              },
              trust,
              scale,
            )
          const now = score(1, 0)
          assert.ok(now >= 0 && now <= 1 + 1e-12)
          assert.ok(score(2, 0) <= now + 1e-12)
          assert.ok(score(1, rise) >= now - 1e-12)
          assert.ok(score(1, 0, Math.min(1, reliability + rise)) >= now - 1e-12)
        },
      ),
    )
  })

  it('is one half for a middling amount, and all of it for nothing, even where all is free', () => {
    assert.ok(Math.abs(worth(7, 7) - 0.5) < 1e-9)
    assert.equal(worth(0, 7), 1)
    assert.equal(worth(0, 0), 1)
    assert.ok(worth(1, 0) < 1e-9)
  })
})

describe('the greedy policy', () => {
  it('says truly how often it puts each first', () => {
    const candidates = [true, false, true, true].map((isNewcomer, place) => ({
      model: 'm',
      features: new Float64Array(),
      score: 1 - place / 10,
      isNewcomer,
    }))
    const policy = new GreedyPolicy({ exploration: 0.3 })
    const random = seededRandom(5)
    const counts = [0, 0, 0, 0]
    const stated = [0, 0, 0, 0]
    for (let task = 0; task < 20_000; task++) {
      const { order, probability } = policy.choose({ taskClass: 'chat', candidates, random })
      assert.deepEqual(order.toSorted(), [0, 1, 2, 3])
      counts[order[0]!]!++
      stated[order[0]!] = probability
    }
    assert.deepEqual(stated, [0.7, 0, 0.15, 0.15])
    for (const [place, probability] of stated.entries())
      assert.ok(Math.abs(counts[place]! / 20_000 - probability) < 0.02)
    assert.equal(
      policy.choose({ taskClass: 'chat', candidates: candidates.slice(0, 1), random }).probability,
      1,
    )
  })
})

describe('quality', () => {
  it('is what was measured or stated, else rises with the size and falls with the bits', () => {
    const quality = new SizeQuality(new Map([['known-q8_0', 0.9]]))
    const id = (name: string) => `${name}@sha256:${DIGEST}`
    assert.equal(quality.of(id('known-q8_0'), 1, 0.2), 0.9)
    assert.equal(quality.of(id('service'), 1, 0.8), 0.8)
    const sizes = [0, 1e5, 1e6, 1e9, 7e9, 7e10, 1e12, 1e15].map(size => quality.of(id('m'), size, null))
    assert.deepEqual(
      sizes.slice(1),
      sizes.slice(1).toSorted((a, b) => a - b),
    )
    assert.ok(sizes.every(value => value >= 0 && value <= 1))
    const bits = ['m-q2_k', 'm-q3_k_m', 'm-q4_0', 'm-q8_0'].map(name => quality.of(id(name), 7e9, null))
    assert.deepEqual(
      bits,
      bits.toSorted((a, b) => a - b),
    )
    assert.equal(bits.at(-1), quality.of(id('m-f16'), 7e9, null))
  })
})

describe('expected lengths of answers', () => {
  it('follow each class of tasks, for a bounded number of them', () => {
    const lengths = new OutputLengths()
    assert.equal(lengths.expected('a', 4_096), 128)
    for (let task = 0; task < 100; task++) lengths.observe('a', 1_000)
    assert.ok(Math.abs(lengths.expected('a', 4_096) - 1_000) < 5)
    assert.equal(lengths.expected('a', 50), 50)
    assert.equal(lengths.expected('b', 4_096), 128)
    for (let task = 0; task < 300; task++) lengths.observe(`class-${task}`, 0)
    assert.equal(lengths.expected('a', 4_096), 128, 'forgotten')
    assert.equal(lengths.expected('class-299', 4_096), 115)
  })
})
