import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { VENUES } from '../capability.ts'
import type { ListingFacts } from './listing-facts.ts'
import { SHARED, UNKNOWN_CEILING } from './provider-facts.ts'
import type { Weights } from './strategies.ts'

const LOCAL = VENUES.indexOf('local')
const MOST_GUARDED = DATA_CLASSES.length - 1
/** Round trip that is worth one half of nearness. */
const NEAR_MS = 50
/** Nearness by time of those nobody has measured. */
const UNKNOWN_NEARNESS = 0.25

/** How near regions are, by the index's number of them; null where ours is not known. */
export interface Nearness {
  /** 1 for our own. */
  same: Uint8Array | null
  /** 1 for those with the same beginning. */
  similar: Uint8Array | null
}

/** What the class of data a row may see is worth to who wants privacy, 0 to 1: unproven, none counts above SHARED. */
export function privacyOf(row: number, { index, providers }: ListingFacts): number {
  const { columns } = index
  if (columns.venue[row] === LOCAL) return 1
  const ceiling = providers.ceiling[columns.providerRow[row]!]!
  const proven = Math.max(0, ceiling === UNKNOWN_CEILING ? SHARED : ceiling)
  return Math.min(columns.dataClass[row]!, proven) / MOST_GUARDED
}

/** How near a row is, 0 to 1: half by region, half by round trip. */
export function nearnessOf(row: number, nearness: Nearness, facts: ListingFacts): number {
  const { providers, index } = facts
  const { columns } = index
  if (columns.venue[row]! === LOCAL) return 1
  const region = columns.region[row]!
  const byRegion = nearness.same?.[region] === 1 ? 1 : nearness.similar?.[region] === 1 ? 0.5 : 0
  const provider = columns.providerRow[row]!
  const isKnown = providers.isRttKnown[provider] === 1
  const byTime = isKnown ? NEAR_MS / (NEAR_MS + providers.rttMs[provider]!) : UNKNOWN_NEARNESS
  return (byRegion + byTime) / 2
}

/** What strategies that care for the place make of it. */
export function placeUtility(row: number, weights: Weights, nearness: Nearness, facts: ListingFacts): number {
  const byNearness = weights.nearness > 0 ? weights.nearness * nearnessOf(row, nearness, facts) : 0
  return weights.privacy * privacyOf(row, facts) + byNearness
}
