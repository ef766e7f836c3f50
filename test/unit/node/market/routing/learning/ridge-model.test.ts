import assert from 'node:assert/strict'
import fc from 'fast-check'
import { RidgeModel } from '../../../../../../node/market/routing/learning/ridge-model.ts'
import { seededRandom } from '../../../../../helpers/seeded-random.ts'

const observations = (dimensions: number) =>
  fc.array(
    fc.record({
      x: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
        minLength: dimensions,
        maxLength: dimensions,
      }),
      y: fc.double({ min: -1, max: 1, noNaN: true }),
    }),
    { maxLength: 60 },
  )

describe('ridge model', () => {
  it('is what solving for the ridge anew gives, forgetting and all', () => {
    const d = 4
    const ridge = 0.7
    const memory = 50
    fc.assert(
      fc.property(observations(d), seen => {
        const model = new RidgeModel({ dimensions: d, ridge, memory })
        const gram = identity(d, ridge)
        const moments = new Array<number>(d).fill(0)
        const retention = Math.exp(-1 / memory)
        seen.forEach(({ x, y }, step) => {
          model.update(Float64Array.from(x), y)
          for (let i = 0; i < d; i++) {
            for (let j = 0; j < d; j++) gram[i]![j] = gram[i]![j]! * retention + x[i]! * x[j]!
            moments[i] = moments[i]! * retention + x[i]! * y
          }
          gram[step % d]![step % d]! += d * (1 - retention) * ridge
        })
        const at = [0.3, 0.9, 0.1, 0.5]
        const weights = solve(gram, moments)
        const expected = weights.reduce((sum, weight, i) => sum + weight * at[i]!, 0)
        const spread = solve(gram, at).reduce((sum, value, i) => sum + value * at[i]!, 0)
        assert.ok(Math.abs(model.predict(Float64Array.from(at)) - expected) < 1e-9)
        assert.ok(Math.abs(model.width(Float64Array.from(at)) - Math.sqrt(spread)) < 1e-9)
      }),
      { numRuns: 100 },
    )
  })

  it('finds the weights behind noisy values, and grows certain', () => {
    const random = seededRandom(1)
    const model = new RidgeModel({ dimensions: 3, ridge: 1, memory: 1_000_000 })
    const before = model.width(Float64Array.of(1, 0, 0))
    for (let i = 0; i < 3_000; i++) {
      const x = Float64Array.of(random(), random(), random())
      model.update(x, 0.5 * x[0]! - 0.3 * x[1]! + 0.1 * (random() - 0.5))
    }
    assert.ok(Math.abs(model.predict(Float64Array.of(1, 0, 0)) - 0.5) < 0.02)
    assert.ok(Math.abs(model.predict(Float64Array.of(0, 1, 0)) + 0.3) < 0.02)
    assert.ok(model.width(Float64Array.of(1, 0, 0)) < before / 15)
  })

  it('follows a change, and stays sound over hundreds of its memories in one direction', () => {
    const model = new RidgeModel({ dimensions: 3, ridge: 1, memory: 50 })
    const x = Float64Array.of(0.6, 0.8, 0)
    for (let i = 0; i < 500; i++) model.update(x, 1)
    for (let i = 0; i < 250; i++) model.update(x, -1)
    assert.ok(model.predict(x) < -0.9, String(model.predict(x)))
    for (let i = 0; i < 20_000; i++) model.update(x, 0.25)
    // What is never seen stays as uncertain as at first, and not more.
    const unseen = model.width(Float64Array.of(0, 0, 1))
    assert.ok(unseen > 0.9 && unseen < 1.1, String(unseen))
    assert.ok(Math.abs(model.predict(x) - 0.25) < 0.02)
  })

  it('goes on from its state as if it had not stopped, and refuses one of other dimensions', () => {
    const random = seededRandom(2)
    const options = { dimensions: 3, ridge: 1, memory: 100 }
    const one = new RidgeModel(options)
    const draw = () => Float64Array.of(random(), random(), random())
    for (let i = 0; i < 40; i++) one.update(draw(), random())
    const other = new RidgeModel({ ...options, state: structuredClone(one.state) })
    const x = draw()
    for (const model of [one, other]) model.update(x, 0.4)
    assert.equal(other.predict(x), one.predict(x))
    assert.equal(other.width(x), one.width(x))
    assert.equal(other.updates, 41)
    assert.throws(() => new RidgeModel({ ...options, dimensions: 4, state: one.state }), RangeError)
  })
})

function identity(d: number, scale: number): number[][] {
  return Array.from({ length: d }, (_, i) => Array.from({ length: d }, (_, j) => (i === j ? scale : 0)))
}

/** Gaussian elimination with pivots. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const d = right.length
  const rows = matrix.map((row, i) => [...row, right[i]!])
  for (let column = 0; column < d; column++) {
    let pivot = column
    for (let i = column; i < d; i++)
      if (Math.abs(rows[i]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = i
    ;[rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!]
    for (let i = 0; i < d; i++) {
      if (i === column) continue
      const factor = rows[i]![column]! / rows[column]![column]!
      for (let j = column; j <= d; j++) rows[i]![j] = rows[i]![j]! - factor * rows[column]![j]!
    }
  }
  return rows.map((row, i) => row[d]! / row[i]!)
}
