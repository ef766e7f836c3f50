import type { SamplerId } from './assessment.ts'
import {
  CATEGORIES,
  CELLS,
  cellOf,
  GAP_CLASSES,
  STATISTIC_VERSION,
  STRATA,
  UNKNOWN_GAP,
  WON,
} from './cells.ts'
import { logRatios } from './deviations.ts'
import { proportionUpperBound } from './distributions.ts'
import { AuditError } from './errors.ts'
import { type CalibrationKey, calibrationKeyText, checkMeasurement, type Measurement } from './measurement.ts'
import { seededRandom } from './random.ts'

export type { CalibrationKey } from './measurement.ts'

/** What honest outputs of one key look like to an auditor, with bounds: what tests judge by. */
export interface Calibration {
  version: typeof STATISTIC_VERSION
  key: CalibrationKey
  prompts: number
  receipts: number
  tokens: number
  /** Different operators whose measurements are in it; 1 for one's own. */
  operators: number
  /** When the oldest measurement in it was made. */
  measuredAtMs: number
  /** Chance of each cell within its stratum, CELLS numbers; 0 throughout strata that were never seen. */
  rates: readonly number[]
  /** Upper confidence bounds of the cells that are no wins, all at once (CONFIDENCE); for wins what is left. */
  upper: readonly number[]
  /** By how much tokens of one prompt vary together: variance over that of independent tokens, at least 1. */
  designEffect: number
}

/** That all bounds of one calibration hold at once. */
export const CONFIDENCE = 0.99
const RESAMPLES = 400
/** The design effect is taken from its upper tail too. */
const DESIGN_EFFECT_QUANTILE = 0.9
const MAX_DESIGN_EFFECT = 64
const BOOTSTRAP_SEED = 5

/**
 * Bounds what honest outputs look like from one node's counts.
 *
 * Each cell's rate within its stratum has a Clopper-Pearson bound of the effective sample size (Korn and Graubard 1998), and the effective size
 * comes of the bootstrap by prompt (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 8):
 * tokens of one prompt are no independent draws. The same for the result every time.
 * @throws {AuditError} TOO_FEW_SAMPLES, ABSURD
 */
export function calibrate(measurement: Measurement): Calibration {
  checkMeasurement(measurement)
  const { key, prompts, measuredAtMs } = measurement
  const counts = prompts.map(({ cells }) => withUnknownGaps(cells))
  const totals = sumOf(counts)
  const rates = ratesOf(totals)
  const spread = bootstrapVariances(counts)
  const seen = strataSeen(totals)
  const cellsBounded = seen.length * (CATEGORIES - 1)
  const upper = new Array<number>(CELLS).fill(0)
  for (let stratum = 0; stratum < STRATA; stratum++) {
    const size = sizeOf(totals, stratum)
    let others = 0
    for (let category = 1; category < CATEGORIES; category++) {
      const cell = cellOf(stratum, category)
      const rate = rates[cell]!
      const independent = size === 0 ? 0 : (rate * (1 - rate)) / size
      const effect = independent === 0 ? 1 : Math.max(1, spread[cell]! / independent)
      const error = (1 - CONFIDENCE) / cellsBounded
      upper[cell] = size === 0 ? 1 : proportionUpperBound(totals[cell]! / effect, size / effect, error)
      others += upper[cell]!
    }
    upper[cellOf(stratum, WON)] = Math.max(0, 1 - others)
  }
  return {
    version: STATISTIC_VERSION,
    key,
    prompts: prompts.length,
    receipts: prompts.reduce((sum, { receipts }) => sum + receipts, 0),
    tokens: prompts.reduce((sum, { cells }) => sum + cells.reduce((all, [, count]) => all + count, 0), 0),
    operators: 1,
    measuredAtMs,
    rates,
    upper,
    designEffect: designEffectOf(counts, rates, upper, key.sampler),
  }
}

/**
 * Puts calibrations of different operators together: for each number the upper median, so that a minority neither frames the
 * honest nor covers for cheats.
 * @throws {AuditError} MISMATCH of keys, or none at all
 */
export function mergeCalibrations(calibrations: readonly Calibration[]): Calibration {
  const [first] = calibrations
  if (first === undefined) throw new AuditError('MISMATCH', 'there is no calibration to put together')
  const key = calibrationKeyText(first.key)
  if (calibrations.some(other => calibrationKeyText(other.key) !== key)) {
    throw new AuditError('MISMATCH', 'calibrations of different keys do not go together')
  }
  const sum = (of: (calibration: Calibration) => number) =>
    calibrations.reduce((all, calibration) => all + of(calibration), 0)
  const median = (of: (calibration: Calibration) => number) => upperMedian(calibrations.map(of))
  const rates = first.rates.map((_, cell) => median(({ rates }) => rates[cell]!))
  const upper = first.upper.map((_, cell) => median(({ upper }) => upper[cell]!))
  for (let stratum = 0; stratum < STRATA; stratum++) {
    let [rate, bound] = [0, 0]
    for (let category = 1; category < CATEGORIES; category++) {
      rate += rates[cellOf(stratum, category)]!
      bound += upper[cellOf(stratum, category)]!
    }
    const isSeen = sizeOf(rates, stratum) > 0
    rates[cellOf(stratum, WON)] = isSeen ? Math.max(0, 1 - rate) : 0
    upper[cellOf(stratum, WON)] = Math.max(0, 1 - bound)
  }
  return {
    version: STATISTIC_VERSION,
    key: first.key,
    prompts: sum(({ prompts }) => prompts),
    receipts: sum(({ receipts }) => receipts),
    tokens: sum(({ tokens }) => tokens),
    operators: sum(({ operators }) => operators),
    measuredAtMs: Math.min(...calibrations.map(({ measuredAtMs }) => measuredAtMs)),
    rates,
    upper,
    designEffect: median(({ designEffect }) => designEffect),
  }
}

