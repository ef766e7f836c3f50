import { clipFactors } from './clipping.ts'
import { type Gram, normalise } from './gram.ts'
import type { WeightReason } from './rules.ts'

/** The default rule. */
export function consensus(
  gram: Gram,
  weights: readonly number[],
  _byzantineShare: number,
): { coefficients: readonly number[]; reasons: readonly WeightReason[] } {
  const factors = clipFactors(gram)
  return {
    coefficients: normalise(weights).map((weight, i) => weight * factors[i]!),
    reasons: factors.map(factor => (factor < 1 ? 'clipped' : 'kept')),
  }
}
