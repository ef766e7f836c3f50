/**
 * The chance with which each candidate comes first: 1 − ε for the best, and ε shared among all by weight, the best
 * among them. It sums to 1 and is exact, so that logged decisions can be weighed by it.
 *
 * @param weights one for each candidate, not negative, at least one above 0
 * @param best index of the candidate of the highest value
 * @param rate ε
 */
export function choiceProbabilities(weights: readonly number[], best: number, rate: number): Float64Array {
  let total = 0
  for (const weight of weights) total += weight
  const probabilities = new Float64Array(weights.length)
  for (let index = 0; index < weights.length; index++) probabilities[index] = (rate * weights[index]!) / total
  probabilities[best]! += 1 - rate
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
