import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Adapter } from '../../../../../inference/learning/adapter.ts'
import { AggregationError } from '../../../../../node/learning/aggregation/errors.ts'
import { epsilonOf, renyi } from '../../../../../node/learning/aggregation/privacy/accountant.ts'
import { gaussianSource } from '../../../../../node/learning/aggregation/privacy/gaussian.ts'
import { privatise } from '../../../../../node/learning/aggregation/privacy/privatise.ts'
import { randomAdapter } from '../../../../helpers/adapters.ts'
import { seededRandom } from '../../../../helpers/seeded-random.ts'

const words = (seed: number) => {
  const random = seededRandom(seed)
  return () => Math.floor(random() * 2 ** 32)
}

/** The same A, another B. */
function trainedFrom(parent: Adapter, seed: number): Adapter {
  const other = randomAdapter({ seed })
  return { ...other, modules: other.modules.map((module, m) => ({ ...module, a: parent.modules[m]!.a })) }
}

function distanceOfB(x: Adapter, y: Adapter): number {
  let sum = 0
  for (const [m, { b }] of x.modules.entries())
    for (const [i, value] of b.entries()) sum += (value - y.modules[m]!.b[i]!) ** 2
  return Math.sqrt(sum)
}

describe('private updates', () => {
  const parent = randomAdapter({ seed: 1 })

  it('are no longer than the clip norm and point where the update pointed', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.double({ min: 0.01, max: 100, noNaN: true }), (seed, clipNorm) => {
        const update = trainedFrom(parent, seed)
        const { adapter, norm } = privatise(update, parent, {
          clipNorm,
          noiseMultiplier: 0,
          random: words(1),
        })
        assert.ok(Math.abs(norm - distanceOfB(update, parent)) < 1e-6)
        const expected = Math.min(norm, clipNorm)
        assert.ok(Math.abs(distanceOfB(adapter, parent) - expected) <= 1e-5 * Math.max(1, expected))
        assert.deepEqual(
          adapter.modules.map(({ a }) => a),
          parent.modules.map(({ a }) => a),
        )
      }),
      { numRuns: 50 },
    )
  })

  it('have noise of the stated size on every element of B, the same for a seed and new without one', () => {
    const options = { clipNorm: 0.5, noiseMultiplier: 2 }
    const wide = [{ name: 'blk.0.attn_q', inputs: 2, outputs: 20_000 }]
    const from = randomAdapter({ seed: 3, modules: wide })
    const noisy = privatise(from, from, { ...options, random: words(7) }).adapter
    const noise = noisy.modules[0]!.b.map((value, i) => value - from.modules[0]!.b[i]!)
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length
    const variance = noise.reduce((sum, value) => sum + value * value, 0) / noise.length
    assert.ok(Math.abs(mean) < 0.02)
    assert.ok(Math.abs(Math.sqrt(variance) - 1) < 0.02)
    assert.deepEqual(noisy, privatise(from, from, { ...options, random: words(7) }).adapter)
    assert.notDeepEqual(privatise(from, from, options), privatise(from, from, options))
  })

  it('need the A they began with, and sensible numbers', () => {
    const refused = (code: string) => (error: unknown) =>
      error instanceof AggregationError && error.code === code
    const other = randomAdapter({ seed: 2 })
    assert.throws(() => privatise(other, parent, { clipNorm: 1, noiseMultiplier: 1 }), refused('NOT_FROZEN'))
    for (const bad of [
      { clipNorm: 0, noiseMultiplier: 1 },
      { clipNorm: 1, noiseMultiplier: -1 },
      { clipNorm: Number.NaN, noiseMultiplier: 1 },
    ])
      assert.throws(() => privatise(parent, parent, bad), refused('BAD_OPTIONS'))
  })

  it('draws normal numbers', () => {
    const next = gaussianSource(words(5))
    const values = Array.from({ length: 40_000 }, next)
    const share = (limit: number) => values.filter(value => Math.abs(value) < limit).length / values.length
    assert.ok(Math.abs(share(1) - 0.6827) < 0.01)
    assert.ok(Math.abs(share(2) - 0.9545) < 0.005)
    assert.ok(Math.abs(share(3) - 0.9973) < 0.002)
  })
})

