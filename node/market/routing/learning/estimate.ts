/** A mean with its interval. */
export interface Estimate {
  value: number
  /** Of the 95 % interval. */
  low: number
  high: number
}

/** 97.5 % quantile of the normal distribution. */
const Z_95 = 1.959964

/** What an evaluated policy would have done in one logged decision. */
export interface WeightedReward {
  /** Of the candidate that was chosen, 0 to 1. */
  reward: number
  /** Probability that the evaluated policy chooses it, over that with which it was chosen. */
  weight: number
  /** What a model expects of the candidate chosen, and of the evaluated policy on the whole. */
  modelOfChosen: number
  modelOfPolicy: number
}

/** Mean of independent values, with the normal interval of the mean. */
export function meanEstimate(values: readonly number[]): Estimate {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return interval(mean, Math.sqrt(squares / Math.max(1, n - 1) / n))
}

/**
 * Inverse propensity scoring, mean of w r (Horvitz & Thompson, 1952; Li, Chu, Langford & Wang, 2011): without bias
 * where every candidate the policy may choose might have been chosen; of a large variance.
 */
export function inversePropensity(samples: readonly WeightedReward[]): Estimate {
  return meanEstimate(samples.map(({ reward, weight }) => weight * reward))
}

/**
 * Self-normalised: Σ w r / Σ w (Swaminathan & Joachims, 2015): biased by 1/n, of a smaller variance, and within the
 * range of rewards. Its interval is by the delta method.
 */
export function selfNormalised(samples: readonly WeightedReward[]): Estimate {
  let total = 0
  let sum = 0
  for (const { reward, weight } of samples) {
    total += weight
    sum += weight * reward
  }
  if (total === 0) return { value: Number.NaN, low: Number.NaN, high: Number.NaN }
  const value = sum / total
  const squares = samples.reduce((all, { reward, weight }) => all + (weight * (reward - value)) ** 2, 0)
  return interval(value, Math.sqrt(squares) / total)
}

/**
 * Doubly robust: mean of q(π) + w (r − q(chosen)) (Dudík, Langford & Li, 2011): right where either the propensities
 * or the model q is; the better the model, the narrower.
 */
export function doublyRobust(samples: readonly WeightedReward[]): Estimate {
  return meanEstimate(samples.map(doublyRobustTerm))
}

/** How much better than what was logged, by the doubly robust estimate of the difference. */
export function doublyRobustGain(samples: readonly WeightedReward[]): Estimate {
  return meanEstimate(samples.map(sample => doublyRobustTerm(sample) - sample.reward))
}

/** (Σ w)² / Σ w² : so many decisions of the policy's own would tell as much (Kish, 1965). */
export function effectiveSamples(samples: readonly WeightedReward[]): number {
  let sum = 0
  let squares = 0
  for (const { weight } of samples) {
    sum += weight
    squares += weight * weight
  }
  return squares === 0 ? 0 : (sum * sum) / squares
}

function doublyRobustTerm({ reward, weight, modelOfChosen, modelOfPolicy }: WeightedReward): number {
  return modelOfPolicy + weight * (reward - modelOfChosen)
}

function interval(value: number, standardError: number): Estimate {
  return { value, low: value - Z_95 * standardError, high: value + Z_95 * standardError }
}