/** Counts by cell; where gaps were measured, a copy of all for assessments that lack them. */
function withUnknownGaps(cells: Measurement['prompts'][number]['cells']): Float64Array {
  const counts = new Float64Array(CELLS)
  for (const [cell, tokens] of cells) {
    const stratum = Math.floor(cell / CATEGORIES)
    counts[cell]! += tokens
    if (stratum % GAP_CLASSES === UNKNOWN_GAP) continue
    const unknown = stratum < GAP_CLASSES ? UNKNOWN_GAP : GAP_CLASSES + UNKNOWN_GAP
    counts[cellOf(unknown, cell % CATEGORIES)]! += tokens
  }
  return counts
}

function sumOf(counts: readonly Float64Array[]): Float64Array {
  const totals = new Float64Array(CELLS)
  for (const of of counts) for (let cell = 0; cell < CELLS; cell++) totals[cell]! += of[cell]!
  return totals
}

function sizeOf(totals: ArrayLike<number>, stratum: number): number {
  let size = 0
  for (let category = 0; category < CATEGORIES; category++) size += totals[cellOf(stratum, category)]!
  return size
}

function strataSeen(totals: ArrayLike<number>): number[] {
  return Array.from({ length: STRATA }, (_, stratum) => stratum).filter(
    stratum => sizeOf(totals, stratum) > 0,
  )
}

function ratesOf(totals: ArrayLike<number>): number[] {
  return Array.from({ length: CELLS }, (_, cell) => {
    const size = sizeOf(totals, Math.floor(cell / CATEGORIES))
    return size === 0 ? 0 : totals[cell]! / size
  })
}

/** Variance of each cell's rate over resamples of whole prompts. */
function bootstrapVariances(counts: readonly Float64Array[]): Float64Array {
  const sums = new Float64Array(CELLS)
  const squares = new Float64Array(CELLS)
  const used = new Float64Array(CELLS)
  for (const totals of resamples(counts.length, sample => sumOf(sample.map(index => counts[index]!)))) {
    for (const stratum of strataSeen(totals)) {
      const size = sizeOf(totals, stratum)
      for (let category = 1; category < CATEGORIES; category++) {
        const cell = cellOf(stratum, category)
        const rate = totals[cell]! / size
        sums[cell]! += rate
        squares[cell]! += rate * rate
        used[cell]!++
      }
    }
  }
  return sums.map((sum, cell) => {
    const times = used[cell]!
    return times < 2 ? 0 : Math.max(0, (squares[cell]! - (sum * sum) / times) / (times - 1))
  })
}

/**
 * How much more the log likelihood ratio of a prompt's tokens varies than if they were independent (Rao and Scott, Annals of
 * Statistics 12, 1984), for the member of the family where it is most, in the upper tail over resamples.
 */
function designEffectOf(
  counts: readonly Float64Array[],
  rates: readonly number[],
  upper: readonly number[],
  sampler: SamplerId,
): number {
  const effects = logRatios(upper, sampler).map(ratios => {
    const terms = counts.map(of => clusterTerms(of, rates, ratios))
    const effectOf = (sample: readonly number[]) => {
      let [between, within] = [0, 0]
      for (const index of sample) {
        between += terms[index]!.residual ** 2
        within += terms[index]!.variance
      }
      return within === 0 ? 1 : between / within
    }
    const sorted = [...resamples(counts.length, effectOf)].sort((a, b) => a - b)
    return sorted[Math.floor(DESIGN_EFFECT_QUANTILE * (sorted.length - 1))]!
  })
  return Math.min(MAX_DESIGN_EFFECT, Math.max(1, ...effects))
}

/** Of one prompt: what its score is beyond the expected, squared later, and the variance of independent tokens. */
function clusterTerms(
  of: Float64Array,
  rates: readonly number[],
  ratios: Float64Array,
): { residual: number; variance: number } {
  let [residual, variance] = [0, 0]
  for (const stratum of strataSeen(of)) {
    // Tokens of known gaps stand in two strata; those of the copy are left out unless there is nothing else.
    if (
      stratum % GAP_CLASSES === UNKNOWN_GAP &&
      strataSeen(of).some(other => other % GAP_CLASSES !== UNKNOWN_GAP)
    )
      continue
    const size = sizeOf(of, stratum)
    let [mean, square, score] = [0, 0, 0]
    for (let category = 0; category < CATEGORIES; category++) {
      const cell = cellOf(stratum, category)
      mean += rates[cell]! * ratios[cell]!
      square += rates[cell]! * ratios[cell]! ** 2
      score += of[cell]! * ratios[cell]!
    }
    residual += score - size * mean
    variance += size * Math.max(0, square - mean * mean)
  }
  return { residual, variance }
}

/** What `measure` says of RESAMPLES samples with replacement, the same every time. */
function* resamples<T>(size: number, measure: (sample: readonly number[]) => T): Generator<T> {
  const random = seededRandom(BOOTSTRAP_SEED)
  for (let round = 0; round < RESAMPLES; round++) {
    yield measure(Array.from({ length: size }, () => Math.floor(random() * size)))
  }
}

function upperMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