describe('privacy accountant', () => {
  it('agrees with the moments accountant of Abadi et al. (arXiv 1607.00133, section 3.2): 1.26', () => {
    const [noise, rate, rounds, delta] = [4, 0.01, 10_000, 1e-5]
    let moments = Number.POSITIVE_INFINITY
    for (let order = 2; order <= 64; order++)
      moments = Math.min(moments, rounds * renyi(noise, order, rate) - Math.log(delta) / (order - 1))
    assert.ok(Math.abs(moments - 1.26) < 0.02, `${moments}`)
    const tighter = epsilonOf({ noiseMultiplier: noise, samplingRate: rate, rounds, delta })
    assert.ok(tighter < moments && tighter > 0.8 * moments, `${tighter}`)
  })

  it('is never below the exact ε of Gaussian noise (Balle & Wang, arXiv 1805.06530), and little above', () => {
    for (const noiseMultiplier of [0.3, 0.6, 1, 2, 5, 20]) {
      for (const rounds of [1, 5, 50]) {
        for (const delta of [1e-3, 1e-5, 1e-8]) {
          const found = epsilonOf({ noiseMultiplier, rounds, delta, adjacency: 'remove' })
          const exact = exactEpsilon(Math.sqrt(rounds) / noiseMultiplier, delta)
          assert.ok(found >= exact, `${noiseMultiplier} ${rounds} ${delta}: ${found} < ${exact}`)
          assert.ok(found <= 1.1 * exact + 0.15, `${noiseMultiplier} ${rounds} ${delta}: ${found} ≫ ${exact}`)
        }
      }
    }
  })

  it('counts the exchange of all data as two clip norms, and adds up rounds', () => {
    const one = { noiseMultiplier: 2, rounds: 1, delta: 1e-5 }
    assert.equal(epsilonOf(one), epsilonOf({ ...one, noiseMultiplier: 1, adjacency: 'remove' }))
    assert.ok(epsilonOf({ ...one, rounds: 4 }) > epsilonOf(one))
    assert.equal(epsilonOf({ ...one, rounds: 4, noiseMultiplier: 4 }), epsilonOf(one))
    assert.equal(epsilonOf({ ...one, noiseMultiplier: 0 }), Number.POSITIVE_INFINITY)
    assert.equal(epsilonOf({ ...one, rounds: 0 }), 0)
  })

  it('gives nothing for sampling that others can see, and refuses nonsense', () => {
    const one = { noiseMultiplier: 1, rounds: 1, delta: 1e-5 }
    for (const bad of [
      { ...one, delta: 0 },
      { ...one, noiseMultiplier: Number.NaN },
      { ...one, samplingRate: 0 },
      { ...one, rounds: 0.5 },
      { ...one, samplingRate: 0.5, adjacency: 'replace' as const },
    ])
      assert.throws(() => epsilonOf(bad), AggregationError)
  })
})

/** ε of μ-GDP at δ, by bisection of δ(ε) = Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ). */
function exactEpsilon(mu: number, delta: number): number {
  const leaked = (epsilon: number) =>
    normal(mu / 2 - epsilon / mu) - Math.exp(epsilon + Math.log(normal(-mu / 2 - epsilon / mu)))
  let [low, high] = [0, 1]
  if (leaked(0) <= delta) return 0
  while (leaked(high) > delta) high *= 2
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2
    if (leaked(middle) > delta) low = middle
    else high = middle
  }
  return high
}

/** Φ, also far in the tail: series near 0, continued fraction (Abramowitz & Stegun 26.2.14) beyond. */
function normal(x: number): number {
  const z = Math.abs(x)
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)
  if (z < 3) {
    let [term, sum] = [z, z]
    for (let k = 1; k < 100; k++) {
      term *= (z * z) / (2 * k + 1)
      sum += term
    }
    return x > 0 ? 0.5 + density * sum : 0.5 - density * sum
  }
  let fraction = 0
  for (let k = 200; k > 0; k--) fraction = k / (z + fraction)
  const tail = density / (z + fraction)
  return x > 0 ? 1 - tail : tail
}
