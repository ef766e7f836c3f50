import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Adapter, AdapterModule } from '../../../../../inference/learning/adapter.ts'
import { gramMatrix } from '../../../../../inference/learning/factors.ts'
import { COPY_COSINE, findCopies } from '../../../../../node/learning/scoring/copies.ts'
import { seededRandom } from '../../../../helpers/seeded-random.ts'

const RANK = 3
const INPUTS = 8
const OUTPUTS = 6

function made(modules: readonly AdapterModule[]): Adapter {
  const base = `sha256:${'b'.repeat(64)}`
  return { architecture: 'qwen3', name: 'x', rank: RANK, alpha: 6, base, modules, metadata: {} }
}

function randomUpdate(seed: number): Adapter {
  const random = seededRandom(seed)
  const draw = (count: number) => Float32Array.from({ length: count }, () => random() * 2 - 1)
  return made(
    ['blk.0.attn_q', 'blk.0.attn_v', 'blk.1.attn_q'].map(name => ({
      ...{ name, inputs: INPUTS, outputs: OUTPUTS, a: draw(RANK * INPUTS), b: draw(OUTPUTS * RANK) },
    })),
  )
}

/** B·R⁻¹ and R·A for a rotation of the ranks, which give the same product; `scale` changes its length. */
function disguised(update: Adapter, angle: number, order: readonly number[], scale: number): Adapter {
  const rotated = (values: (r: number) => number, r: number): number => {
    if (r === 2) return values(2)
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    return r === 0 ? cos * values(0) - sin * values(1) : sin * values(0) + cos * values(1)
  }
  return made(
    update.modules.map(({ a, b, ...module }) => ({
      ...module,
      a: Float32Array.from({ length: a.length }, (_, at) => {
        const [r, i] = [order[Math.floor(at / INPUTS)]!, at % INPUTS]
        return rotated(from => a[from * INPUTS + i]!, r) * 4
      }),
      b: Float32Array.from({ length: b.length }, (_, at) => {
        const [o, r] = [Math.floor(at / RANK), order[at % RANK]!]
        return (rotated(from => b[o * RANK + from]!, r) * scale) / 4
      }),
    })),
  )
}

/** Noise of a relative size on what an update changes: as further modules would have it, exactly. */
function withNoise(gram: Float64Array, size: number): Float64Array {
  // ⟨x + n, x⟩ = ‖x‖², ‖x + n‖² = (1 + s²)‖x‖² for noise that has nothing in common with x.
  const [norm2] = gram as unknown as [number]
  return Float64Array.of(norm2, norm2, norm2, norm2 * (1 + size * size))
}

const copiesOf = (updates: readonly Adapter[], parent: Adapter | null = null) =>
  findCopies(
    gramMatrix(updates, parent),
    updates.map((_, i) => `u${i}`),
  )

describe('finding copied updates', () => {
  it('sees through other factors of the same product, orders of the ranks and scales', () => {
    const anyOrder = fc.shuffledSubarray([0, 1, 2], { minLength: 3, maxLength: 3 })
    const anyScale = fc.double({ min: 0.01, max: 100, noNaN: true })
    fc.assert(
      fc.property(
        fc.nat(1_000),
        fc.double({ min: -3, max: 3, noNaN: true }),
        anyOrder,
        anyScale,
        (seed, angle, order, scale) => {
          const original = randomUpdate(seed)
          const updates = [original, randomUpdate(seed + 5_000), disguised(original, angle, order, scale)]
          assert.deepEqual([...copiesOf(updates)], [['u2', 'u0']])
          // The earlier commitment is the original, whoever sends it.
          assert.deepEqual([...copiesOf(updates.toReversed())], [['u2', 'u0']])
        },
      ),
      { numRuns: 60 },
    )
  })

  it('takes away the parent that all went on from', () => {
    const parent = randomUpdate(1)
    const added = (update: Adapter) =>
      // Parent and update side by side in rank 6.
      ({
        ...update,
        rank: 2 * RANK,
        alpha: 12,
        modules: update.modules.map((module, m) => ({
          ...module,
          a: Float32Array.of(...parent.modules[m]!.a, ...module.a),
          b: Float32Array.from({ length: OUTPUTS * 2 * RANK }, (_, at) => {
            const [o, r] = [Math.floor(at / (2 * RANK)), at % (2 * RANK)]
            return r < RANK ? parent.modules[m]!.b[o * RANK + r]! : module.b[o * RANK + r - RANK]! / 10
          }),
        })),
      })
    const updates = [
      added(randomUpdate(2)),
      added(randomUpdate(3)),
      added(disguised(randomUpdate(2), 1, [2, 0, 1], 1)),
    ]
    assert.equal(copiesOf(updates).size, 2, 'with the parent in them all are alike')
    assert.deepEqual([...copiesOf(updates, parent)], [['u2', 'u0']])
  })

  it('sees through noise of up to a fifth, and no further', () => {
    const names = ['u0', 'u1']
    const gram = gramMatrix([randomUpdate(4)], null)
    for (const size of [0, 0.05, 0.1, 0.2]) assert.equal(findCopies(withNoise(gram, size), names).size, 1)
    assert.equal(findCopies(withNoise(gram, 0.25), names).size, 0)
    assert.ok(COPY_COSINE > 0.961, 'honest updates on the same examples have 0.960')
  })

  it('never takes one that changes nothing for a copy, or one that goes the other way', () => {
    const zero = made(
      randomUpdate(1).modules.map(module => ({ ...module, b: new Float32Array(module.b.length) })),
    )
    assert.equal(copiesOf([zero, zero, randomUpdate(2)]).size, 0)
    assert.equal(copiesOf([randomUpdate(2), disguised(randomUpdate(2), 0, [0, 1, 2], -1)]).size, 0)
    assert.equal(copiesOf([]).size, 0)
  })

  it('names one original for a whole family', () => {
    const family = [1, 2, 3, 4].map(i => disguised(randomUpdate(9), i / 3, [2, 1, 0], i))
    const copies = copiesOf([randomUpdate(8), ...family])
    assert.deepEqual([...new Set(copies.values())], ['u1'])
    assert.equal(copies.size, 3)
  })
})
