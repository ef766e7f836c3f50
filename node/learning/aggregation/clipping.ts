import { type Gram, medianOf } from './gram.ts'

/** What each update is multiplied by so that none is longer than the median: 1, or median / norm. */
export function clipFactors(gram: Gram): number[] {
  const norms = gram.norms()
  const limit = medianOf(norms)
  return norms.map(norm => (norm > limit ? limit / norm : 1))
}
