import type { Engine, LossRow, ModelSource } from '../engine.ts'
import { MAX_LOSS_CHARS, MAX_LOSS_ROWS } from '../engine.ts'

/** How little a model expected a text. */
export interface Surprise {
  /** Mean over the counted tokens, nats per token, each at most `MAX_TOKEN_NATS`. */
  nats: number
  /** Counted tokens. */
  tokens: number
}

/** What one token can add: a single key or typo does not make a row surprising. */
export const MAX_TOKEN_NATS = 10
/** How much more or less often than the median a row can be drawn. */
const MAX_WEIGHT = 4
const MIN_WEIGHT = 1 / MAX_WEIGHT
/** Distances between the quartiles above the third beyond which a row is taken for garbage (Tukey, 1977: "far out"). */
const FENCE = 3
/** Of fewer rows quartiles say nothing. */
const MIN_ROWS_FOR_FENCE = 12

/** Surprise is −log p of what came (Shannon, 1948), here in nats. @param tokenLosses nats of each counted token */
export function surpriseOf(tokenLosses: Float32Array): Surprise {
  let sum = 0
  for (const loss of tokenLosses)
    sum += Math.min(Number.isFinite(loss) ? loss : MAX_TOKEN_NATS, MAX_TOKEN_NATS)
  return { nats: tokenLosses.length === 0 ? 0 : sum / tokenLosses.length, tokens: tokenLosses.length }
}

/**
 * How often each row is to be drawn, relative to a row of median surprise: in proportion to its surprise, at most four times
 * as often and at least a quarter. What is so much above the rest that it is more likely garbage than news counts a quarter;
 * rows without a counted token are not drawn.
 */
export function surpriseWeights(surprises: readonly Surprise[]): {
  weights: Float64Array
  median: number
  garbage: number
} {
  const sorted = surprises
    .filter(({ tokens }) => tokens > 0)
    .map(({ nats }) => nats)
    .toSorted((a, b) => a - b)
  const median = quantile(sorted, 0.5)
  const [low, high] = [quantile(sorted, 0.25), quantile(sorted, 0.75)]
  const fence = sorted.length < MIN_ROWS_FOR_FENCE ? Number.POSITIVE_INFINITY : high + FENCE * (high - low)
  let garbage = 0
  const weights = Float64Array.from(surprises, ({ nats, tokens }) => {
    if (tokens === 0) return 0
    if (nats > fence) {
      garbage++
      return MIN_WEIGHT
    }
    return median === 0 ? 1 : Math.min(MAX_WEIGHT, Math.max(MIN_WEIGHT, nats / median))
  })
  return { weights, median, garbage }
}

/**
 * Draws `count` indices in proportion to weights by systematic resampling (Kitagawa, 1996): evenly spaced points on the
 * cumulated weights, so that each index comes as often as it should to within one.
 * @param start where the first point lies between two, in [0, 1)
 */
export function drawByWeight(weights: Float64Array, count: number, start: number): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (total === 0) return []
  const drawn: number[] = []
  let cumulated = 0
  for (let index = 0; index < weights.length; index++) {
    cumulated += weights[index]!
    while (drawn.length < count && (drawn.length + start) * total < cumulated * count) drawn.push(index)
  }
  return drawn
}

/**
 * Measures how surprising rows are to a model, which is loaded for it beside whatever is served.
 * @returns one for each row, in order
 * @throws {EngineError} MODEL_INVALID, MODEL_TOO_LARGE, ENGINE_UNAVAILABLE, ENGINE_CRASHED, CANCELLED
 */
export async function measureSurprise(
  engine: Pick<Engine, 'load' | 'unload' | 'measureLoss'>,
  model: ModelSource,
  rows: readonly LossRow[],
  signal?: AbortSignal,
): Promise<(Surprise & { /** Mean over the counted tokens, nats, not bounded. */ loss: number })[]> {
  const options = signal === undefined ? {} : { signal }
  await engine.load(model, options)
  try {
    const surprises = []
    for (const batch of batches(rows)) {
      const measured = await engine.measureLoss({ model: model.id, rows: batch, perToken: true }, options)
      for (const { loss, tokenLosses } of measured.rows)
        surprises.push({ ...surpriseOf(tokenLosses ?? new Float32Array()), loss })
    }
    return surprises
  } finally {
    await engine.unload(model.id)
  }
}

function* batches(rows: readonly LossRow[]): Generator<LossRow[]> {
  let batch: LossRow[] = []
  let chars = 0
  for (const row of rows) {
    const { length } = JSON.stringify(row)
    if (batch.length > 0 && (batch.length >= MAX_LOSS_ROWS || chars + length > MAX_LOSS_CHARS)) {
      yield batch
      batch = []
      chars = 0
    }
    batch.push(row)
    chars += length
  }
  if (batch.length > 0) yield batch
}

function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) return 0
  const at = (sorted.length - 1) * share
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at))
}
