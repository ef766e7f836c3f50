import type { Adapter } from './adapter.ts'

/** A sum Σ weight · ΔW of adapters, kept as their factors. */
export interface Stacked {
  parts: readonly { adapter: Adapter; weight: number }[]
}

/** Puts factors beside each other: B = [w₁s₁B₁ … ], A = [A₁; …], whose product is the sum exactly. */
export function stack(parts: readonly { adapter: Adapter; weight: number }[]): Stacked {
  return { parts }
}

/** The nearest adapter of a rank (Eckart–Young), by QR of the stacked A and SVD of what is left. */
export function reduceToRank(
  stacked: Stacked,
  target: { rank: number; alpha: number; name: string; metadata?: Readonly<Record<string, string>> },
): { adapter: Adapter; discardedEnergy: number } {
  throw new Error(`not yet: ${stacked.parts.length} ${target.rank}`)
}
