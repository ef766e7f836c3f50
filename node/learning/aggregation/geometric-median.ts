import { type Gram, normalise } from './gram.ts'

/** Enough for six digits on all that was measured; a fixed count keeps the result the same everywhere. */
const ITERATIONS = 64
/** Distances below this share of the median update count as this: Weiszfeld divides by them. */
const SMOOTHING = 1e-6

/**
 * Weights of the point Σ wᵢ δᵢ with the least weighted sum of distances to all updates, by the smoothed Weiszfeld
 * algorithm of RFA (Pillutla, Kakade, Harchaoui, arXiv 1912.13445, algorithm 2) on inner products alone.
 * @param weights of the updates, at least one above 0
 */
export function geometricMedian(gram: Gram, weights: readonly number[]): number[] {
  const shares = normalise(weights)
  let current = shares
  const scale = Math.sqrt(Math.max(...Array.from({ length: gram.size }, (_, i) => gram.at(i, i))))
  if (scale === 0) return shares
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const products = gram.products(current)
    const own = gram.squaredNormOf(current)
    current = normalise(
      shares.map((share, i) => {
        const squared = gram.at(i, i) - 2 * products[i]! + own
        const distance = Math.sqrt(Math.max(squared, 0))
        return share / Math.max(distance, SMOOTHING * scale)
      }),
    )
  }
  return current
}
