import type { TaskKind } from '../../../protocol/messages/offer.ts'
import type { Listing, ProviderId } from './candidate.ts'

/**
 * One model's listings as columns, so that a choice among many reads numbers and touches no object. Rows
 * 0 … `rows - 1` are in use, in no order; a row may come to mean another listing between two calls. The columns
 * may be longer than `rows`, and are read anew from the bucket for every choice, for they are replaced when
 * they grow.
 */
export interface IndexedBucket {
  readonly rows: number
  listing(row: number): Listing
  /** Credits per million tokens. */
  readonly inputPerMillion: Float64Array
  readonly outputPerMillion: Float64Array
  /** NaN where nothing is left to spot tasks. */
  readonly spotInput: Float64Array
  readonly spotOutput: Float64Array
  /** The provider's claims. */
  readonly tokensPerSecond: Float64Array
  readonly ttftMs: Float64Array
  readonly freeSlots: Float64Array
  readonly queued: Float64Array
  readonly contextTokens: Float64Array
  readonly parameterCount: Float64Array
  readonly expiresAtMs: Float64Array
  /** Place in DATA_CLASSES. */
  readonly dataClass: Float64Array
  /** Bit n for SLA_CLASSES[n]. */
  readonly slaMask: Float64Array
  /** A small number for each provider, the same in all buckets. */
  readonly providerRow: Float64Array
  /**
   * A number no other row of any bucket ever had before, anew whenever what the row says changes or the row
   * comes to mean another listing: what was worked out from a row is good while it is the same.
   */
  readonly rowVersion: Float64Array
}

/** Listings as the router reads them; see `CapabilityIndex`. */
export interface ListingIndex {
  /** Rises with every change. */
  readonly version: number
  /** Listings of all models, and so the rows of all buckets. */
  readonly size: number
  /**
   * Buckets with the model asked for; null takes all. Rows whose model takes no such `kind` are in none of
   * them.
   */
  match(demand: { model: string | null; kind: TaskKind }): readonly IndexedBucket[]
  /** Provider rows in use are below it. */
  readonly providerRows: number
  /** Whose row it is; null while it is nobody's. A row may pass to another provider. */
  providerAt(providerRow: number): ProviderId | null
  /** The row of a provider; null for one without listings. */
  providerRowOf(provider: ProviderId): number | null
}
