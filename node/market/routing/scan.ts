import { type IndexedBucket, type ListingColumns, VENUES } from '../capability.ts'
import type { Lowest } from '../lowest.ts'
import type { Unfit } from './candidate.ts'
import { privacyOf, type Terms, whyUnfit } from './filters.ts'
import { promptFactor } from './latency-predictor.ts'
import type { ProviderFacts } from './provider-facts.ts'
import type { RowFacts } from './row-facts.ts'
import type { Scale } from './strategies.ts'
import { LEAST } from './strategies.ts'

const LOCAL = VENUES.indexOf('local')
/** Round trip that is worth one half of nearness. */
const NEAR_MS = 50

/** What rows are read from. */
export interface Facts {
  columns: ListingColumns
  rows: RowFacts
  providers: ProviderFacts
}

/** How near providers are, by the index's number of their regions. */
export interface Nearness {
  /** 1 for our own region; null where it is not known. */
  same: Uint8Array | null
  /** 1 for those of the same beginning. */
  similar: Uint8Array | null
}

/** What a scan finds. */
export interface Findings {
  best: Lowest
  /** By the time each draws: whoever draws the shortest is first with a chance in proportion to its weight. */
  newcomers: Lowest
  /** Sum of the weights of all newcomers. */
  newcomerWeight: number
  unfit: Record<Unfit, number>
}

/** Credits a row would cost; NaN where it takes no spot tasks and that is asked for. */
export function costOf(row: number, terms: Terms, columns: ListingColumns): number {
  const { isSpot, inputMillions, outputMillions } = terms
  return isSpot
    ? columns.spotInput[row]! * inputMillions + columns.spotOutput[row]! * outputMillions
    : columns.inputPerMillion[row]! * inputMillions + columns.outputPerMillion[row]! * outputMillions
}

/**
 * Until a slot is free, ms: with `n` tasks before ours and `slots` that each end one in the time a task like
 * ours takes, (n + 1) × time ÷ slots. Our own tasks its load does not show yet count as before us.
 */
export function waitOf(row: number, taskMs: number, { columns, providers }: Facts): number {
  const free = columns.freeSlots[row]! - providers.unseen[columns.providerRow[row]!]!
  return free > 0 ? 0 : ((columns.queued[row]! - free + 1) * taskMs) / Math.max(1, columns.slots[row]!)
}

/** How near a row is, 0 to 1: half by region, half by round trip. */
export function nearnessOf(row: number, nearness: Nearness, { columns, providers }: Facts): number {
  if (columns.venue[row]! === LOCAL) return 1
  const region = columns.region[row]!
  const byRegion = nearness.same?.[region] === 1 ? 1 : nearness.similar?.[region] === 1 ? 0.5 : 0
  const provider = columns.providerRow[row]!
  const byTime =
    providers.isRttKnown[provider] === 1 ? NEAR_MS / (NEAR_MS + providers.rttMs[provider]!) : 0.25
  return (byRegion + byTime) / 2
}

/**
 * Looks at all rows of the buckets: shows those that are fit to `best`, by the negative of their score (see
 * `scoreOf`), and counts the others by what ruled them out. It touches numbers only, about ten nanoseconds a row.
 * Each bucket is begun at a random row, so that among equals nobody is first by its place.
 */
export function scan(
  buckets: readonly IndexedBucket[],
  terms: Terms,
  scale: Scale,
  facts: Facts,
  nearness: Nearness,
  newcomers: NewcomerTerms,
  random: () => number,
  findings: Findings,
): void {
  for (const { start, end } of buckets) {
    const from = start + Math.floor(random() * (end - start))
    scanRows(from, end, terms, scale, facts, nearness, newcomers, random, findings)
    scanRows(start, from, terms, scale, facts, nearness, newcomers, random, findings)
  }
}

/** Who is tried out. */
export interface NewcomerTerms {
  maxCost: number
  /** Of a newcomer's utility, in the chance that it is tried. */
  utilityExponent: number
  /** Whether those that have as many of our tasks as they should have are left out. */
  isSlowStart: boolean
}

