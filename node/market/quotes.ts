import { TASK_KINDS } from '../../protocol/messages/offer.ts'
import { type IndexedBucket, type ListingIndex, VENUES } from './capability.ts'
import { marketNameOf } from './model-names.ts'

/** What peers ask for a model now; one entry an offer, ascending, credits per million tokens. */
export interface Quotes {
  input: Float64Array
  output: Float64Array
  blended: Float64Array
  /** Claims. */
  tokensPerSecond: Float64Array
  /** Sums over the offers. */
  slots: number
  freeSlots: number
  queued: number
  /** Offers that take spot tasks. */
  spot: number
}

const INPUT_SHARE = 0.75
const PEER = VENUES.indexOf('peer')

/**
 * One price for both sides, by which providers are compared: three prompt tokens to one of the answer, the
 * mix the field compares by (Artificial Analysis, methodology, blended price 3:1).
 */
export function blendedPrice(input: number, output: number): number {
  return INPUT_SHARE * input + (1 - INPUT_SHARE) * output
}

/** Prices of a model by its market name, over all kinds of task. */
export function quotesOf(index: ListingIndex, name: string, nowMs: number): Quotes {
  const { columns } = index
  const { inputPerMillion, outputPerMillion, spotOutput, expiresAtMs, venue } = columns
  const rows: number[] = []
  for (const { start, end } of bucketsOf(index, name))
    for (let row = start; row < end; row++)
      if (venue[row] === PEER && expiresAtMs[row]! > nowMs) rows.push(row)
  const sorted = (of: (row: number) => number) => Float64Array.from(rows, of).sort()
  const sum = (column: Float64Array) => rows.reduce((total, row) => total + column[row]!, 0)
  return {
    input: sorted(row => inputPerMillion[row]!),
    output: sorted(row => outputPerMillion[row]!),
    blended: sorted(row => blendedPrice(inputPerMillion[row]!, outputPerMillion[row]!)),
    tokensPerSecond: sorted(row => columns.tokensPerSecond[row]!),
    slots: sum(columns.slots),
    freeSlots: sum(columns.freeSlots),
    queued: sum(columns.queued),
    spot: rows.reduce((count, row) => count + (Number.isNaN(spotOutput[row]!) ? 0 : 1), 0),
  }
}

/** Names of the models on the market with how many listings each has, those with most first. */
export function marketNames(index: ListingIndex): { name: string; listings: number }[] {
  const listings = new Map<string, number>()
  for (const { model, start, end } of bucketsOf(index, null)) {
    const name = marketNameOf(model)
    listings.set(name, (listings.get(name) ?? 0) + end - start)
  }
  return [...listings]
    .map(([name, count]) => ({ name, listings: count }))
    .sort((a, b) => b.listings - a.listings || (a.name < b.name ? -1 : 1))
}

/** A value of sorted numbers: 0 gives the least, 0.5 the median, 1 the greatest; null of none. */
export function quantile(sorted: Float64Array, share: number): number | null {
  if (sorted.length === 0) return null
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)]!
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at))
}

/** Each bucket once: a model takes several kinds of task. */
function bucketsOf(index: ListingIndex, model: string | null): Iterable<IndexedBucket> {
  const buckets = new Map<number, IndexedBucket>()
  for (const kind of TASK_KINDS) {
    for (const bucket of index.match({ model, kind })) buckets.set(bucket.start, bucket)
  }
  return buckets.values()
}
