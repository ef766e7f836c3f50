import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  MAX_CANDIDATES,
  marginOf,
  Sampler,
  type SamplerParameters,
  sampleToken,
} from '../../../../inference/sampling/sampler.ts'
import { seedOf } from '../../../helpers/seed.ts'

const OPEN: SamplerParameters = { temperature: 1, topK: 0, minP: 0, topP: 1 }

const candidates = fc
  .uniqueArray(fc.tuple(fc.nat(100_000), fc.double({ min: -20, max: 0, noNaN: true })), {
    minLength: 1,
    maxLength: MAX_CANDIDATES,
    selector: ([token]) => token,
  })
  .map(pairs => pairs.toSorted((a, b) => b[1] - a[1]))
const parameters = fc.record({
  temperature: fc.oneof(fc.constant(0), fc.double({ min: 0.01, max: 5, noNaN: true })),
  topK: fc.nat(MAX_CANDIDATES),
  minP: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
  topP: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
})
const seed = fc.nat(1_000).map(seedOf)
const position = fc.nat(10_000)

type Pairs = readonly (readonly [number, number])[]
const listed = (pairs: Pairs) => ({
  tokens: pairs.map(([token]) => token),
  logits: pairs.map(([, logit]) => logit),
})

/** What is left to choose from, found by asking for each candidate's standing. */
function kept(pairs: Pairs, options: SamplerParameters, at = 0): number[] {
  const sampler = new Sampler(options, seedOf(1))
  return pairs
    .map(([token]) => token)
    .filter(token => ['won', 'lost'].includes(sampler.marginOf(listed(pairs), at, token).state))
}

describe('Sampler', () => {
  it('gives the winner a margin of 0 and every other candidate one above', () => {
    fc.assert(
      fc.property(candidates, parameters, seed, position, (pairs, options, key, at) => {
        const chosen = sampleToken(listed(pairs), options, key, at)
        const margins = pairs.map(([token]) => ({
          token,
          ...marginOf(listed(pairs), options, key, at, token),
        }))
        for (const { token, margin, isMatch, state } of margins) {
          assert.equal(isMatch, token === chosen)
          assert.equal(state === 'won', token === chosen)
          assert.ok(token === chosen ? margin === 0 : margin >= 0)
          assert.equal(state === 'filtered', margin === Number.POSITIVE_INFINITY)
        }
        const absent = marginOf(listed(pairs), options, key, at, 100_001)
        assert.deepEqual(absent, { margin: Number.POSITIVE_INFINITY, isMatch: false, state: 'absent' })
      }),
    )
  })

  it('takes the same token in whatever order candidates come', () => {
    fc.assert(
      fc.property(candidates, parameters, seed, position, fc.nat(), (pairs, options, key, at, by) => {
        const turned = pairs.map((_, i) => pairs[(i + by) % pairs.length]!)
        assert.equal(
          sampleToken(listed(turned), options, key, at),
          sampleToken(listed(pairs), options, key, at),
        )
      }),
    )
  })

  it('takes the same token without one of those that lost', () => {
    fc.assert(
      fc.property(candidates, seed, position, fc.nat(), (pairs, key, at, which) => {
        const chosen = sampleToken(listed(pairs), OPEN, key, at)
        const dropped = pairs[which % pairs.length]![0]
        fc.pre(dropped !== chosen)
        const rest = pairs.filter(([token]) => token !== dropped)
        assert.equal(sampleToken(listed(rest), OPEN, key, at), chosen)
      }),
    )
  })

  it('draws tokens as often as they are likely', () => {
    const likelihoods = [0.5, 0.25, 0.15, 0.07, 0.03]
    const drawn = { tokens: [9, 8, 7, 6, 5], logits: likelihoods.map(Math.log) }
    for (const temperature of [1, 2]) {
      const sampler = new Sampler({ ...OPEN, temperature }, seedOf(3))
      const weights = likelihoods.map(likelihood => likelihood ** (1 / temperature))
      const total = weights.reduce((sum, weight) => sum + weight)
      const draws = 20_000
      const counts = new Map<number, number>()
      for (let at = 0; at < draws; at++) {
        const token = sampler.sample(drawn, at)
        counts.set(token, (counts.get(token) ?? 0) + 1)
      }
      const chiSquare = weights.reduce((sum, weight, i) => {
        const expected = (draws * weight) / total
        return sum + (counts.get(drawn.tokens[i]!)! - expected) ** 2 / expected
      }, 0)
      // 4 degrees of freedom: 18.5 is passed once in a thousand.
      assert.ok(chiSquare < 18.5, `${chiSquare}`)
    }
  })

  it('takes the likeliest at temperature 0, of equals the one with the lowest id', () => {
    const equals = { tokens: [30, 10, 20, 5], logits: [-1, -1, -1, -2] }
    assert.equal(sampleToken(equals, { ...OPEN, temperature: 0 }, seedOf(1), 0), 10)
    assert.equal(marginOf(equals, { ...OPEN, temperature: 0 }, seedOf(1), 0, 5).margin, 1)
    assert.equal(marginOf(equals, { ...OPEN, temperature: 0 }, seedOf(1), 0, 30).margin, 0)
  })

  it('keeps the first k, of equals the lower ids', () => {
    const pairs = [
      [7, -1],
      [3, -1],
      [9, -1],
      [1, -2],
    ] as const
    assert.deepEqual(kept(pairs, { ...OPEN, topK: 2 }).toSorted(), [3, 7])
    assert.equal(kept(pairs, { ...OPEN, topK: 0 }).length, 4)
  })

  it('applies the temperature first, then min-p, then top-p to what is left', () => {
    const pairs = [0.4, 0.3, 0.2, 0.1].map((likelihood, token) => [token, Math.log(likelihood)] as const)
    assert.deepEqual(kept(pairs, { ...OPEN, minP: 0.5 }), [0, 1, 2])
    // At temperature 2 the last is half as likely as the first, and not a quarter.
    assert.deepEqual(kept(pairs, { ...OPEN, minP: 0.49, temperature: 2 }), [0, 1, 2, 3])
    assert.deepEqual(kept(pairs, { ...OPEN, topP: 0.75 }), [0, 1, 2])
    // Of the three that min-p leaves, the first two have 7/9.
    assert.deepEqual(kept(pairs, { ...OPEN, minP: 0.5, topP: 0.75 }), [0, 1])
    assert.deepEqual(kept(pairs, { ...OPEN, topP: 0 }), [0])
    assert.deepEqual(kept(pairs, { ...OPEN, minP: 1 }), [0])
  })

  it('looks at no more than 64 candidates', () => {
    const many = { tokens: Array.from({ length: 80 }, (_, i) => i), logits: new Array(80).fill(-4) }
    assert.equal(marginOf(many, OPEN, seedOf(1), 0, 64).state, 'absent')
    assert.equal(marginOf({ ...many, size: 3 }, OPEN, seedOf(1), 0, 3).state, 'absent')
  })

  it('refuses what is out of range', () => {
    const wrong = [
      { temperature: -1 },
      { temperature: Number.NaN },
      { temperature: Number.POSITIVE_INFINITY },
      { topK: 65 },
      { topK: -1 },
      { topK: 1.5 },
      { minP: 1.1 },
      { topP: -0.1 },
    ]
    for (const part of wrong) assert.throws(() => new Sampler({ ...OPEN, ...part }, seedOf(1)), RangeError)
    assert.throws(() => sampleToken({ tokens: [], logits: [] }, OPEN, seedOf(1), 0), RangeError)
  })
})
