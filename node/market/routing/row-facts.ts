import type { ModelId } from '../../../protocol/ids.ts'
import { type ListingIndex, VENUES } from '../capability.ts'
import type { ProviderId } from './candidate.ts'
import type { LatencyPredictor } from './latency-predictor.ts'
import type { QualityModel } from './quality.ts'

const PEER = VENUES.indexOf('peer')

/** What the router makes of each listing beforehand, in columns by the index's rows. */
export class RowFacts {
  /** See `Speed`. */
  ttftMs = new Float64Array()
  msPerToken = new Float64Array()
  spread = new Float64Array()
  measured = new Float64Array()
  quality = new Float64Array()
  /** Share of the prompt that is warm, for the decision under way. */
  warm = new Float64Array()
  /** 1 for those the decision under way has looked at closely and found unfit. */
  ruledOut = new Uint8Array()
  readonly #index: ListingIndex
  readonly #predictor: LatencyPredictor
  readonly #quality: QualityModel
  readonly #clock: { nowMs(): number }
  readonly #models: (ModelId | null)[] = []

  constructor(modules: {
    index: ListingIndex
    predictor: LatencyPredictor
    quality: QualityModel
    clock: { nowMs(): number }
  }) {
    this.#index = modules.index
    this.#predictor = modules.predictor
    this.#quality = modules.quality
    this.#clock = modules.clock
  }

  resize(capacity: number): void {
    const grown = (column: Float64Array) => {
      const larger = new Float64Array(capacity)
      larger.set(column)
      return larger
    }
    this.ttftMs = grown(this.ttftMs)
    this.msPerToken = grown(this.msPerToken)
    this.spread = grown(this.spread)
    this.measured = grown(this.measured)
    this.quality = grown(this.quality)
    this.warm = grown(this.warm)
    this.ruledOut = new Uint8Array(capacity)
  }

  add(row: number, provider: ProviderId, model: ModelId): void {
    this.#models[row] = model
    this.warm[row] = 0
    this.#write(row, provider, model)
  }

  /** Works the row out anew. */
  renew(row: number): void {
    const model = this.#models[row]
    const { providerRow } = this.#index.columns
    if (model !== undefined && model !== null)
      this.#write(row, this.#index.providerAt(providerRow[row]!), model)
  }

  move(from: number, to: number): void {
    this.#models[to] = this.#models[from]!
    this.#models[from] = null
    for (const column of [this.ttftMs, this.msPerToken, this.spread, this.measured, this.quality, this.warm])
      column[to] = column[from]!
  }

  remove(row: number): void {
    this.#models[row] = null
  }

  /** The row of a listing; null when there is none. Linear in the model's listings. */
  find(provider: ProviderId, model: ModelId): number | null {
    const place = this.#index.providerRowOf(provider)
    if (place === null) return null
    const { providerRow } = this.#index.columns
    for (const kind of ['chat', 'completion', 'embedding'] as const) {
      for (const { start, end } of this.#index.match({ model, kind })) {
        const at = providerRow.subarray(start, end).indexOf(place)
        if (at >= 0) return start + at
      }
    }
    return null
  }

  /** What the provider of a row claims. */
  claim(row: number): { ttftMs: number; tokensPerSecond: number } {
    const { ttftMs, tokensPerSecond } = this.#index.columns
    return { ttftMs: ttftMs[row]!, tokensPerSecond: tokensPerSecond[row]! }
  }

  #write(row: number, provider: ProviderId, model: ModelId): void {
    const { parameterCount, venue } = this.#index.columns
    const speed = this.#predictor.predict(provider, model, this.claim(row), this.#clock.nowMs())
    this.ttftMs[row] = speed.ttftMs
    this.msPerToken[row] = speed.msPerToken
    this.spread[row] = speed.spread
    this.measured[row] = speed.measured
    // Only what the operator wrote down says more of quality than a model's name and size do.
    const stated = venue[row] === PEER ? null : (this.#index.listing(row).terms?.quality ?? null)
    this.quality[row] = this.#quality.of(model, parameterCount[row]!, stated)
  }
}
