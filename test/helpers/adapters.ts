import type { Adapter } from '../../inference/learning/adapter.ts'
import { seededRandom } from './seeded-random.ts'

export interface AdapterKind {
  seed: number
  rank?: number
  alpha?: number
  modules?: readonly { name: string; inputs: number; outputs: number }[]
  /** Zero at first, as LoRA's B is. */
  isBZero?: boolean
}

export const SMALL_MODULES = [
  { name: 'blk.0.attn_q', inputs: 7, outputs: 9 },
  { name: 'blk.0.ffn_down', inputs: 12, outputs: 5 },
]

/** An adapter with seeded weights between -1 and 1. */
export function randomAdapter({
  seed,
  rank = 2,
  alpha = 4,
  modules = SMALL_MODULES,
  isBZero,
}: AdapterKind): Adapter {
  const random = seededRandom(seed)
  const values = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1)
  return {
    architecture: 'qwen3',
    name: `adapter-${seed}`,
    rank,
    alpha,
    base: `sha256:${'ab'.repeat(32)}`,
    modules: modules.map(module => ({
      ...module,
      a: values(rank * module.inputs),
      b: isBZero ? new Float32Array(module.outputs * rank) : values(module.outputs * rank),
    })),
    metadata: {},
  }
}

/** Σ weight · ΔW, formed in full: [modules][outputs × inputs], in double precision. */
export function denseSum(parts: readonly { adapter: Adapter; weight: number }[]): Float64Array[] {
  return parts[0]!.adapter.modules.map(({ inputs, outputs }, index) => {
    const sum = new Float64Array(outputs * inputs)
    for (const { adapter, weight } of parts) {
      const { a, b } = adapter.modules[index]!
      const scale = (weight * adapter.alpha) / adapter.rank
      for (let o = 0; o < outputs; o++)
        for (let i = 0; i < inputs; i++)
          for (let k = 0; k < adapter.rank; k++)
            sum[o * inputs + i]! += scale * b[o * adapter.rank + k]! * a[k * inputs + i]!
    }
    return sum
  })
}

export function dense(adapter: Adapter): Float64Array[] {
  return denseSum([{ adapter, weight: 1 }])
}

/** Frobenius inner product of what `dense` gives. */
export function denseProduct(x: readonly Float64Array[], y: readonly Float64Array[]): number {
  let sum = 0
  for (const [m, values] of x.entries()) for (const [i, value] of values.entries()) sum += value * y[m]![i]!
  return sum
}

export function denseDifference(x: readonly Float64Array[], y: readonly Float64Array[]): Float64Array[] {
  return x.map((values, m) => values.map((value, i) => value - y[m]![i]!))
}
