import type { Gram } from './gram.ts'

/**
 * Krum's scores: the sum of squared distances to the n − f − 2 nearest others; the lower, the more like the others
 * (Blanchard et al., Machine Learning with Adversaries, NeurIPS 2017, section 4).
 * @param liars how many of the n may lie; at most (n − 3) / 2 for the guarantee of the paper
 */
export function krumScores(gram: Gram, liars: number): number[] {
  const neighbours = Math.max(1, gram.size - liars - 2)
  return Array.from({ length: gram.size }, (_, i) => {
    const distances: number[] = []
    for (let j = 0; j < gram.size; j++) if (j !== i) distances.push(gram.squaredDistance(i, j))
    distances.sort((x, y) => x - y)
    let sum = 0
    for (const distance of distances.slice(0, neighbours)) sum += distance
    return sum
  })
}

/** Indices of the `count` lowest scores, ascending; of equal ones the first. */
export function lowest(scores: readonly number[], count: number): number[] {
  return scores
    .map((score, index) => ({ score, index }))
    .sort((x, y) => x.score - y.score || x.index - y.index)
    .slice(0, count)
    .map(({ index }) => index)
    .sort((x, y) => x - y)
}

/** How many of n are assumed to lie: the share, but no more than Krum can bear (2f + 2 < n). */
export function liarsAmong(n: number, share: number): number {
  return Math.max(0, Math.min(Math.floor(share * n), Math.floor((n - 3) / 2)))
}
