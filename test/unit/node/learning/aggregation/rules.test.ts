import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Adapter } from '../../../../../inference/learning/adapter.ts'
import { adapterDigest } from '../../../../../inference/learning/adapter-file.ts'
import { aggregate } from '../../../../../node/learning/aggregation/aggregate.ts'
import { AggregationError } from '../../../../../node/learning/aggregation/errors.ts'
import { geometricMedian } from '../../../../../node/learning/aggregation/geometric-median.ts'
import { Gram } from '../../../../../node/learning/aggregation/gram.ts'
import { krumScores, lowest } from '../../../../../node/learning/aggregation/krum.ts'
import {
  AGGREGATION_RULES,
  type AggregationOptions,
  type AggregationRule,
  type Update,
} from '../../../../../node/learning/aggregation/rules.ts'
import {
  randomAdapter as anyAdapter,
  dense,
  denseDifference,
  denseProduct,
  denseSum,
} from '../../../../helpers/adapters.ts'

/** Large enough that what has nothing in common is nearly at right angles, as it is in models. */
const modules = [
  { name: 'blk.0.attn_q', inputs: 40, outputs: 32 },
  { name: 'blk.0.ffn_down', inputs: 32, outputs: 40 },
]
const randomAdapter = (kind: { seed: number; rank?: number }) => anyAdapter({ ...kind, modules })

const parent = randomAdapter({ seed: 99 })
const common = randomAdapter({ seed: 100 })
const options = (rule: AggregationRule): AggregationOptions => ({ rule, rank: 12, alpha: 4, name: 'shared' })

/** parent + Σ factor · part, as one adapter that holds it exactly: the factors beside each other. */
function moved(id: string, parts: readonly { adapter: Adapter; factor: number }[], weight = 1): Update {
  const all = [{ adapter: parent, factor: 1 }, ...parts]
  const rank = all.reduce((sum, { adapter }) => sum + adapter.rank, 0)
  const modules = parent.modules.map((shape, m) => {
    const b = new Float32Array(shape.outputs * rank)
    let done = 0
    for (const { adapter, factor } of all) {
      const scale = (factor * adapter.alpha) / adapter.rank
      for (let o = 0; o < shape.outputs; o++)
        for (let k = 0; k < adapter.rank; k++)
          b[o * rank + done + k] = scale * adapter.modules[m]!.b[o * adapter.rank + k]!
      done += adapter.rank
    }
    const a = Float32Array.from(all.flatMap(({ adapter }) => [...adapter.modules[m]!.a]))
    return { ...shape, a, b }
  })
  return { id, author: id, weight, adapter: { ...parent, name: id, rank, alpha: rank, modules } }
}

/** What all learn, and something of one's own. */
const honest = (i: number, own = 0.5) =>
  moved(`h${i}`, [
    { adapter: common, factor: 1 },
    { adapter: randomAdapter({ seed: i + 1, rank: 1 }), factor: own },
  ])
const honestOnes = (count: number) => Array.from({ length: count }, (_, i) => honest(i))

/** How far the aggregate is from what all honest ones have in common, as a share of it. */
function error(updates: readonly Update[], rule: AggregationRule, trusted?: Adapter): number {
  const { adapter } = aggregate(updates, parent, { ...options(rule), ...(trusted ? { trusted } : {}) })
  const wanted = dense(common)
  const off = denseDifference(denseDifference(dense(adapter), dense(parent)), wanted)
  return Math.sqrt(denseProduct(off, off) / denseProduct(wanted, wanted))
}

const attacks: Record<string, (i: number) => Update> = {
  'work against the others': i => moved(`x${i}`, [{ adapter: common, factor: -3 }]),
  noise: i => moved(`x${i}`, [{ adapter: randomAdapter({ seed: 500 + i }), factor: 5 }]),
  'an aim of their own': i =>
    moved(`x${i}`, [
      { adapter: common, factor: 0.6 },
      { adapter: randomAdapter({ seed: 700, rank: 1 }), factor: 2 },
      { adapter: randomAdapter({ seed: 701 + i, rank: 1 }), factor: 0.3 },
    ]),
  'nothing at all': i => moved(`x${i}`, []),
}

