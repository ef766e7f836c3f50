import { Random } from '../../scripts/embedded-model/corpus/random.ts'
import type { Result } from './saving-routing.ts'

/** A number with its 95 % interval. */
export interface Interval {
  value: number
  low: number
  high: number
}

/** What one way costs as a share of another, and by how much its quality differs. */
export interface Comparison {
  costRatio: Interval
  qualityDifference: Interval
}

const RESAMPLES = 2_000
const SEED = 1

/**
 * Compares two ways of doing the same questions: paired bootstrap with percentile intervals (Efron & Tibshirani, An
 * Introduction to the Bootstrap, 1993, chapters 8 and 13). Questions are drawn with replacement, each with the results
 * of both ways; and so are the runs of the first way, which differ by the order of questions and by chance.
 * @param runs results of the first way, by run and question
 * @param other those of the second way, by question
 */
export function compare(runs: readonly (readonly Result[])[], other: readonly Result[]): Comparison {
  const random = new Random(SEED)
  const value = compareOn(runs, other, {
    runs: runs.map((_, run) => run),
    questions: other.map((_, question) => question),
  })
  const resampled = Array.from({ length: RESAMPLES }, () =>
    compareOn(runs, other, {
      runs: runs.map(() => random.below(runs.length)),
      questions: other.map(() => random.below(other.length)),
    }),
  )
  const interval = (of: (one: { ratio: number; difference: number }) => number): Interval => {
    const sorted = Float64Array.from(resampled, of).sort()
    const at = (share: number) => sorted[Math.round(share * (RESAMPLES - 1))]!
    return { value: of(value), low: at(0.025), high: at(0.975) }
  }
  return {
    costRatio: interval(({ ratio }) => ratio),
    qualityDifference: interval(({ difference }) => difference),
  }
}

/** The mean of results. */
export function meanOf(results: readonly Result[]): Result {
  const mean = (of: (result: Result) => number) =>
    results.reduce((sum, result) => sum + of(result), 0) / results.length
  return { credits: mean(({ credits }) => credits), quality: mean(({ quality }) => quality) }
}

function compareOn(
  runs: readonly (readonly Result[])[],
  other: readonly Result[],
  drawn: { runs: readonly number[]; questions: readonly number[] },
): { ratio: number; difference: number } {
  let [ownCredits, ownQuality, otherCredits, otherQuality] = [0, 0, 0, 0]
  for (const question of drawn.questions) {
    otherCredits += other[question]!.credits
    otherQuality += other[question]!.quality
  }
  for (const run of drawn.runs) {
    const results = runs[run]!
    for (const question of drawn.questions) {
      ownCredits += results[question]!.credits
      ownQuality += results[question]!.quality
    }
  }
  const { length } = drawn.runs
  return {
    ratio: ownCredits / length / otherCredits,
    difference: (ownQuality / length - otherQuality) / drawn.questions.length,
  }
}
