import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { SLA_CLASSES } from '../../../protocol/sla-class.ts'
import type { ListingColumns, ListingIndex } from '../capability.ts'
import type { Demand, Unfit } from './candidate.ts'
import { type ProviderFacts, SHARED } from './provider-facts.ts'
import type { RowFacts } from './row-facts.ts'

const BASE_UNITS = 1e18
const TOKENS_PER_PRICE = 1e6
/** A token has at least one byte mostly; only prompts that cannot fit by any count are left out. */
const MAX_TOKENS_BOUNDED_PER_TOKEN = 8

/** A demand in numbers, as columns are compared with it. */
export interface Terms {
  nowMs: number
  isSpot: boolean
  /** Tokens expected, in the unit of prices. */
  inputMillions: number
  outputMillions: number
  outputTokens: number
  promptTokens: number
  minContextTokens: number
  /** Credits. */
  maxCost: number
  /** Place in DATA_CLASSES. */
  dataClass: number
  slaBit: number
  minQuality: number
  minReputation: number
  /** Credits. */
  minStake: number
  maxTotalMs: number
  /** By the index's number of a region: 1 for those that will do; null for all. */
  regions: Uint8Array | null
}

/** @param outputTokens of a typical answer */
export function termsOf(demand: Demand, outputTokens: number, index: ListingIndex, nowMs: number): Terms {
  const { preferences, maxPrice, promptTokensExpected, promptTokensBound } = demand
  const { deadlineMs, region } = preferences
  return {
    nowMs,
    isSpot: preferences.mode === 'spot',
    inputMillions: promptTokensExpected / TOKENS_PER_PRICE,
    outputMillions: outputTokens / TOKENS_PER_PRICE,
    outputTokens,
    promptTokens: promptTokensExpected,
    minContextTokens: promptTokensBound / MAX_TOKENS_BOUNDED_PER_TOKEN,
    // A little more than the cap, for numbers are rounded: those that are chosen are looked at exactly.
    maxCost: maxPrice === null ? Number.POSITIVE_INFINITY : (Number(maxPrice) / BASE_UNITS) * (1 + 1e-9),
    dataClass: DATA_CLASSES.indexOf(preferences.dataClass),
    slaBit: 1 << SLA_CLASSES.indexOf(preferences.slaClass),
    minQuality: preferences.minQuality,
    minReputation: preferences.minReputation,
    minStake: Number(preferences.minStake) / BASE_UNITS,
    maxTotalMs: deadlineMs ?? Number.POSITIVE_INFINITY,
    regions: region === null ? null : index.regionMask(region),
  }
}

/**
 * Why a row is not fit, for a row that is known not to be; the first of the reasons there are. The same
 * comparisons as in `scan`, one by one.
 */
export function whyUnfit(
  row: number,
  cost: number,
  terms: Terms,
  facts: { columns: ListingColumns; rows: RowFacts; providers: ProviderFacts },
): Unfit {
  const { columns, rows, providers } = facts
  const provider = columns.providerRow[row]!
  if (providers.weight[provider]! < 0) return 'unwelcome'
  if (columns.contextTokens[row]! < terms.minContextTokens) return 'prompt_too_long'
  if (Number.isNaN(cost)) return 'no_spot'
  if (cost > terms.maxCost) return 'too_expensive'
  if (columns.dataClass[row]! < terms.dataClass || providers.ceiling[provider]! < terms.dataClass)
    return 'data_class'
  if ((columns.slaMask[row]! & terms.slaBit) === 0) return 'sla_class'
  if (terms.regions !== null && terms.regions[columns.region[row]!] !== 1) return 'region'
  if (providers.score[provider]! < terms.minReputation) return 'reputation'
  if (providers.stake[provider]! < terms.minStake) return 'stake'
  if (rows.quality[row]! < terms.minQuality) return 'quality'
  return 'deadline'
}

/** What a provider's data class is worth to who wants privacy, 0 to 1: what is not known of it counts as SHARED. */
export function privacyOf(declared: number, ceiling: number): number {
  return Math.min(declared, ceiling > MOST_GUARDED ? SHARED : ceiling) / MOST_GUARDED
}

const MOST_GUARDED = DATA_CLASSES.length - 1
