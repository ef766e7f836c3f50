import type { Adapter } from '../../../../inference/learning/adapter.ts'

export interface PrivatiseOptions {
  /** The longest that the update (its B alone; A is frozen) may be, Frobenius norm of ΔB over all modules. */
  clipNorm: number
  /** Standard deviation of the noise over `clipNorm`. */
  noiseMultiplier: number
  /** Uniform 32-bit integers from a cryptographic source. */
  random: () => number
}

/**
 * FFA-LoRA (arXiv 2403.12313): the difference of B to the parent is clipped and gets Gaussian noise; A stays.
 * @throws {AggregationError} BAD_OPTIONS when A is not the parent's
 */
export function privatise(update: Adapter, parent: Adapter, options: PrivatiseOptions): Adapter {
  throw new Error(`not yet: ${update.name} ${parent.name} ${options.clipNorm}`)
}
