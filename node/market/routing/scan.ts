import type { IndexedBucket } from '../capability.ts'
import type { Lowest } from '../lowest.ts'
import { UNFIT } from './candidate.ts'
import type { Terms } from './filters.ts'
import { promptFactor } from './latency-predictor.ts'
import type { ListingFacts } from './listing-facts.ts'
import type { NewcomerDraw } from './newcomer-draw.ts'
import { MOST_GUARDED, NEAR_MS, type Nearness, SHARED_PRIVACY } from './place.ts'
import type { RowTable } from './row-table.ts'
import { LEAST, type Scale } from './strategies.ts'

/*
 * The order of a row's numbers in `RowTable`. All that a scan reads of a listing lies in one line of the processor's
 * cache. The constants are here because those of other modules are not folded into the code: it halves the time.
 */
/** Seconds after the table's beginning, rounded down. */
export const EXPIRES_S = 0
/** See `ProviderFacts.trust`. */
export const TRUST = 1
/** Credits per million tokens. */
export const INPUT = 2
export const OUTPUT = 3
export const SPOT_INPUT = 4
export const SPOT_OUTPUT = 5
/** See `Speed`. */
export const TTFT_MS = 6
export const MS_PER_TOKEN = 7
export const RTT_MS = 8
/** How many times as long as a task takes it waits for a slot; see `waitFactor`. */
export const WAIT = 9
/** Credits as the chain says; NaN where nobody needed to know yet. */
export const STAKE = 10
export const QUALITY = 11
/** Share of the prompt that is warm there, for the decision under way. */
export const WARM = 12
export const CONTEXT_TOKENS = 13
/** 0 to 100. */
export const REPUTATION = 14
/** Bits, see below; read through `flags`. */
export const FLAGS = 15
export const STRIDE = 16

/** The order of a zone's numbers in `ZoneMap`, and how many rows a zone has: a power of two. */
export const ZONE_INPUT = 0
export const ZONE_OUTPUT = 1
export const ZONE_SPOT_INPUT = 2
export const ZONE_SPOT_OUTPUT = 3
export const ZONE_TTFT_MS = 4
export const ZONE_MS_PER_TOKEN = 5
export const ZONE_RTT_MS = 6
export const ZONE_QUALITY = 7
export const ZONE_STRIDE = 8
export const ZONE_ROWS = 32

/** The most guarded class of data that may go there, as far as is known: the place in DATA_CLASSES. */
export const DATA_CLASS_MASK = 3
/** Bit n for SLA_CLASSES[n], from here on. */
export const SLA_SHIFT = 2
export const NEWCOMER = 1 << 5
/** Nothing at all may go there. */
export const CLOSED = 1 << 6
/** What may go there was looked up; else the class of data is a claim. */
export const PROVEN = 1 << 8
/** This node's own engine: nothing is nearer or more private. */
export const OURS = 1 << 9
/** Has as many of our tasks as it should have at once. */
export const AT_LIMIT = 1 << 10
/** Of newcomers: their place in STRANGER_KINDS, from here on. */
export const KIND_SHIFT = 11
const KIND_MASK = 3
/** Reach of a row that is looked at whatever the best are, and of one that is not looked at; see `RowTable.reach`. */
export const ALWAYS_IN_REACH = Number.POSITIVE_INFINITY
export const OUT_OF_REACH = Number.NEGATIVE_INFINITY
/** Has been tried, or looked at closely and found unfit: the decision under way leaves it out. */
export const LEFT_OUT = 1 << 7

/** What is looked for. */
export interface Search {
  terms: Terms
  scale: Scale
  nearness: Nearness
  /** Credits a newcomer may cost to be tried out. */
  newcomerMaxCost: number
  /** What a newcomer must be worth, were it honest and reliable, to be tried out: more than what we have of our own. */
  newcomerMinUtility: number
  /** So many are worth a choice. */
  enough: number
  /** Newcomers of each kind that are drawn once somebody proven is found; as many as are enough until others are that. */
  newcomerPlaces: number
  /** Whether it is those that are shown who are kept for want of others; see `scan`. */
  isForSpare: boolean
}

/** What a scan finds. */
export interface Findings {
  /** Of those that are proven. */
  best: Lowest
  /** The others by their kind, drawn by the odds that they are honest and what they would be worth. */
  newcomers: NewcomerDraw
  /** By place in UNFIT; of rows that cannot be among the best, fit or not, only while there is room. */
  unfit: Int32Array
}

