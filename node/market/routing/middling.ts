import type { IndexedBucket } from '../capability.ts'
import type { Terms } from './filters.ts'
import { promptFactor } from './latency-predictor.ts'
import type { ListingFacts } from './listing-facts.ts'
import {
  CLOSED,
  EXPIRES_S,
  FLAGS,
  INPUT,
  MS_PER_TOKEN,
  OURS,
  OUTPUT,
  RTT_MS,
  rowsOf,
  SPOT_INPUT,
  SPOT_OUTPUT,
  STRIDE,
  TRUST,
  TTFT_MS,
  WAIT,
} from './scan.ts'

/** Listings a middling one is found among at most. */
const SAMPLE = 64

/**
 * What a middling listing would cost and take: the medians over a sample of rows spread evenly over the buckets. A
 * median, for it stays put however extreme a minority of the listings is. Our own engine is left out where there is
 * anybody else: it costs nothing, and beside nothing all prices are alike.
 */
export class Middling {
  /** Kept, for they are needed with each decision. */
  readonly #costs = new Float64Array(SAMPLE)
  readonly #times = new Float64Array(SAMPLE)

  /** @returns credits and ms; 0 where there is no listing */
  of(buckets: readonly IndexedBucket[], terms: Terms, facts: ListingFacts): { cost: number; timeMs: number } {
    let count = this.#sample(buckets, terms, facts, CLOSED | OURS)
    if (count === 0 && facts.own.size > 0) count = this.#sample(buckets, terms, facts, CLOSED)
    return { cost: lowerMedian(this.#costs, count), timeMs: lowerMedian(this.#times, count) }
  }

  /** Fills the sample with rows of none of the flags. @returns how many there are */
  #sample(buckets: readonly IndexedBucket[], terms: Terms, facts: ListingFacts, without: number): number {
    const { numbers, flags } = facts.table
    const step = Math.max(1, rowsOf(buckets) / SAMPLE)
    const nowS = facts.table.seconds(terms.nowMs)
    const factor = promptFactor(terms.promptTokens, 0)
    const input = terms.isSpot ? SPOT_INPUT : INPUT
    const output = terms.isSpot ? SPOT_OUTPUT : OUTPUT
    let count = 0
    let next = 0
    let before = 0
    for (const { start, end } of buckets) {
      for (; next < before + end - start && count < SAMPLE; next += step) {
        const row = start + Math.floor(next - before)
        const at = row * STRIDE
        const cost = numbers[at + input]! * terms.inputMillions + numbers[at + output]! * terms.outputMillions
        if (numbers[at + EXPIRES_S]! <= nowS || numbers[at + TRUST]! < 0 || Number.isNaN(cost)) continue
        if ((flags[at + FLAGS]! & without) !== 0) continue
        const ownMs = numbers[at + TTFT_MS]! * factor + terms.outputTokens * numbers[at + MS_PER_TOKEN]!
        this.#costs[count] = cost
        this.#times[count++] = numbers[at + RTT_MS]! + ownMs * (1 + numbers[at + WAIT]!)
      }
      before += end - start
    }
    return count
  }
}

/** Of the first `count`, whose order it changes; 0 of nothing. */
function lowerMedian(values: Float64Array, count: number): number {
  return count === 0 ? 0 : selected(values, count, (count - 1) >> 1)
}

/**
 * What would stand at a place of the first `count`, were they sorted (Hoare, Algorithm 65: Find, CACM 4(7), 1961): a
 * sort takes several times as long.
 */
function selected(values: Float64Array, count: number, place: number): number {
  let low = 0
  let high = count - 1
  while (low < high) {
    const pivot = values[(low + high) >> 1]!
    let left = low
    let right = high
    while (left <= right) {
      while (values[left]! < pivot) left++
      while (values[right]! > pivot) right--
      if (left > right) break
      const swapped = values[left]!
      values[left++] = values[right]!
      values[right--] = swapped
    }
    if (place <= right) high = right
    else if (place >= left) low = left
    else break
  }
  return values[place]!
}
