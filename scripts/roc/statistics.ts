import { normalTail } from '../../inference/audit/distributions.ts'

/** Numbers with a 95 % confidence interval. */
export interface Estimate {
  value: number
  low: number
  high: number
}

/**
 * Area under the ROC curve: the chance that a positive scores higher than a negative, ties counted half (the Mann-Whitney statistic:
 * Hanley and McNeil, Radiology 143, 1982).
 * @throws {RangeError} where either has none
 */
export function areaUnderCurve(negatives: readonly number[], positives: readonly number[]): number {
  if (negatives.length === 0 || positives.length === 0) throw new RangeError('an AUC needs scores of both')
  const all = [
    ...negatives.map(score => ({ score, isPositive: false })),
    ...positives.map(score => ({ score, isPositive: true })),
  ].sort((a, b) => a.score - b.score)
  let below = 0
  let wins = 0
  for (let from = 0; from < all.length; ) {
    let to = from
    while (to < all.length && all[to]!.score === all[from]!.score) to++
    const tied = all.slice(from, to)
    const tiedPositives = tied.filter(({ isPositive }) => isPositive).length
    const tiedNegatives = tied.length - tiedPositives
    wins += tiedPositives * (below + tiedNegatives / 2)
    below += tiedNegatives
    from = to
  }
  return wins / (negatives.length * positives.length)
}

/** `areaUnderCurve` of counts by rising score. NaN where either has none. */
export function areaOfCounts(negatives: ArrayLike<number>, positives: ArrayLike<number>): number {
  let [below, wins, all] = [0, 0, 0]
  for (let at = 0; at < negatives.length; at++) {
    wins += positives[at]! * (below + negatives[at]! / 2)
    below += negatives[at]!
    all += positives[at]!
  }
  return wins / (below * all)
}

/** One point of a ROC curve: what is caught at a threshold, and what is caught in error. */
export interface RocPoint {
  falseAlarm: number
  power: number
}

/** The ROC curve, from the highest threshold to the lowest. */
export function rocCurve(negatives: readonly number[], positives: readonly number[]): RocPoint[] {
  const thresholds = [...new Set([...negatives, ...positives])].sort((a, b) => b - a)
  const share = (scores: readonly number[], threshold: number) =>
    scores.filter(score => score >= threshold).length / scores.length
  return [
    { falseAlarm: 0, power: 0 },
    ...thresholds.map(threshold => ({
      falseAlarm: share(negatives, threshold),
      power: share(positives, threshold),
    })),
  ]
}

/**
 * A percentile interval of the bootstrap by prompt (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13): prompts are
 * drawn with all their receipts, since receipts of one prompt resemble each other.
 * @param measure is given places of prompts; a NaN is left out
 */
export function bootstrap(
  prompts: number,
  measure: (sample: readonly number[]) => number,
  options: { rounds: number; random: () => number },
): Estimate {
  const { rounds, random } = options
  const value = measure(Array.from({ length: prompts }, (_, at) => at))
  const values: number[] = []
  for (let round = 0; round < rounds; round++) {
    const drawn = measure(Array.from({ length: prompts }, () => Math.floor(random() * prompts)))
    if (!Number.isNaN(drawn)) values.push(drawn)
  }
  values.sort((a, b) => a - b)
  return { value, low: quantile(values, 0.025), high: quantile(values, 0.975) }
}

/** @param sorted rising; Infinity counts as the greatest. NaN of none */
export function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return Number.NaN
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!
}

/** The x that a standard normal exceeds with chance `tail`, in (0, 1). */
export function normalQuantile(tail: number): number {
  let [low, high] = [-40, 40]
  for (let step = 0; step < 80; step++) {
    const middle = (low + high) / 2
    if (normalTail(middle) > tail) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** What a score per token sums up to over a receipt. */
export interface Sum {
  tokens: number
  score: number
}

/**
 * Tokens that a test of a fixed size needs which compares the mean score of all tokens with a threshold, by the normal approximation: receipts are
 * independent draws, n of them are needed where n (μ₁ − μ₀)² = (z_α σ₀ + z_β σ₁)². An extrapolation where α is
 * smaller than 1/(receipts measured), and too hopeful where few receipts carry most of the score. Infinity where the cheat does not score higher.
 */
export function tokensToPower(
  honest: readonly Sum[],
  cheats: readonly Sum[],
  { falseAlarm, power }: { falseAlarm: number; power: number },
): number {
  const [of0, of1] = [moments(honest), moments(cheats)]
  const difference = of1.mean - of0.mean
  if (!(difference > 0)) return Number.POSITIVE_INFINITY
  const spread = normalQuantile(falseAlarm) * of0.deviation + normalQuantile(1 - power) * of1.deviation
  return Math.max(1, (spread / difference) ** 2) * of1.tokens
}

/** The mean score of a token, how much a receipt's mean strays from it, and tokens of a receipt (a ratio estimate: Cochran, Sampling Techniques, 1977, chapter 6). */
function moments(sums: readonly Sum[]): { mean: number; deviation: number; tokens: number } {
  const tokens = sums.reduce((all, sum) => all + sum.tokens, 0) / sums.length
  const mean = sums.reduce((all, sum) => all + sum.score, 0) / sums.length / tokens
  const squares = sums.reduce((all, sum) => all + (sum.score - mean * sum.tokens) ** 2, 0)
  return { mean, tokens, deviation: Math.sqrt(squares / Math.max(1, sums.length - 1)) / tokens }
}
