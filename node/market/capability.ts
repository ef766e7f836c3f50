import type { DataClass } from '../../protocol/data-class.ts'
import type { EntityKind } from '../../protocol/entity-kinds.ts'
import type { ModelId, NodeKey } from '../../protocol/ids.ts'
import type { Entity, Modality, TaskKind } from '../../protocol/messages/offer.ts'
import type { SlaClass } from '../../protocol/sla-class.ts'
import type { KnownOffer } from './offer-book.ts'
import type { Listing, ProviderId } from './routing/candidate.ts'

/** Where a listing is, as column `venue` counts it. */
export const VENUES = ['peer', 'local', 'cloud'] as const

/**
 * What is known of listings, one array a fact, all indexed by row. The arrays are replaced when there are more rows
 * than they hold: take them from the index anew for every scan.
 */
export interface ListingColumns {
  /** Credits per million tokens. */
  readonly inputPerMillion: Float64Array
  readonly outputPerMillion: Float64Array
  /** The same of spot tasks; NaN where none are taken. */
  readonly spotInput: Float64Array
  readonly spotOutput: Float64Array
  /** Claims of the provider. */
  readonly tokensPerSecond: Float64Array
  readonly ttftMs: Float64Array
  readonly freeSlots: Float64Array
  readonly queued: Float64Array
  readonly slots: Float64Array
  readonly contextTokens: Float64Array
  /** 0 where it is not known. */
  readonly parameterCount: Float64Array
  /** A row may outlive its offer by a little: compare with the clock. Infinity for our own. */
  readonly expiresAtMs: Float64Array
  /** Place in DATA_CLASSES. */
  readonly dataClass: Uint8Array
  /** Bit i for SLA_CLASSES[i]. */
  readonly slaMask: Uint8Array
  /** Bit i for MODALITIES[i]. */
  readonly modalityMask: Uint8Array
  /** Place in VENUES. */
  readonly venue: Uint8Array
  /** Number of the region; -1 where it is not stated. See `CapabilityIndex.regionMask`. */
  readonly region: Int32Array
  /** Dense number of the provider, the same for all its rows while it has any. */
  readonly providerRow: Int32Array
  /** Place among the provider's models. */
  readonly modelIndex: Uint16Array
}

/** Rows `start` up to, not including, `end`: all listings of one model file for the same kinds of task. */
export interface IndexedBucket {
  readonly model: ModelId
  readonly start: number
  readonly end: number
}

/** What keeps columns of its own beside the index's is told how rows come and go; nothing of it may throw. */
export interface RowObserver {
  /** There may be rows up to `capacity` now. */
  resized?(capacity: number): void
  /** A listing has come to this row; whatever was kept for the row is another's. */
  added?(row: number, provider: ProviderId, model: ModelId): void
  /** The facts of the listing in this row have changed. */
  changed?(row: number): void
  /** A listing keeps its facts and has another row; `from` is free. */
  moved?(from: number, to: number): void
  removed?(row: number): void
  providersResized?(capacity: number): void
  providerAdded?(providerRow: number, provider: ProviderId): void
  providerRemoved?(providerRow: number): void
}

/** Where the whole offer of a provider is had from when it is needed. */
export interface OfferSource {
  known(): KnownOffer
}

/** What is looked for; what is left out may be anything. */
export interface CapabilityQuery {
  /** Kind of task a model takes. */
  kind?: TaskKind
  /** A model's id, its name with or without quantisation, or its digest. */
  model?: string
  modality?: Modality
  venue?: (typeof VENUES)[number]
  /** A region's beginning: `eu` finds `eu-de`. */
  region?: string
  dataClass?: DataClass
  slaClass?: SlaClass
  /** Credits: for a million output tokens of a model, for one unit of an entity. */
  maxPrice?: number
  /** Kind of entity; with it, or with tags, entities are looked for and not models. */
  entity?: EntityKind
  /** All of them. */
  tags?: readonly string[]
}

/** An agent, service or resource somebody makes known. */
export interface EntityListing {
  provider: NodeKey
  offer: KnownOffer
  entity: Entity
}

/** What routing needs of the index. */
export interface ListingIndex {
  readonly columns: ListingColumns
  /** Rises with every change of a row. */
  readonly version: number
  /** Rows in use. */
  readonly size: number
  /** Rows there can be without `resized`; all row numbers are less. */
  readonly capacity: number
  /** The same of providers. */
  readonly providerCapacity: number
  /** Buckets of the models and kinds of task that are meant; `null` means any. Their rows hold until the index changes. */
  match(demand: { model: string | null; kind: TaskKind | null }): IndexedBucket[]
  /** The whole listing of a row in use; costs a decoding now and then, so only for the few that are chosen. */
  listing(row: number): Listing
  providerAt(providerRow: number): ProviderId
  /** Null when it has no rows. */
  providerRowOf(provider: ProviderId): number | null
  /** For each region's number 1 if its name begins with this as a whole (`eu` is in `eu-de`, not in `europe`), else 0. */
  regionMask(region: string): Uint8Array
  /** Tells of rows from now on; says first what is there. @returns ends it */
  observe(observer: RowObserver): () => void
}
