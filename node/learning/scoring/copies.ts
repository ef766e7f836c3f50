import type { CidString } from '../../../protocol/ids.ts'

/**
 * Cosine from which two updates of a round are one. Measured on the embedded model with real training from one seed, 10 to 200
 * steps, rank 8: honest updates of one domain have 0.47 on different facts, 0.82 to 0.85 on the same facts in other words, 0.87 to
 * 0.96 where most examples are the same, and at most 0.96 on the very same examples in another order; of two domains 0.16. A copy
 * with a fifth of noise still has 0.98. Between the two, whoever trains on public data of many is let pass: a copy that hides in
 * more noise than that has to be paid for with its gain.
 */
export const COPY_COSINE = 0.98

/** Squared norms below this share of the largest are of updates that change nothing; they have no direction. */
const LEAST_NORM_SHARE = 1e-12

/**
 * Which updates are copies of others, by the inner products of what they change: ⟨ΔW_x, ΔW_y⟩ / (‖ΔW_x‖ ‖ΔW_y‖). It is ΔW = BA that
 * is compared, so that other factors of the same product (BR⁻¹ and RA), other orders of the ranks and another scale
 * are the same; noise of relative size s lowers the cosine to 1/√(1 + s²) only.
 *
 * The earlier commitment is the original. What is committed is hidden until all have committed, so that within a round
 * only who works together can copy: then one of them is paid.
 * @param gram inner products of all pairs after the parent was taken away, n×n row-major
 * @param updates n, in the order of their commitments
 * @returns the original of each copy
 */
export function findCopies(
  gram: Float64Array,
  updates: readonly CidString[],
  cosine: number = COPY_COSINE,
): Map<CidString, CidString> {
  const count = updates.length
  const norm2 = (i: number) => gram[i * count + i]!
  const largest = updates.reduce((most, _, i) => Math.max(most, norm2(i)), 0)
  const hasDirection = (i: number) => norm2(i) > largest * LEAST_NORM_SHARE
  const copies = new Map<CidString, CidString>()
  for (let late = 1; late < count; late++) {
    if (!hasDirection(late)) continue
    for (let early = 0; early < late; early++) {
      if (!hasDirection(early)) continue
      const similarity = gram[late * count + early]! / Math.sqrt(norm2(late) * norm2(early))
      if (!(similarity >= cosine)) continue
      copies.set(updates[late]!, copies.get(updates[early]!) ?? updates[early]!)
      break
    }
  }
  return copies
}
