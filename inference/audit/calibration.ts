import {
  type CalibrationKey,
  type CalibrationMeasurement,
  calibrationKeyText,
  type PromptCounts,
} from '../../protocol/messages/calibration.ts'
import {
  CATEGORIES,
  CELLS,
  cellOf,
  GAP_CLASSES,
  GROUP_CELLS,
  GROUPS,
  groupCell,
  isPossible,
  STATISTIC_VERSION,
  STRATA,
  toGroups,
  UNKNOWN_GAP,
} from './cells.ts'
import { logRatios } from './deviations.ts'
import { proportionUpperBound } from './distributions.ts'
import { AuditError } from './errors.ts'
import { checkMeasurement } from './measurement.ts'
import { seededRandom } from './random.ts'

export type { CalibrationKey } from '../../protocol/messages/calibration.ts'

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
  /** Upper confidence bounds by group (`groupCell`), all at once (CONFIDENCE); for wins what is left. */
  upper: readonly number[]
  /** How far tokens of one receipt hang together, 0 to 1, for each member of the family of cheats. */
  correlations: readonly number[]
}

/** That all bounds of one calibration hold at once. */
const CONFIDENCE = 0.99
const RESAMPLES = 200
/** Correlations are taken from their upper tail too. */
const CORRELATION_QUANTILE = 0.9
const BOOTSTRAP_SEED = 5

/**
 * Bounds what honest outputs look like from one node's counts.
 *
 * Each group's rate within its stratum has a Clopper-Pearson bound of the effective sample size (Korn and Graubard 1998), and the effective size
 * comes of the bootstrap by prompt (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 8):
 * tokens of one prompt are no independent draws. The same counts give the same result every time.
 * @throws {AuditError} VERSION_MISMATCH, TOO_FEW_SAMPLES, ABSURD
 */
