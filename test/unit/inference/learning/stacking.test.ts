import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Matrix, SingularValueDecomposition } from 'ml-matrix'
import type { Adapter } from '../../../../inference/learning/adapter.ts'
import { AdapterError } from '../../../../inference/learning/errors.ts'
import { gramMatrix, innerProduct } from '../../../../inference/learning/factors.ts'
import { reduceToRank, stack } from '../../../../inference/learning/stacking.ts'
import {
  dense,
  denseDifference,
  denseProduct,
  denseSum,
  randomAdapter,
  SMALL_MODULES,
} from '../../../helpers/adapters.ts'

const target = { rank: 2, alpha: 4, name: 'sum' }

/** Adapters of mixed ranks and alphas with weights of both signs. */
const parts = fc.array(
  fc.record({
    adapter: fc
      .record({
        seed: fc.nat(1e6),
        rank: fc.integer({ min: 1, max: 4 }),
        alpha: fc.integer({ min: 1, max: 16 }),
      })
      .map(randomAdapter),
    // The reference goes on for ever where numbers underflow.
    weight: fc.integer({ min: -2_000, max: 2_000 }).map(weight => weight / 1_000),
  }),
  { minLength: 1, maxLength: 5 },
)

const close = (found: number, expected: number, scale: number) =>
  assert.ok(Math.abs(found - expected) <= 1e-6 * Math.max(scale, 1e-9), `${found} is not ${expected}`)

describe('sums of low-rank updates', () => {
  it('has the inner products of the dense updates, of differences to a parent too', () => {
    fc.assert(
      fc.property(parts, fc.nat(1e6), (some, seed) => {
        const adapters = some.map(({ adapter }) => adapter)
        const parent = randomAdapter({ seed, rank: 3 })
        const gram = gramMatrix(adapters, parent)
        const deltas = adapters.map(adapter => denseDifference(dense(adapter), dense(parent)))
        for (const [i, x] of deltas.entries())
          for (const [j, y] of deltas.entries())
            close(gram[i * deltas.length + j]!, denseProduct(x, y), denseProduct(x, x) + denseProduct(y, y))
        close(innerProduct(adapters[0]!, parent), denseProduct(dense(adapters[0]!), dense(parent)), 100)
      }),
      { numRuns: 50 },
    )
  })

  it('loses exactly what the best approximation of that rank loses', () => {
    fc.assert(
      fc.property(parts, some => {
        const { adapter, discardedEnergy } = reduceToRank(stack(some), target)
        const full = denseSum(some)
        const error = denseDifference(full, dense(adapter))
        const total = denseProduct(full, full)
        close(discardedEnergy * total, denseProduct(error, error), total)
        let best = 0
        for (const [m, { inputs, outputs }] of SMALL_MODULES.entries()) {
          const matrix = Matrix.from1DArray(outputs, inputs, [...full[m]!])
          const { diagonal } = new SingularValueDecomposition(matrix, { autoTranspose: true })
          for (const value of diagonal.slice(target.rank)) best += value * value
        }
        close(denseProduct(error, error), best, total)
      }),
      { numRuns: 50 },
    )
  })

  it('is exact where the rank suffices, and says that nothing was lost', () => {
    fc.assert(
      fc.property(parts, some => {
        const rank = 12
        const { adapter, discardedEnergy } = reduceToRank(stack(some), { rank, alpha: 3, name: 'sum' })
        const full = denseSum(some)
        const error = denseDifference(full, dense(adapter))
        assert.equal(adapter.rank, rank)
        assert.ok(discardedEnergy < 1e-15)
        close(denseProduct(error, error), 0, 1e-6 * denseProduct(full, full))
      }),
      { numRuns: 50 },
    )
  })

  it('gives back one update as it is', () => {
    const adapter = randomAdapter({ seed: 1 })
    const { adapter: same, discardedEnergy } = reduceToRank(stack([{ adapter, weight: 1 }]), target)
    assert.deepEqual(same.modules, adapter.modules)
    assert.equal(discardedEnergy, 0)
  })

  it('adds the Bs and keeps A where all have the same A', () => {
    const first = randomAdapter({ seed: 1 })
    const second = withA(randomAdapter({ seed: 2 }), first)
    const { adapter, discardedEnergy } = reduceToRank(
      stack([
        { adapter: first, weight: 0.25 },
        { adapter: second, weight: 0.75 },
      ]),
      target,
    )
    assert.equal(discardedEnergy, 0)
    for (const [m, module] of adapter.modules.entries()) {
      assert.deepEqual(module.a, first.modules[m]!.a)
      for (const [i, value] of module.b.entries())
        close(value, 0.25 * first.modules[m]!.b[i]! + 0.75 * second.modules[m]!.b[i]!, 1)
    }
  })

  it('leaves rows of A that can learn where there is nothing to hold', () => {
    const nothing = randomAdapter({ seed: 1, rank: 1, isBZero: true })
    const { adapter } = reduceToRank(
      stack([
        { adapter: nothing, weight: 1 },
        { adapter: randomAdapter({ seed: 2, rank: 1, isBZero: true }), weight: 1 },
      ]),
      { ...target, rank: 4 },
    )
    for (const { a, b, inputs } of adapter.modules) {
      assert.ok(b.every(value => value === 0))
      for (let k = 0; k < 4; k++) {
        const row = a.subarray(k * inputs, (k + 1) * inputs)
        close(
          row.reduce((sum, value) => sum + value * value, 0),
          1,
          1,
        )
      }
    }
  })

  it('takes no others than those that fit', () => {
    const adapter = randomAdapter({ seed: 1 })
    const against = (other: Adapter) => () =>
      stack([
        { adapter, weight: 1 },
        { adapter: other, weight: 1 },
      ])
    const refused = (code: string) => (error: unknown) => error instanceof AdapterError && error.code === code
    assert.throws(against({ ...adapter, base: `sha256:${'cd'.repeat(32)}` }), refused('WRONG_BASE'))
    assert.throws(against({ ...adapter, architecture: 'llama' }), refused('WRONG_ARCHITECTURE'))
    assert.throws(against({ ...adapter, modules: adapter.modules.slice(1) }), refused('WRONG_MODULES'))
    const [first, ...others] = adapter.modules
    assert.throws(
      against({ ...adapter, modules: [{ ...first!, inputs: first!.inputs + 1 }, ...others] }),
      refused('WRONG_SHAPE'),
    )
  })
})

function withA(adapter: Adapter, from: Adapter): Adapter {
  return { ...adapter, modules: adapter.modules.map((module, m) => ({ ...module, a: from.modules[m]!.a })) }
}