/**
 * Looks at all rows of the buckets: shows those that are fit and proven to `best`, by the negative of their score (see
 * `scoreOf`), those that are not proven to `newcomers`, and counts the others by what ruled them out. Each bucket is
 * begun at a random row, so that among equals nobody is first by its place.
 *
 * Kept for want of others, and shown only when it is asked for them (`isForSpare`) and then alone, are proven ones with
 * as many of our tasks as they should have, and newcomers not worth trying out: too dear, no better than our own, or
 * with a task of ours already.
 * @returns how many were fit and not shown
 */
export function scan(
  buckets: readonly IndexedBucket[],
  search: Search,
  facts: ListingFacts,
  random: () => number,
  findings: Findings,
): number {
  let spare = 0
  for (const { start, end } of buckets) {
    const from = (start + random() * (end - start)) | 0
    spare += scanRows(from, end, search, facts, findings)
    spare += scanRows(start, from, search, facts, findings)
  }
  return spare
}

const IN_REACH = new Int32Array(ZONE_ROWS)

/** Reads numbers only, all of a row at once and of most rows a single one; objects are made for none. */
function scanRows(from: number, to: number, search: Search, facts: ListingFacts, findings: Findings): number {
  const { terms, scale, nearness, newcomerMaxCost, newcomerMinUtility, newcomerPlaces, enough, isForSpare } =
    search
  const { best, newcomers, unfit } = findings
  const { byKind } = newcomers
  const { numbers, flags, reach } = facts.table
  const zones = facts.table.zones.best
  const { region } = facts.index.columns
  const { inputMillions, outputMillions, outputTokens, promptTokens, minContextTokens, maxCost } = terms
  const { dataClass, slaBit, minQuality, minReputation, minStake, maxTotalMs, regions } = terms
  const { cost: costWeight, time: timeWeight, quality: qualityWeight } = scale.weights
  const nowS = facts.table.seconds(terms.nowMs)
  const input = terms.isSpot ? SPOT_INPUT : INPUT
  const output = terms.isSpot ? SPOT_OUTPUT : OUTPUT
  const costScale = scale.cost + LEAST
  const timeScale = scale.timeMs + LEAST
  const coldFactor = promptFactor(promptTokens, 0)
  const warmFactor = coldFactor - promptFactor(promptTokens, 1)
  const { privacy: privacyWeight, nearness: nearnessWeight } = scale.weights
  const { byRegion } = nearness
  // Most demands make none of these conditions.
  const isLenient =
    maxTotalMs === Number.POSITIVE_INFINITY && !(minQuality > 0 || minReputation > 0 || minStake > 0)
  const zoneInput = terms.isSpot ? ZONE_SPOT_INPUT : ZONE_INPUT
  const zoneOutput = terms.isSpot ? ZONE_SPOT_OUTPUT : ZONE_OUTPUT
  let bound = best.bound
  let elsewhere = 0
  let spare = 0
  for (let next = from | 0; next < to; ) {
    const zone = (next / ZONE_ROWS) | 0
    const on = zone * ZONE_STRIDE
    const rttMs = zones[on + ZONE_RTT_MS]!
    const most =
      ROUNDING_UP *
      ((costWeight * costScale) /
        (costScale + zones[on + zoneInput]! * inputMillions + zones[on + zoneOutput]! * outputMillions) +
        (timeWeight * timeScale) /
          (timeScale +
            rttMs +
            zones[on + ZONE_TTFT_MS]! * coldFactor +
            zones[on + ZONE_MS_PER_TOKEN]! * outputTokens) +
        qualityWeight * zones[on + ZONE_QUALITY]! +
        privacyWeight +
        (nearnessWeight * (1 + NEAR_MS / (NEAR_MS + rttMs))) / 2)
    const least = leastReach(bound, most)
    // Which rows are in reach is found without a branch: one that cannot be foreseen takes longer than the rest.
    const zoneEnd = Math.min(to, ((zone + 1) * ZONE_ROWS) | 0)
    let count = 0
    for (; next < zoneEnd; next = (next + 1) | 0) {
      IN_REACH[count] = next
      count = (count + Number(reach[next]! > least)) | 0
    }
    for (let place = 0; place < count; place = (place + 1) | 0) {
      const row = IN_REACH[place]!
      const at = (row * STRIDE) | 0
      const bits = flags[at + FLAGS]!
      const trust = numbers[at + TRUST]!
      if (numbers[at + EXPIRES_S]! <= nowS) continue
      if (regions !== null && regions[region[row]!] !== 1) {
        elsewhere++
        continue
      }
      const cost = numbers[at + input]! * inputMillions + numbers[at + output]! * outputMillions
      const ownMs =
        numbers[at + TTFT_MS]! * (coldFactor - warmFactor * numbers[at + WARM]!) +
        numbers[at + MS_PER_TOKEN]! * outputTokens
      const time = numbers[at + RTT_MS]! + ownMs * (1 + numbers[at + WAIT]!)
      const quality = numbers[at + QUALITY]!
      if (
        trust >= 0 &&
        cost <= maxCost &&
        numbers[at + CONTEXT_TOKENS]! >= minContextTokens &&
        (bits & (CLOSED | slaBit)) === slaBit &&
        (bits & DATA_CLASS_MASK) >= dataClass &&
        (isLenient ||
          (time <= maxTotalMs &&
            quality >= minQuality &&
            numbers[at + REPUTATION]! >= minReputation &&
            !(numbers[at + STAKE]! < minStake)))
      ) {
        const isNewcomer = (bits & NEWCOMER) !== 0
        let utility =
          (costWeight * costScale) / (costScale + cost) +
          (timeWeight * timeScale) / (timeScale + time) +
          qualityWeight * quality
        if (privacyWeight > 0) {
          const declared = (bits & DATA_CLASS_MASK) / MOST_GUARDED
          const proven = (bits & PROVEN) !== 0 ? declared : Math.min(SHARED_PRIVACY, declared)
          utility += privacyWeight * ((bits & OURS) !== 0 ? 1 : proven)
        }
        if (nearnessWeight > 0) {
          const byTime = NEAR_MS / (NEAR_MS + numbers[at + RTT_MS]!)
          utility += nearnessWeight * ((bits & OURS) !== 0 ? 1 : (byRegion[region[row]! + 1]! + byTime) / 2)
        }
        const isSpare =
          (bits & AT_LIMIT) !== 0 ||
          (isNewcomer && !(cost <= newcomerMaxCost && utility > newcomerMinUtility))
        if (isSpare !== isForSpare) spare++
        else if (isNewcomer)
          byKind[(bits >> KIND_SHIFT) & KIND_MASK]!.offer(
            row,
            trust * utility * utility * utility * utility + LEAST,
          )
        else {
          const key = -trust * utility
          if (key < bound) {
            best.offer(key, row)
            bound = best.bound
            if (best.size <= enough && !isForSpare)
              newcomers.narrow(best.size === enough ? newcomerPlaces : Math.max(newcomerPlaces, enough))
          }
        }
      } else unfit[whyUnfit(row, cost, terms, facts.table)]!++
    }
  }
  unfit[REGION]! += elsewhere
  return spare
}

