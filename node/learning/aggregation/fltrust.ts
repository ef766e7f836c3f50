import type { Gram } from './gram.ts'

/**
 * FLTrust (Cao et al., arXiv 2012.13995, section IV): each update counts by the positive part of its cosine to a trusted
 * update, and is brought to the trusted one's length.
 * @param gram with the trusted update last
 * @returns what each update is multiplied by, the trusted one left out; all 0 where all contradict it
 */
export function fltrustCoefficients(gram: Gram, weights: readonly number[]): number[] {
  const trusted = gram.size - 1
  const length = gram.norm(trusted)
  const scores = weights.map((weight, i) => weight * Math.max(0, gram.cosine(i, trusted)))
  let sum = 0
  for (const score of scores) sum += score
  return scores.map((score, i) => (sum === 0 || score === 0 ? 0 : ((score / sum) * length) / gram.norm(i)))
}
