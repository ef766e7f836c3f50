import { z } from 'zod'
import type { TokenPrice } from '../../protocol/money.ts'
import { CREDIT } from '../../protocol/money.ts'
import { type Clock, repeat, type Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import type { ListingIndex } from './capability.ts'
import { HISTORY_SPANS, type HistorySpan } from './history-spans.ts'
import { marketNames, type Quotes, quantile, quotesOf } from './quotes.ts'

/** Of an average over a stretch of time: credits per million tokens. */
export interface PriceSpread {
  low: number
  median: number
  high: number
}

/** A stretch of a model's history: averages weighted by time. */
export interface PriceBucket {
  startMs: number
  widthMs: number
  /** Offers of peers; 0 where there was none, and the prices are then null. */
  offers: number
  input: PriceSpread | null
  output: PriceSpread | null
  /** This node's own price, while it offered the model. */
  own: { input: number; output: number } | null
}

export interface PriceHistoryOptions {
  /** Models followed at most: our own first, then those with most offers. Default 64. */
  maxModels?: number
}

/** What one look at the market saw of a model; prices as in `PriceBucket`. */
export interface PriceSample {
  model: string
  offers: number
  input: PriceSpread | null
  output: PriceSpread | null
  own: { input: number; output: number } | null
}

export interface PriceHistoryModules {
  index: ListingIndex
  /** What this node offers, by the model's market name. */
  own: () => ReadonlyMap<string, TokenPrice>
  store: Store
  clock: Clock
  log: Logger
  /** Told of each look. */
  onSample?: (sample: PriceSample) => void
}

const MINUTE_MS = 60_000
/** Buckets of each span, as in a round-robin database: old ones make room for new ones. */
const SHAPES: Record<HistorySpan, { widthMs: number; count: number }> = {
  '1h': { widthMs: MINUTE_MS, count: 60 },
  '24h': { widthMs: 15 * MINUTE_MS, count: 96 },
  '7d': { widthMs: 120 * MINUTE_MS, count: 84 },
}
const SAMPLE_EVERY_MS = 15_000
/** A gap longer than this was not looked at. */
const MAX_WEIGHT_MS = 2 * SAMPLE_EVERY_MS
const MAX_MODELS = 64
/** Each model is written to disk once in so many samples, in turn. */
const SAVE_IN_SAMPLES = 20

/** Sums over time, in the order they are stored. */
const FIELDS = [
  'startMs',
  'coveredMs',
  'offers',
  'pricedMs',
  'inputLow',
  'inputMedian',
  'inputHigh',
  'outputLow',
  'outputMedian',
  'outputHigh',
  'ownMs',
  'ownInput',
  'ownOutput',
] as const
type Sums = Record<(typeof FIELDS)[number], number>

const rowSchema = z.strictObject({
  model: z.string().max(64),
  seenAtMs: z.number(),
  spans: z.record(z.enum(HISTORY_SPANS), z.array(z.number())),
})
type Row = z.infer<typeof rowSchema>

interface Series {
  seenAtMs: number
  spans: Record<HistorySpan, Sums[]>
}

/** Prices of models over time: the market's low, median and high, and this node's own. Bounded, and kept over restarts. */
export class PriceHistory {
  readonly #maxModels: number
  readonly #modules: PriceHistoryModules
  readonly #table: Table<Row>
  readonly #series = new Map<string, Series>()
  #sampledAtMs: number
  #samples = 0
  #timer: Timer | null = null

  constructor(options: PriceHistoryOptions, modules: PriceHistoryModules) {
    this.#maxModels = options.maxModels ?? MAX_MODELS
    this.#modules = modules
    this.#table = modules.store.table('price-history', rowSchema)
    this.#sampledAtMs = modules.clock.nowMs()
  }

  async start(): Promise<void> {
    for await (const row of this.#table.values({ limit: this.#maxModels }))
      this.#series.set(row.model, {
        seenAtMs: row.seenAtMs,
        spans: mapSpans(span => unflatten(row.spans[span])),
      })
    this.#timer = repeat(this.#modules.clock, SAMPLE_EVERY_MS, async () => {
      this.sample()
      await this.#saveSome()
    })
  }

  /** Writes what there is; idempotent. */
  async stop(): Promise<void> {
    if (this.#timer === null) return
    this.#timer.cancel()
    this.#timer = null
    this.sample()
    await this.#save([...this.#series.keys()])
  }

  /** Models followed. */
  models(): string[] {
    return [...this.#series.keys()]
  }

  /** What is known of a model by its market name, oldest first; empty where it is not followed. */
  of(model: string, span: HistorySpan): PriceBucket[] {
    const { widthMs, count } = SHAPES[span]
    const sinceMs = this.#modules.clock.nowMs() - widthMs * count
    return (this.#series.get(model)?.spans[span] ?? [])
      .filter(({ startMs }) => startMs + widthMs > sinceMs)
      .map(sums => bucketOf(sums, widthMs))
  }

  /** Looks at the market now. */
  sample(): void {
    const { index, clock } = this.#modules
    const nowMs = clock.nowMs()
    const weightMs = Math.min(MAX_WEIGHT_MS, Math.max(0, nowMs - this.#sampledAtMs))
    this.#sampledAtMs = nowMs
    this.#samples++
    const own = this.#modules.own()
    for (const model of this.#followed(own)) {
      const quotes = quotesOf(index, model, nowMs)
      this.#add(model, nowMs, weightMs, quotes, own.get(model) ?? null)
      this.#modules.onSample?.(sampleOf(model, quotes, own.get(model) ?? null))
    }
  }

  /** Our own models, then those with most offers. */
  #followed(own: ReadonlyMap<string, TokenPrice>): Iterable<string> {
    const followed = new Set<string>(own.keys())
    for (const { name } of marketNames(this.#modules.index)) {
      if (followed.size >= this.#maxModels) break
      followed.add(name)
    }
    return followed
  }

  #add(model: string, nowMs: number, weightMs: number, quotes: Quotes, own: TokenPrice | null): void {
    let series = this.#series.get(model)
    if (series === undefined) {
      if (this.#series.size >= this.#maxModels) this.#forgetOldest()
      series = { seenAtMs: nowMs, spans: mapSpans(() => []) }
      this.#series.set(model, series)
    }
    series.seenAtMs = nowMs
    // The moment belongs to the stretch it ends.
    for (const span of HISTORY_SPANS) add(series.spans[span], SHAPES[span], nowMs - 1, weightMs, quotes, own)
  }

  #forgetOldest(): void {
    const [oldest] = [...this.#series].reduce((a, b) => (b[1].seenAtMs < a[1].seenAtMs ? b : a))
    this.#series.delete(oldest)
    this.#modules.store
      .batch([this.#table.deleteOperation(oldest)], { sync: false })
      .catch(error => this.#modules.log.debug({ err: error }, 'an old price history was not removed'))
  }

  async #saveSome(): Promise<void> {
    const turn = this.#samples % SAVE_IN_SAMPLES
    await this.#save([...this.#series.keys()].filter((_, index) => index % SAVE_IN_SAMPLES === turn))
  }

  async #save(models: readonly string[]): Promise<void> {
    if (models.length === 0) return
    const operations = models.map(model => {
      const { seenAtMs, spans } = this.#series.get(model)!
      return this.#table.putOperation(model, {
        model,
        seenAtMs,
        spans: mapSpans(span => spans[span].flatMap(sums => FIELDS.map(field => sums[field]))),
      })
    })
    try {
      await this.#modules.store.batch(operations, { sync: false })
    } catch (error) {
      // A gap in a history is not worth a warning of its own: the store has told that it cannot write.
      this.#modules.log.debug({ err: error }, 'price history was not written')
    }
  }
}

function add(
  buckets: Sums[],
  { widthMs, count }: { widthMs: number; count: number },
  atMs: number,
  weightMs: number,
  { input, output }: Quotes,
  own: TokenPrice | null,
): void {
  const startMs = Math.floor(atMs / widthMs) * widthMs
  let sums = buckets.at(-1)
  if (sums === undefined || sums.startMs < startMs) {
    sums = { ...(Object.fromEntries(FIELDS.map(field => [field, 0])) as Sums), startMs }
    buckets.push(sums)
    if (buckets.length > count) buckets.shift()
  }
  sums.coveredMs += weightMs
  sums.offers += weightMs * output.length
  if (output.length > 0) {
    sums.pricedMs += weightMs
    for (const [side, prices] of [
      ['input', input],
      ['output', output],
    ] as const) {
      sums[`${side}Low`] += weightMs * prices[0]!
      sums[`${side}Median`] += weightMs * quantile(prices, 0.5)!
      sums[`${side}High`] += weightMs * prices.at(-1)!
    }
  }
  if (own !== null) {
    sums.ownMs += weightMs
    sums.ownInput += weightMs * creditsOf(own.inputPerMillion)
    sums.ownOutput += weightMs * creditsOf(own.outputPerMillion)
  }
}

function sampleOf(model: string, { input, output }: Quotes, own: TokenPrice | null): PriceSample {
  const spread = (prices: Quotes['input']): PriceSpread | null =>
    prices.length === 0 ? null : { low: prices[0]!, median: quantile(prices, 0.5)!, high: prices.at(-1)! }
  return {
    ...{ model, offers: output.length, input: spread(input), output: spread(output) },
    own:
      own === null
        ? null
        : { input: creditsOf(own.inputPerMillion), output: creditsOf(own.outputPerMillion) },
  }
}

function bucketOf(sums: Sums, widthMs: number): PriceBucket {
  const { pricedMs, ownMs } = sums
  return {
    startMs: sums.startMs,
    widthMs,
    offers: sums.coveredMs === 0 ? 0 : sums.offers / sums.coveredMs,
    input:
      pricedMs === 0
        ? null
        : {
            low: sums.inputLow / pricedMs,
            median: sums.inputMedian / pricedMs,
            high: sums.inputHigh / pricedMs,
          },
    output:
      pricedMs === 0
        ? null
        : {
            low: sums.outputLow / pricedMs,
            median: sums.outputMedian / pricedMs,
            high: sums.outputHigh / pricedMs,
          },
    own: ownMs === 0 ? null : { input: sums.ownInput / ownMs, output: sums.ownOutput / ownMs },
  }
}

function unflatten(numbers: readonly number[] = []): Sums[] {
  const buckets: Sums[] = []
  for (let at = 0; at + FIELDS.length <= numbers.length; at += FIELDS.length)
    buckets.push(Object.fromEntries(FIELDS.map((field, i) => [field, numbers[at + i]!])) as Sums)
  return buckets
}

function mapSpans<T>(make: (span: HistorySpan) => T): Record<HistorySpan, T> {
  return Object.fromEntries(HISTORY_SPANS.map(span => [span, make(span)])) as Record<HistorySpan, T>
}

/** For people and averages; money is counted in base units. */
export function creditsOf(amount: bigint): number {
  return Number(amount) / Number(CREDIT)
}
