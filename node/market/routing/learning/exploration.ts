/** What exploration looks at of a candidate. */
export interface Explorable {
  /** Of the strategy, 0 to 1. */
  score: number
  /** Hardly known yet, and no dearer than we may try out. */
  isNewcomer: boolean
}

export interface ExplorationOptions {
  /** ε: share of decisions that are left to chance. */
  rate: number
  /** How far below the best score a candidate may be to be tried; newcomers may be anywhere. */
  band: number
  /** How many times as likely a newcomer is tried as another. */
  newcomerWeight: number
}

/**
 * The chance with which each candidate comes first: 1 − ε for the best by value, and ε shared by weight among all
 * that may be tried, the best among them. It sums to 1 and is exact, so that logged decisions can be weighed by it.
 *
 * @param best index of the candidate of the highest value
 */
export function choiceProbabilities(
  candidates: readonly Explorable[],
  best: number,
  options: ExplorationOptions,
): Float64Array {
  const probabilities = new Float64Array(candidates.length)
  if (candidates.length === 0) return probabilities
  const top = candidates.reduce((most, { score }) => Math.max(most, score), Number.NEGATIVE_INFINITY)
  let total = 0
  candidates.forEach(({ score, isNewcomer }, index) => {
    const weight = isNewcomer
      ? options.newcomerWeight
      : index === best || score >= top - options.band
        ? 1
        : 0
    probabilities[index] = weight
    total += weight
  })
  for (let i = 0; i < probabilities.length; i++) probabilities[i]! *= options.rate / total
  probabilities[best]! += 1 - options.rate
  return probabilities
}

/** Draws an index by its probability. @param random uniform in [0, 1) */
export function draw(probabilities: Float64Array, random: () => number): number {
  let left = random()
  let last = 0
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i]!
    if (probability === 0) continue
    last = i
    left -= probability
    if (left < 0) return i
  }
  // What rounding left over.
  return last
}