/** Of a few operations in double precision. */
const ROUNDING_UP = 1 + 1e-9

/**
 * Who is trusted no more is not among the best whose worst has the key `bound`, where no utility is above `most`. Less
 * than ALWAYS_IN_REACH whatever these are.
 */
function leastReach(bound: number, most: number): number {
  return Math.min(Number.MAX_VALUE, -bound / most)
}

const UNWELCOME = UNFIT.indexOf('unwelcome')
const PROMPT_TOO_LONG = UNFIT.indexOf('prompt_too_long')
const NO_SPOT = UNFIT.indexOf('no_spot')
const TOO_EXPENSIVE = UNFIT.indexOf('too_expensive')
const DATA_CLASS = UNFIT.indexOf('data_class')
const SLA_CLASS = UNFIT.indexOf('sla_class')
const REGION = UNFIT.indexOf('region')
const LOW_REPUTATION = UNFIT.indexOf('reputation')
const LOW_STAKE = UNFIT.indexOf('stake')
const LOW_QUALITY = UNFIT.indexOf('quality')
const DEADLINE = UNFIT.indexOf('deadline')

/**
 * Why a row is not fit that is known not to be, in a region that will do: the first reason there is, as a place in UNFIT. The comparisons of
 * `scanRows`, one by one.
 */
function whyUnfit(row: number, cost: number, terms: Terms, { numbers, flags }: RowTable): number {
  const at = row * STRIDE
  const bits = flags[at + FLAGS]!
  if (numbers[at + TRUST]! < 0) return UNWELCOME
  if (numbers[at + CONTEXT_TOKENS]! < terms.minContextTokens) return PROMPT_TOO_LONG
  if (Number.isNaN(cost)) return NO_SPOT
  if (cost > terms.maxCost) return TOO_EXPENSIVE
  if ((bits & CLOSED) !== 0 || (bits & DATA_CLASS_MASK) < terms.dataClass) return DATA_CLASS
  if ((bits & terms.slaBit) === 0) return SLA_CLASS
  if (numbers[at + REPUTATION]! < terms.minReputation) return LOW_REPUTATION
  if (numbers[at + STAKE]! < terms.minStake) return LOW_STAKE
  return numbers[at + QUALITY]! < terms.minQuality ? LOW_QUALITY : DEADLINE
}

export function rowsOf(buckets: readonly IndexedBucket[]): number {
  let rows = 0
  for (const { start, end } of buckets) rows += end - start
  return rows
}