describe('aggregation rules', () => {
  it('gives the same bits for every order of the updates', () => {
    const updates = [...honestOnes(6), ...[0, 1, 2, 3].map(attacks.noise!)]
    for (const rule of AGGREGATION_RULES) {
      if (rule === 'average-factors') continue
      const all = { ...options(rule), rank: 2, trusted: updates[0]!.adapter }
      const expected = aggregate(updates, parent, all)
      fc.assert(
        fc.property(fc.shuffledSubarray(updates, { minLength: updates.length }), shuffled => {
          const found = aggregate(shuffled, parent, all)
          assert.equal(adapterDigest(found.adapter), adapterDigest(expected.adapter))
          assert.deepEqual(found.weights, expected.weights)
        }),
        { numRuns: 3 },
      )
    }
  })

  it('sums exactly what the weights say: parent + rate · Σ w (update − parent)', () => {
    const updates = honestOnes(4).map((update, i) => ({ ...update, weight: i }))
    const { adapter, weights, discardedEnergy } = aggregate(updates, parent, {
      ...options('stack'),
      outerLearningRate: 0.5,
    })
    assert.deepEqual(
      weights.map(({ weight, reason }) => ({ weight, reason })),
      [0, 1 / 12, 2 / 12, 3 / 12].map((weight, i) => ({ weight, reason: i === 0 ? 'no_score' : 'kept' })),
    )
    const parts = updates.map(({ adapter: update }, i) => ({ adapter: update, weight: i / 12 }))
    const expected = denseSum([...parts, { adapter: parent, weight: 0.5 }])
    const off = denseDifference(dense(adapter), expected)
    assert.ok(denseProduct(off, off) < 1e-9 * denseProduct(expected, expected))
    assert.ok(discardedEnergy < 1e-9)
  })

  it('is moved without bound by one liar when it only sums, and by none otherwise', () => {
    const liar = moved('x', [{ adapter: randomAdapter({ seed: 500 }), factor: 1_000 }])
    const updates = [...honestOnes(9), liar]
    assert.ok(error(updates, 'stack') > 20)
    for (const rule of ['clip', 'krum', 'multi-krum', 'geometric-median', 'fltrust', 'default'] as const)
      assert.ok(error(updates, rule, honest(50).adapter) < 0.8, rule)
  })

  for (const [name, attack] of Object.entries(attacks)) {
    it(`does without 40 % of the members by default: ${name}`, () => {
      const updates = [...honestOnes(6), ...[0, 1, 2, 3].map(attack)]
      const alone = error(honestOnes(6), 'default')
      assert.ok(error(updates, 'default') < 1.2 * alone + 0.02)
      const { weights } = aggregate(updates, parent, options('default'))
      for (const { id, weight } of weights) assert.equal(weight > 0, id.startsWith('h'), id)
    })
  }

  it('gives copies one voice by default', () => {
    const copies = [0, 1, 2, 3].map(i => ({ ...honest(0), id: `x${i}` }))
    const { weights } = aggregate([...honestOnes(6), ...copies], parent, options('default'))
    assert.deepEqual(
      weights.filter(({ reason }) => reason === 'copy').map(({ id }) => id),
      ['x0', 'x1', 'x2', 'x3'],
    )
    assert.ok(error([...honestOnes(6), ...copies], 'default') < 1.01 * error(honestOnes(6), 'default'))
  })

  it('leaves nobody out by default where all are honest, be they alike or not', () => {
    for (const own of [0.3, 0.5, 1, 2]) {
      const updates = Array.from({ length: 10 }, (_, i) => honest(i, own))
      const { weights } = aggregate(updates, parent, options('default'))
      for (const { reason } of weights)
        assert.ok(reason === 'kept' || reason === 'clipped', `${own}: ${reason}`)
    }
    // Domains with nothing in common, two members each.
    const domains = Array.from({ length: 8 }, (_, i) =>
      moved(`d${i}`, [
        { adapter: randomAdapter({ seed: 300 + (i >> 1) }), factor: 1 },
        { adapter: randomAdapter({ seed: 400 + i, rank: 1 }), factor: 0.5 },
      ]),
    )
    const { weights } = aggregate(domains, parent, options('default'))
    for (const { reason } of weights) assert.ok(reason === 'kept' || reason === 'clipped', reason)
  })

  it('lengthens the mean of updates that have nothing in common, and not that of equal ones', () => {
    const rate = (updates: readonly Update[]) =>
      aggregate(updates, parent, { ...options('stack'), outerLearningRate: 'adaptive' }).outerLearningRate
    const same = honest(0)
    assert.ok(Math.abs(rate([same, { ...same, id: 'h1' }]) - 1) < 1e-9)
    const apart = [0, 1, 2, 3].map(i =>
      moved(`d${i}`, [{ adapter: randomAdapter({ seed: 300 + i }), factor: 1 }]),
    )
    assert.ok(rate(apart) > 2.5 && rate(apart) < 5.5)
  })

  it('adds a share of the last step with momentum', () => {
    const previous = randomAdapter({ seed: 98 })
    const updates = honestOnes(3)
    const momentum = { beta: 0.5, previous }
    const { adapter } = aggregate(updates, parent, { ...options('stack'), momentum })
    const expected = denseSum([
      ...updates.map(update => ({ adapter: update.adapter, weight: 1 / 3 })),
      { adapter: parent, weight: 0.5 },
      { adapter: previous, weight: -0.5 },
    ])
    const off = denseDifference(dense(adapter), expected)
    assert.ok(denseProduct(off, off) < 1e-9 * denseProduct(expected, expected))
  })

  it('averages factors as a baseline, which is not the average of updates', () => {
    const updates = [1, 2].map(seed => ({
      ...{ id: `u${seed}`, author: 'n', weight: 1 },
      adapter: randomAdapter({ seed }),
    }))
    const { adapter } = aggregate(updates, null, { ...options('average-factors'), rank: 2 })
    const [x, y] = updates.map(update => update.adapter.modules[0]!)
    assert.equal(adapter.modules[0]!.a[3], Math.fround((x!.a[3]! + y!.a[3]!) / 2))
    const exact = aggregate(updates, null, options('stack')).adapter
    const off = denseDifference(dense(adapter), dense(exact))
    assert.ok(denseProduct(off, off) > 0.1 * denseProduct(dense(exact), dense(exact)))
  })

  it('refuses what it cannot do', () => {
    const updates = honestOnes(3)
    const coded = (code: string) => (thrown: unknown) =>
      thrown instanceof AggregationError && thrown.code === code
    assert.throws(() => aggregate([], parent, options('stack')), coded('NO_UPDATES'))
    assert.throws(
      () => aggregate([{ ...honest(0), weight: 0 }], parent, options('stack')),
      coded('NO_UPDATES'),
    )
    assert.throws(() => aggregate([honest(0), honest(0)], parent, options('stack')), coded('SAME_ID'))
    assert.throws(() => aggregate(updates.slice(1), parent, options('krum')), coded('TOO_FEW_UPDATES'))
    assert.throws(() => aggregate(updates, parent, options('fltrust')), coded('NO_TRUSTED'))
    for (const bad of [{ rank: 0 }, { alpha: -1 }, { outerLearningRate: 0 }, { byzantineShare: 0.5 }])
      assert.throws(() => aggregate(updates, parent, { ...options('stack'), ...bad }), coded('BAD_OPTIONS'))
  })
})

