import { DATA_CLASSES } from '../../protocol/data-class.ts'
import type { ModelId } from '../../protocol/ids.ts'
import { MODALITIES, type ModelOffer, TASK_KINDS, type TaskKind } from '../../protocol/messages/offer.ts'
import { SLA_CLASSES } from '../../protocol/sla-class.ts'
import type { Clock } from '../clock.ts'
import {
  type CapabilityQuery,
  type EntityListing,
  type IndexedBucket,
  type ListingColumns,
  type ListingIndex,
  type OfferSource,
  type RowObserver,
  VENUES,
} from './capability.ts'
import { type EntityEntry, EntityIndex } from './entity-index.ts'
import { copyRow, grownColumns, makeColumns, maskOf, type RowTerms, writeRow } from './listing-table.ts'
import { Lowest } from './lowest.ts'
import { type Bucket, ModelBuckets } from './model-buckets.ts'
import type { KnownOffer } from './offer-book.ts'
import { Regions } from './regions.ts'
import type { Listing, ProviderId, VenueTerms } from './routing/candidate.ts'

/** What an offer or an operator says of the place, not of the model. */
type PlaceTerms = Pick<VenueTerms, 'dataClass' | 'slaClasses' | 'region'>

/** A provider with listings or entities. */
interface Provider {
  readonly id: ProviderId
  readonly row: number
  /** Null for our own, whose listings are at hand. */
  source: OfferSource | null
  /** Of the signed offer. */
  bytes: Uint8Array | null
  own: readonly Listing[]
  /** By the place among the provider's models: where the listing is. */
  rows: { bucket: Bucket; row: number }[]
  entities: readonly EntityEntry<Provider>[]
  region: number
  expiresAtMs: number
  dataClass: number
  slaMask: number
}

const FIRST_CAPACITY = 1_024
const NONE: readonly never[] = []
/** What we know of our own listings where nothing more is said: at home anything may be seen, elsewhere what all may see. */
const LOCAL_TERMS: PlaceTerms = { dataClass: 'PRIVATE', slaClasses: ['B'], region: null }
const CLOUD_TERMS: PlaceTerms = { dataClass: 'PUBLIC', slaClasses: ['B'], region: null }

/**
 * Who can do what: every listing and entity known, with what is chosen by in columns of numbers, so that a hundred
 * thousand are looked through in about a millisecond and without making objects. Whole offers stay where they are.
 */
export class CapabilityIndex implements ListingIndex {
  readonly #clock: Clock
  readonly #buckets: ModelBuckets
  readonly #providers = new Map<ProviderId, Provider>()
  readonly #byRow: (Provider | null)[] = []
  readonly #freeProviderRows: number[] = []
  readonly #regions = new Regions()
  readonly #entities = new EntityIndex<Provider>()
  readonly #observers = new Set<RowObserver>()
  #own: ReadonlySet<ProviderId> = new Set()
  #columns = makeColumns(FIRST_CAPACITY)
  #size = 0
  #version = 0
  #providerCapacity = FIRST_CAPACITY

