import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { type ListingIndex, VENUES } from '../capability.ts'
import type { ListingFacts } from './listing-facts.ts'
import { UNKNOWN_CEILING } from './provider-facts.ts'

const LOCAL = VENUES.indexOf('local')
export const MOST_GUARDED = DATA_CLASSES.length - 1
/** Unproven, no class of data is worth more than this. */
export const SHARED_PRIVACY = DATA_CLASSES.indexOf('SHARED') / MOST_GUARDED
/** Round trip that is worth one half of nearness. */
export const NEAR_MS = 50
/** In another part of the same region's beginning. */
const SIMILAR = 0.5

/** How near regions are. */
export interface Nearness {
  /** By the index's number of a region and one more, 0 to 1: the first is for those that state none. */
  byRegion: Float64Array
}

const MAX_TABLES = 16

/** Works out how near regions are to one, and again only when regions have come or gone. */
export class NearnessTables {
  readonly #index: ListingIndex
  readonly #tables = new Map<string, Nearness & { same: Uint8Array; similar: Uint8Array }>()

  constructor(modules: { index: ListingIndex }) {
    this.#index = modules.index
  }

  /** @param region as `eu-de`: it is near itself and half as near all of `eu`; null is near none */
  to(region: string | null): Nearness {
    const name = region ?? ''
    // The index makes new masks when regions come or go.
    const same = this.#index.regionMask(name)
    const similar = this.#index.regionMask(name.split('-')[0]!)
    const known = this.#tables.get(name)
    if (known !== undefined && known.same === same && known.similar === similar) return known
    const byRegion = new Float64Array(same.length + 1)
    for (let number = 0; number < same.length; number++)
      byRegion[number + 1] = same[number] === 1 ? 1 : similar[number] === 1 ? SIMILAR : 0
    const table = { byRegion, same, similar }
    if (this.#tables.size >= MAX_TABLES) this.#tables.clear()
    this.#tables.set(name, table)
    return table
  }
}

/** How near a row is, 0 to 1: half by region, half by round trip. */
export function nearnessOf(row: number, { byRegion }: Nearness, { providers, index }: ListingFacts): number {
  const { columns } = index
  if (columns.venue[row]! === LOCAL) return 1
  const rttMs = providers.rttMs[columns.providerRow[row]!]!
  return (byRegion[columns.region[row]! + 1]! + NEAR_MS / (NEAR_MS + rttMs)) / 2
}

/** What the class of data a row may see is worth to who wants privacy, 0 to 1. */
export function privacyOf(row: number, { index, providers }: ListingFacts): number {
  const { columns } = index
  if (columns.venue[row]! === LOCAL) return 1
  const declared = columns.dataClass[row]! / MOST_GUARDED
  const ceiling = providers.ceiling[columns.providerRow[row]!]!
  if (ceiling === UNKNOWN_CEILING) return Math.min(declared, SHARED_PRIVACY)
  return Math.min(declared, Math.max(0, ceiling) / MOST_GUARDED)
}