describe('rules on points of a plane', () => {
  const gramOf = (points: readonly (readonly [number, number])[]) =>
    new Gram(
      points.length,
      Float64Array.from(points.flatMap(([a, b]) => points.map(([c, d]) => a * c + b * d))),
    )

  it('finds the geometric median: the point from which unit vectors to all cancel', () => {
    const points = [
      [0, 0],
      [4, 0],
      [0, 3],
      [9, 9],
      [1, 2],
    ] as const
    const weights = geometricMedian(gramOf(points), [1, 1, 1, 1, 1])
    const at = (axis: 0 | 1) => points.reduce((sum, point, i) => sum + weights[i]! * point[axis], 0)
    const pull = [0, 0]
    for (const [x, y] of points) {
      const distance = Math.hypot(x - at(0), y - at(1))
      pull[0]! += (x - at(0)) / distance
      pull[1]! += (y - at(1)) / distance
    }
    // At a point of its own (1, 2) the others' pull may be up to 1.
    assert.ok(Math.hypot(...pull) < 1.01, `${pull}`)
    assert.ok(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-12)
  })

  it('scores by Krum the sum of squared distances to the n − f − 2 nearest', () => {
    const gram = gramOf([
      [0, 0],
      [1, 0],
      [0, 2],
      [10, 10],
      [0, 1],
    ])
    assert.deepEqual(
      krumScores(gram, 1).map(score => Math.round(score * 1e6) / 1e6),
      [2, 3, 5, 345, 2],
    )
    assert.deepEqual(lowest([2, 3, 5, 345, 2], 2), [0, 4])
  })
})