export function calibrate(measurement: CalibrationMeasurement): Calibration {
  checkMeasurement(measurement)
  const { key, prompts, measuredAtMs } = measurement
  const cells = prompts.map(({ cells }) => cellsOf(cells))
  const counts = cells.map(of => toGroups(withUnknownGaps(of)))
  const upper = upperBounds(counts)
  return {
    version: STATISTIC_VERSION,
    key,
    prompts: prompts.length,
    receipts: prompts.reduce((sum, { receipts }) => sum + receipts, 0),
    tokens: sumOf(cells).reduce((sum, count) => sum + count, 0),
    operators: 1,
    measuredAtMs,
    rates: ratesOf(sumOf(cells), CATEGORIES),
    upper,
    correlations: logRatios(upper, key.sampler).map(ratios => correlationOf(cells.map(toGroups), ratios)),
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
  const upper = first.upper.map((_, at) => median(({ upper }) => upper[at]!))
  for (let stratum = 0; stratum < STRATA; stratum++) {
    const others = GROUPS.reduce(
      (all, _, group) => all + (group === 0 ? 0 : upper[groupCell(stratum, group)]!),
      0,
    )
    upper[groupCell(stratum, 0)] = Math.max(0, 1 - others)
  }
  return {
    version: STATISTIC_VERSION,
    key: first.key,
    prompts: sum(({ prompts }) => prompts),
    receipts: sum(({ receipts }) => receipts),
    tokens: sum(({ tokens }) => tokens),
    operators: sum(({ operators }) => operators),
    measuredAtMs: Math.min(...calibrations.map(({ measuredAtMs }) => measuredAtMs)),
    rates: first.rates.map((_, cell) => median(({ rates }) => rates[cell]!)),
    upper,
    correlations: first.correlations.map((_, member) => median(({ correlations }) => correlations[member]!)),
  }
}

function cellsOf(counts: PromptCounts['cells']): Float64Array {
  const cells = new Float64Array(CELLS)
  for (const [cell, tokens] of counts) cells[cell] = tokens
  return cells
}

/** Counts with a copy of all whose gaps are known, for assessments that lack them. */
function withUnknownGaps(cells: Float64Array): Float64Array {
  const all = cells.slice()
  for (let stratum = 0; stratum < STRATA; stratum++) {
    if (stratum % GAP_CLASSES === UNKNOWN_GAP) continue
    const unknown = (stratum < GAP_CLASSES ? 0 : GAP_CLASSES) + UNKNOWN_GAP
    for (let category = 0; category < CATEGORIES; category++) {
      all[cellOf(unknown, category)]! += cells[cellOf(stratum, category)]!
    }
  }
  return all
}

function sumOf(counts: readonly Float64Array[]): Float64Array {
  const totals = new Float64Array(counts[0]?.length ?? 0)
  for (const of of counts) for (let cell = 0; cell < totals.length; cell++) totals[cell]! += of[cell]!
  return totals
}

function sizeOf(counts: ArrayLike<number>, stratum: number, width: number): number {
  let size = 0
  for (let place = 0; place < width; place++) size += counts[stratum * width + place]!
  return size
}

function ratesOf(counts: Float64Array, width: number): number[] {
  return Array.from(counts, (count, cell) => {
    const size = sizeOf(counts, Math.floor(cell / width), width)
    return size === 0 ? 0 : count / size
  })
}

/** @param counts by group, a prompt each */
function upperBounds(counts: readonly Float64Array[]): number[] {
  const totals = sumOf(counts)
  const width = GROUPS.length
  const sizes = Array.from({ length: STRATA }, (_, stratum) => sizeOf(totals, stratum, width))
  const spread = bootstrapVariances(counts)
  const isBounded = (stratum: number, group: number) =>
    group > 0 && sizes[stratum]! > 0 && isPossible(stratum, group)
  const bounds = sizes.flatMap((_, stratum) => GROUPS.filter((_, group) => isBounded(stratum, group))).length
  const upper = new Array<number>(totals.length).fill(0)
  for (let stratum = 0; stratum < STRATA; stratum++) {
    const size = sizes[stratum]!
    let others = 0
    for (let group = 1; group < width; group++) {
      if (!isPossible(stratum, group)) continue
      const at = groupCell(stratum, group)
      const rate = size === 0 ? 0 : totals[at]! / size
      const independent = (rate * (1 - rate)) / size
      const effect = independent > 0 ? Math.max(1, spread[at]! / independent) : 1
      upper[at] = proportionUpperBound(totals[at]! / effect, size / effect, (1 - CONFIDENCE) / bounds)
      others += upper[at]!
    }
    upper[groupCell(stratum, 0)] = Math.max(0, 1 - others)
  }
  return upper
}

/** Variance of each group's rate over resamples of whole prompts. */
function bootstrapVariances(counts: readonly Float64Array[]): Float64Array {
  const sums = new Float64Array(GROUP_CELLS)
  const squares = new Float64Array(GROUP_CELLS)
  for (const totals of resamples(counts.length, sample => sumOf(sample.map(index => counts[index]!)))) {
    ratesOf(totals, GROUPS.length).forEach((rate, at) => {
      sums[at]! += rate
      squares[at]! += rate * rate
    })
  }
  return sums.map((sum, at) => Math.max(0, (squares[at]! - (sum * sum) / RESAMPLES) / (RESAMPLES - 1)))
}

/**
 * How far tokens of one prompt hang together in their log likelihood ratio, beyond what their strata explain: the intraclass correlation
 * by moments (a prompt of n tokens varies 1 + (n − 1)ρ times as much as independent ones), in the upper tail over resamples.
 */
function correlationOf(counts: readonly Float64Array[], ratios: Float64Array): number {
  const rates = ratesOf(sumOf(counts), GROUPS.length)
  const terms = counts.map(of => {
    let [residual, variance, tokens] = [0, 0, 0]
    for (let stratum = 0; stratum < STRATA; stratum++) {
      const size = sizeOf(of, stratum, GROUPS.length)
      if (size === 0) continue
      let [mean, square, score] = [0, 0, 0]
      for (let group = 0; group < GROUPS.length; group++) {
        const at = groupCell(stratum, group)
        mean += rates[at]! * ratios[at]!
        square += rates[at]! * ratios[at]! ** 2
        score += of[at]! * ratios[at]!
      }
      residual += score - size * mean
      variance += size * Math.max(0, square - mean * mean)
      tokens += size
    }
    return { more: residual ** 2 - variance, pairs: variance * (tokens - 1) }
  })
  const estimates = [
    ...resamples(counts.length, sample => {
      let [more, pairs] = [0, 0]
      for (const index of sample) {
        more += terms[index]!.more
        pairs += terms[index]!.pairs
      }
      return pairs <= 0 ? 0 : more / pairs
    }),
  ].sort((a, b) => a - b)
  const high = estimates[Math.floor(CORRELATION_QUANTILE * (estimates.length - 1))]!
  return Math.min(1, Math.max(0, high))
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