  constructor(modules: { clock: Clock }) {
    this.#clock = modules.clock
    this.#buckets = new ModelBuckets({
      capacity: FIRST_CAPACITY,
      onMoved: (from, to) => this.#moved(from, to),
    })
  }

  get columns(): ListingColumns {
    return this.#columns
  }

  get version(): number {
    return this.#version
  }

  get size(): number {
    return this.#size
  }

  get capacity(): number {
    return this.#columns.venue.length
  }

  get providerCapacity(): number {
    return this.#providerCapacity
  }

  /** Agents, services and resources known. */
  get entityCount(): number {
    return this.#entities.size
  }

  /** Ids of all models known, each once. */
  models(): ModelId[] {
    return this.#buckets.models()
  }

  /** Takes a provider's offer of now in place of what was known of it. */
  set(known: KnownOffer, source: OfferSource = { known: () => known }): void {
    const { provider: id, offer } = known
    const provider = this.#provider(id)
    provider.source = source
    provider.expiresAtMs = offer.expiresAtMs
    this.#place(provider, offer.models, offer, 'peer')
    // An update leaves the entities as they are.
    if (provider.bytes !== known.bytes) {
      this.#entities.remove(provider.entities)
      provider.entities = offer.entities.length === 0 ? NONE : this.#entities.add(provider, offer.entities)
      provider.bytes = known.bytes
    }
    this.#version++
  }

  /** Forgets a provider. */
  remove(id: ProviderId): void {
    const provider = this.#providers.get(id)
    if (provider === undefined) return
    this.#truncate(provider, 0)
    this.#entities.remove(provider.entities)
    this.#regions.release(provider.region)
    this.#tell('providerRemoved', provider.row)
    this.#providers.delete(id)
    this.#byRow[provider.row] = null
    this.#freeProviderRows.push(provider.row)
    this.#version++
  }

  /** Takes all that this node's own engine and its cloud services can do, in place of what was said before. */
  setLocal(listings: readonly Listing[]): void {
    const byProvider = Map.groupBy(listings, ({ provider }) => provider)
    for (const id of this.#own) if (!byProvider.has(id)) this.remove(id)
    for (const [id, own] of byProvider) {
      const provider = this.#provider(id)
      const [{ venue, terms = venue === 'cloud' ? CLOUD_TERMS : LOCAL_TERMS }] = own as [(typeof own)[0]]
      provider.own = own
      provider.expiresAtMs = Number.POSITIVE_INFINITY
      this.#place(
        provider,
        own.map(({ model }) => model),
        terms,
        venue,
      )
    }
    this.#own = new Set(byProvider.keys())
    this.#version++
  }

  match(demand: { model: string | null; kind: TaskKind | null }): IndexedBucket[] {
    return this.#buckets.match(demand.model, demand.kind) as Bucket[]
  }

  listing(row: number): Listing {
    const provider = this.#byRow[this.#columns.providerRow[row]!]!
    const place = this.#columns.modelIndex[row]!
    if (provider.source === null) return provider.own[place]!
    const offer = provider.source.known()
    return { provider: provider.id, venue: 'peer', offer, model: offer.offer.models[place]! }
  }

  providerAt(providerRow: number): ProviderId {
    return this.#byRow[providerRow]!.id
  }

  providerRowOf(provider: ProviderId): number | null {
    return this.#providers.get(provider)?.row ?? null
  }

  regionMask(region: string): Uint8Array {
    return this.#regions.mask(region)
  }

  observe(observer: RowObserver): () => void {
    this.#observers.add(observer)
    observer.resized?.(this.capacity)
    observer.providersResized?.(this.#providerCapacity)
    for (const { id, row } of this.#providers.values()) observer.providerAdded?.(row, id)
    for (const { id, rows } of this.#providers.values())
      for (const { row, bucket } of rows) observer.added?.(row, id, bucket.model)
    return () => void this.#observers.delete(observer)
  }

  /** Models that are offered as asked for, the cheapest first. */
  lookup(query: Omit<CapabilityQuery, 'entity' | 'tags'>, limit: number): Listing[] {
    const { columns } = this
    const { expiresAtMs, outputPerMillion, inputPerMillion, dataClass, slaMask, modalityMask, region } =
      columns
    const venues = columns.venue
    const nowMs = this.#clock.nowMs()
    const needs = this.#needs(query)
    const modality = query.modality === undefined ? 0 : 1 << MODALITIES.indexOf(query.modality)
    const venue = query.venue === undefined ? -1 : VENUES.indexOf(query.venue)
    const cheapest = new Lowest(limit)
    for (const { start, end } of this.#buckets.match(query.model ?? null, query.kind ?? null)) {
      for (let row = start; row < end; row++) {
        const price = outputPerMillion[row]!
        if (price > needs.maxPrice) continue
        // Where two ask the same for output, the one cheaper for input is first.
        const key = price + inputPerMillion[row]! * 1e-6
        if (key >= cheapest.bound || expiresAtMs[row]! <= nowMs) continue
        if (dataClass[row]! < needs.dataClass || (slaMask[row]! & needs.sla) !== needs.sla) continue
        if ((modalityMask[row]! & modality) !== modality || (venue >= 0 && venues[row] !== venue)) continue
        if (needs.regions !== null && needs.regions[region[row]!] !== 1) continue
        cheapest.offer(key, row)
      }
    }
    return cheapest.items().map(row => this.listing(row))
  }

  /** Agents, services and resources as asked for, the cheapest first. */
  lookupEntities(
    query: Omit<CapabilityQuery, 'kind' | 'model' | 'modality' | 'venue'>,
    limit: number,
  ): EntityListing[] {
    const nowMs = this.#clock.nowMs()
    const needs = this.#needs(query)
    const cheapest = new Lowest(limit)
    const found: EntityEntry<Provider>[] = []
    for (const entry of this.#entities.find(query.tags ?? [])) {
      if (query.entity !== undefined && entry.kind !== query.entity) continue
      const { price, owner } = entry
      if (price > needs.maxPrice || price >= cheapest.bound || owner.expiresAtMs <= nowMs) continue
      if (owner.dataClass < needs.dataClass || (owner.slaMask & needs.sla) !== needs.sla) continue
      if (needs.regions !== null && needs.regions[owner.region] !== 1) continue
      cheapest.offer(price, found.push(entry) - 1)
    }
    return cheapest.items().map(place => {
      const { owner, index } = found[place]!
      const offer = owner.source!.known()
      return { provider: offer.provider, offer, entity: offer.offer.entities[index]! }
    })
  }

  #needs({ dataClass, slaClass, region, maxPrice = Number.POSITIVE_INFINITY }: CapabilityQuery) {
    return {
      dataClass: dataClass === undefined ? 0 : DATA_CLASSES.indexOf(dataClass),
      sla: slaClass === undefined ? 0 : 1 << SLA_CLASSES.indexOf(slaClass),
      regions: region === undefined ? null : this.#regions.mask(region),
      maxPrice,
    }
  }

  #provider(id: ProviderId): Provider {
    const known = this.#providers.get(id)
    if (known !== undefined) return known
    const row = this.#freeProviderRows.pop() ?? this.#byRow.length
    const provider: Provider = {
      id,
      row,
      source: null,
      bytes: null,
      own: NONE,
      rows: [],
      entities: NONE,
      region: -1,
      expiresAtMs: 0,
      dataClass: 0,
      slaMask: 0,
    }
    this.#byRow[row] = provider
    this.#providers.set(id, provider)
    if (row >= this.#providerCapacity) {
      this.#providerCapacity *= 2
      this.#tell('providersResized', this.#providerCapacity)
    }
    this.#tell('providerAdded', row, id)
    return provider
  }

  /** Gives each model of a provider its row. */
  #place(
    provider: Provider,
    models: readonly ModelOffer[],
    { dataClass, slaClasses, region }: PlaceTerms,
    venue: Listing['venue'],
  ): void {
    const regionBefore = provider.region
    provider.region = this.#regions.use(region)
    this.#regions.release(regionBefore)
    provider.dataClass = DATA_CLASSES.indexOf(dataClass)
    provider.slaMask = maskOf(slaClasses, SLA_CLASSES)
    this.#truncate(provider, models.length)
    const terms: RowTerms = {
      venue: VENUES.indexOf(venue),
      providerRow: provider.row,
      modelIndex: 0,
      region: provider.region,
      expiresAtMs: provider.expiresAtMs,
      dataClass,
      slaClasses,
    }
    for (const [place, model] of models.entries()) {
      terms.modelIndex = place
      const kinds = maskOf(model.kinds, TASK_KINDS)
      const at = provider.rows[place]
      if (at !== undefined && at.bucket.model === model.model && at.bucket.kinds === kinds) {
        writeRow(this.#columns, at.row, model, terms)
        this.#tell('changed', at.row)
        continue
      }
      if (at !== undefined) this.#free(at)
      const bucket = this.#buckets.bucket(model.model, kinds)
      const row = this.#buckets.add(bucket)
      this.#fit()
      this.#size++
      provider.rows[place] = { bucket, row }
      writeRow(this.#columns, row, model, terms)
      this.#tell('added', row, provider.id, model.model)
    }
  }

  /** Frees the rows of all models of a provider but the first. */
  #truncate(provider: Provider, count: number): void {
    while (provider.rows.length > count) this.#free(provider.rows.pop()!)
  }

  #free({ bucket, row }: { bucket: Bucket; row: number }): void {
    this.#tell('removed', row)
    this.#size--
    this.#buckets.remove(bucket, row)
  }

  #moved(from: number, to: number): void {
    this.#fit()
    const columns = this.#columns
    copyRow(columns, from, to)
    this.#byRow[columns.providerRow[to]!]!.rows[columns.modelIndex[to]!]!.row = to
    this.#tell('moved', from, to)
  }

  /** Makes the columns as long as rows are numbered. */
  #fit(): void {
    const { capacity } = this.#buckets
    if (capacity <= this.capacity) return
    this.#columns = grownColumns(this.#columns, capacity)
    this.#tell('resized', capacity)
  }

  #tell<K extends keyof RowObserver>(what: K, ...told: Parameters<NonNullable<RowObserver[K]>>): void {
    for (const observer of this.#observers)
      (observer[what] as ((...told: unknown[]) => void) | undefined)?.(...told)
  }
}
