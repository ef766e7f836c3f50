import { DATA_CLASSES } from '../../../protocol/data-class.ts'
import { SLA_CLASSES } from '../../../protocol/sla-class.ts'
import type { ListingIndex } from '../capability.ts'
import type { Demand } from './candidate.ts'
import { SLA_SHIFT } from './scan.ts'

const BASE_UNITS = 1e18
const TOKENS_PER_PRICE = 1e6
/** A token has at least one byte mostly; only prompts that cannot fit by any count are left out. */
const BYTES_PER_TOKEN_AT_MOST = 8
/** Rows are in single precision: what is this close to a limit is looked at exactly. */
const ROUNDING = 1e-6

/** A demand in numbers, as rows are compared with it. */
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
  /** As in a row's flags. */
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
  const { contextTokensBound = promptTokensBound } = demand
  const { deadlineMs, region, dataClass, slaClass, minQuality, minReputation, minStake, mode } = preferences
  return {
    nowMs,
    isSpot: mode === 'spot',
    inputMillions: promptTokensExpected / TOKENS_PER_PRICE,
    outputMillions: outputTokens / TOKENS_PER_PRICE,
    outputTokens,
    promptTokens: promptTokensExpected,
    minContextTokens: (contextTokensBound / BYTES_PER_TOKEN_AT_MOST) * (1 - ROUNDING),
    maxCost: maxPrice === null ? Number.POSITIVE_INFINITY : (Number(maxPrice) / BASE_UNITS) * (1 + ROUNDING),
    dataClass: DATA_CLASSES.indexOf(dataClass),
    slaBit: 1 << (SLA_SHIFT + SLA_CLASSES.indexOf(slaClass)),
    minQuality: minQuality * (1 - ROUNDING),
    minReputation,
    minStake: (Number(minStake) / BASE_UNITS) * (1 - ROUNDING),
    maxTotalMs: deadlineMs ?? Number.POSITIVE_INFINITY,
    regions: region === null ? null : index.regionMask(region),
  }
}
