import type { ModelId } from '../../../protocol/ids.ts'
import { STRANGER_KINDS, type StrangerKind } from '../../trust/evidence.ts'
import { type ListingIndex, VENUES } from '../capability.ts'
import type { ProviderId } from './candidate.ts'
import type { LatencyPredictor, SpeedClaim } from './latency-predictor.ts'
import type { ReputationView } from './modules.ts'
import { ProviderFacts } from './provider-facts.ts'
import type { QualityModel } from './quality.ts'
import { RowChains } from './row-chains.ts'
import { RowTable } from './row-table.ts'
import type { Tuning } from './strategies.ts'

const PEER = VENUES.indexOf('peer')

/** What the router knows of every listing, kept as the index changes: ready to be scanned. */
export class ListingFacts {
  readonly table: RowTable
  readonly providers: ProviderFacts
  /** Of each row; see `Speed`. */
  spread = new Float32Array()
  measured = new Float32Array()
  /** Rows of this node's own engine and of services. */
  readonly own = new Set<number>()
  readonly index: ListingIndex
  readonly #predictor: LatencyPredictor
  readonly #quality: QualityModel
  readonly #clock: { nowMs(): number }
  readonly #chains = new RowChains()
  readonly #models: (ModelId | null)[] = []
  /** Ends the watching of the index. */
  readonly stop: () => void

  constructor(
    options: { tuning: Tuning },
    modules: {
      index: ListingIndex
      predictor: LatencyPredictor
      quality: QualityModel
      reputation: ReputationView
      clock: { nowMs(): number }
    },
  ) {
    const { index, predictor, quality, reputation, clock } = modules
    this.index = index
    this.#predictor = predictor
    this.#quality = quality
    this.#clock = clock
    const table = new RowTable({ beginMs: clock.nowMs() })
    const chains = this.#chains
    const models = this.#models
    const providers = new ProviderFacts(options, { reputation, onChanged: row => this.#writeProvider(row) })
    this.table = table
    this.providers = providers
    const placeOf = (row: number) => index.columns.providerRow[row]!
    this.stop = index.observe({
      resized: capacity => {
        table.resize(capacity)
        chains.resizeRows(capacity)
        this.spread = grown(this.spread, capacity)
        this.measured = grown(this.measured, capacity)
      },
      providersResized: capacity => {
        providers.resize(capacity)
        chains.resizeProviders(capacity)
      },
      providerAdded: (row, id) => {
        chains.clear(row)
        providers.add(row, id)
      },
      providerRemoved: row => providers.remove(row),
      added: (row, _, model) => {
        models[row] = model
        if (index.columns.venue[row] !== PEER) this.own.add(row)
        chains.add(placeOf(row), row)
        this.renew(row)
      },
      moved: (from, to) => {
        models[to] = models[from]!
        models[from] = null
        if (this.own.delete(from)) this.own.add(to)
        chains.move(placeOf(to), from, to)
        table.move(from, to)
        this.spread[to] = this.spread[from]!
        this.measured[to] = this.measured[from]!
      },
      removed: row => {
        models[row] = null
        this.own.delete(row)
        chains.remove(placeOf(row), row)
        table.clear(row)
      },
      changed: row => {
        // It told of its load of now, and so of our tasks.
        providers.unseen[placeOf(row)] = 0
        this.renew(row)
      },
    })
  }

  /** Works a row out anew. */
  renew(row: number): void {
    const model = this.#models[row]
    if (model === undefined || model === null) return
    const { columns } = this.index
    const provider = this.index.providerAt(columns.providerRow[row]!)
    const speed = this.#predictor.predict(provider, model, this.claim(row), this.#clock.nowMs())
    this.spread[row] = speed.spread
    this.measured[row] = speed.measured
    // Only what the operator wrote down says more of quality than a model's name and size do.
    const stated = columns.venue[row] === PEER ? null : (this.index.listing(row).terms?.quality ?? null)
    const quality = this.#quality.of(model, columns.parameterCount[row]!, stated)
    this.table.write(row, columns, this.providers, { ...speed, quality })
  }

  /** What the provider of a row claims. */
  claim(row: number): SpeedClaim {
    const { ttftMs, tokensPerSecond } = this.index.columns
    return { ttftMs: ttftMs[row]!, tokensPerSecond: tokensPerSecond[row]! }
  }

  /** What a row's provider is as a newcomer; null for one that is proven. */
  kindOf(row: number): StrangerKind | null {
    return STRANGER_KINDS[this.providers.newcomer[this.index.columns.providerRow[row]!]! - 1] ?? null
  }

  /** The row of a listing; null when there is none. */
  find(provider: ProviderId, model: ModelId): number | null {
    const place = this.index.providerRowOf(provider)
    let found: number | null = null
    if (place !== null)
      this.#chains.each(place, row => {
        if (this.#models[row] === model) found = row
      })
    return found
  }

  /** Leaves all rows of a provider out of the decision under way, or takes them in again. */
  leaveOutProvider(provider: number, isOut: boolean): void {
    this.#chains.each(provider, row => this.table.leaveOut(row, isOut))
  }

  #writeProvider(provider: number): void {
    this.#chains.each(provider, row => this.table.writeProvider(row, this.index.columns, this.providers))
  }
}

function grown(column: Float32Array, capacity: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(capacity)
  larger.set(column)
  return larger
}