function scanRows(
  from: number,
  to: number,
  terms: Terms,
  scale: Scale,
  facts: Facts,
  nearness: Nearness,
  { maxCost: newcomerMaxCost, utilityExponent, isSlowStart }: NewcomerTerms,
  random: () => number,
  findings: Findings,
): void {
  const { best, newcomers, unfit } = findings
  const { columns, rows, providers } = facts
  const { providerRow, expiresAtMs, contextTokens, freeSlots, dataClass, slaMask, region, venue } = columns
  const input = terms.isSpot ? columns.spotInput : columns.inputPerMillion
  const output = terms.isSpot ? columns.spotOutput : columns.outputPerMillion
  const { ttftMs, msPerToken, quality, warm, ruledOut } = rows
  const { weight, rttMs, unseen, excluded, newcomer, score: reputation, ceiling, stake } = providers
  const { prospect, inFlight, atOnce } = providers
  const { nowMs, inputMillions, outputMillions, outputTokens, promptTokens, minContextTokens, maxCost } =
    terms
  const { dataClass: minDataClass, slaBit, minQuality, minReputation, minStake, maxTotalMs, regions } = terms
  const { weights } = scale
  const costScale = scale.cost + LEAST
  const timeScale = scale.timeMs + LEAST
  const coldFactor = promptFactor(promptTokens, 0)
  const warmFactor = coldFactor - promptFactor(promptTokens, 1)
  const byPlace = weights.privacy > 0 || weights.nearness > 0
  let bound = best.bound
  for (let row = from; row < to; row++) {
    if (expiresAtMs[row]! <= nowMs) continue
    const provider = providerRow[row]!
    if (excluded[provider] === 1 || ruledOut[row] === 1) continue
    if (isSlowStart && inFlight[provider]! >= atOnce[provider]!) continue
    const cost = input[row]! * inputMillions + output[row]! * outputMillions
    const ownMs = ttftMs[row]! * (coldFactor - warmFactor * warm[row]!) + outputTokens * msPerToken[row]!
    const wait = freeSlots[row]! - unseen[provider]! > 0 ? 0 : waitOf(row, ownMs, facts)
    const time = rttMs[provider]! + wait + ownMs
    const trust = weight[provider]!
    if (
      trust >= 0 &&
      cost <= maxCost &&
      time <= maxTotalMs &&
      contextTokens[row]! >= minContextTokens &&
      dataClass[row]! >= minDataClass &&
      ceiling[provider]! >= minDataClass &&
      (slaMask[row]! & slaBit) !== 0 &&
      quality[row]! >= minQuality &&
      reputation[provider]! >= minReputation &&
      !(stake[provider]! < minStake) &&
      (regions === null || regions[region[row]!] === 1)
    ) {
      let utility =
        (weights.cost * costScale) / (costScale + cost) +
        (weights.time * timeScale) / (timeScale + time) +
        weights.quality * quality[row]!
      if (byPlace) {
        const privacy = venue[row] === LOCAL ? 1 : privacyOf(dataClass[row]!, ceiling[provider]!)
        utility += weights.privacy * privacy
        if (weights.nearness > 0) utility += weights.nearness * nearnessOf(row, nearness, facts)
      }
      if (newcomer[provider] === 1) {
        if (cost > newcomerMaxCost) continue
        const chance = prospect[provider]! * utility ** utilityExponent
        findings.newcomerWeight += chance
        // The least of exponential draws is the i-th with the chance weight_i / sum of weights.
        newcomers.offer(-Math.log(1 - random()) / Math.max(chance, Number.MIN_VALUE), row)
        continue
      }
      const key = -trust * utility
      if (key < bound) {
        best.offer(key, row)
        bound = best.bound
      }
    } else unfit[whyUnfit(row, cost, terms, facts)]++
  }
}

/** Listings a middling one is found among at most. */
const SAMPLE = 63

/**
 * Cost in credits and time in ms of a middling listing: the medians over a sample of rows spread evenly over the
 * buckets. A median, for it stays put however extreme a minority of the listings is.
 */
export function middling(
  buckets: readonly IndexedBucket[],
  terms: Terms,
  facts: Facts,
): { cost: number; timeMs: number } {
  const { columns, rows, providers } = facts
  const all = buckets.reduce((sum, { start, end }) => sum + end - start, 0)
  const step = Math.max(1, all / SAMPLE)
  const costs: number[] = []
  const times: number[] = []
  const factor = promptFactor(terms.promptTokens, 0)
  let next = 0
  let before = 0
  for (const { start, end } of buckets) {
    for (; next < before + end - start; next += step) {
      const row = start + Math.floor(next) - before
      if (row >= end || columns.expiresAtMs[row]! <= terms.nowMs) continue
      const provider = columns.providerRow[row]!
      const cost = costOf(row, terms, columns)
      if (providers.weight[provider]! < 0 || Number.isNaN(cost)) continue
      const ownMs = rows.ttftMs[row]! * factor + terms.outputTokens * rows.msPerToken[row]!
      costs.push(cost)
      times.push(providers.rttMs[provider]! + waitOf(row, ownMs, facts) + ownMs)
    }
    before += end - start
  }
  return { cost: medianOf(costs), timeMs: medianOf(times) }
}

/** The lower middle; 0 of nothing. */
function medianOf(values: number[]): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[(sorted.length - 1) >> 1] ?? 0
}
