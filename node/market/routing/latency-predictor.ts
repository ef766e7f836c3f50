import type { ModelId } from '../../../protocol/ids.ts'
import type { ProviderId } from './candidate.ts'

/** How fast a listing is expected to be, apart from the way there and waiting for a slot. */
export interface Speed {
  /** Until the first token of an answer to a prompt of REFERENCE_PROMPT_TOKENS, ms. */
  ttftMs: number
  msPerToken: number
  /** Standard deviation of the logarithm of the time to the first token. */
  spread: number
  /** How much of it we measured ourselves, 0 to 1; the rest is the provider's claim. */
  measured: number
}

/** What a provider claims of a listing. */
export interface SpeedClaim {
  ttftMs: number
  tokensPerSecond: number
}

/** Times to the first token are compared as if prompts had this length. */
const REFERENCE_PROMPT_TOKENS = 256
/** Share of the time to the first token of such a prompt that does not depend on its length. */
const FIXED_SHARE = 0.5

/** How many times as long a prompt's first token takes as that of the reference prompt, warm parts apart. */
export function promptFactor(promptTokens: number, warmShare: number): number {
  return FIXED_SHARE + ((1 - FIXED_SHARE) * promptTokens * (1 - warmShare)) / REFERENCE_PROMPT_TOKENS
}

/** A claim counts as much as so many measurements. */
const CLAIM_WEIGHT = 2
/** The newest of many measurements counts at least so much. */
const LEAST_STEP = 0.15
/** A measurement counts half after so long. */
const HALF_LIFE_MS = 30 * 60_000
/** Before anything is known: 95 of 100 first tokens within three times the middle. */
const PRIOR_SPREAD = Math.log(3) / 1.645
const PRIOR_SPREAD_WEIGHT = 4
/** Listings remembered at most, those not measured for longest are forgotten first. */
const MAX_LISTINGS = 20_000
/** Bounds of what is believed of anybody. */
const MIN_TTFT_MS = 1
const MAX_TTFT_MS = 600_000
const MIN_MS_PER_TOKEN = 0.02
const MAX_MS_PER_TOKEN = 10_000
/** Fewer tokens tell little of the speed. */
const MIN_TOKENS = 8
/** How far claims are believed to be off at most, as a factor. */
const MAX_CLAIM_FACTOR = 4
const CLAIM_STEP = 0.02

/** Exponentially weighted mean and variance of a logarithm (West, CACM 22(9), 1979, with a least step). */
interface Average {
  count: number
  mean: number
  variance: number
}

interface Measured {
  ttft: Average
  perToken: Average
  atMs: number
}

export interface Measurement {
  /** Null where no token came; then `totalMs` is what it took at least. */
  ttftMs: number | null
  totalMs: number
  promptTokens: number
  outputTokens: number
  /** What was expected of the way there and of waiting for a slot: not the listing's own speed. */
  elsewhereMs: number
  warmShare: number
}

/**
 * How fast listings are: an average over our own tasks of late, blended with the provider's claim as long as we
 * have seen little of it. Times are averaged as logarithms, for they are skewed. Claims nobody has checked are
 * corrected by how far claims have been off as a whole.
 */
export class LatencyPredictor {
  readonly #measured = new Map<string, Measured>()
  /** Mean logarithms of measured ÷ claimed. */
  #ttftBias = 0
  #perTokenBias = 0

  /** @param nowMs for the age of what was measured */
  predict(provider: ProviderId, model: ModelId, claim: SpeedClaim, nowMs: number): Speed {
    const { ttftMs, msPerToken } = bounded(claim)
    const claimedTtft = Math.log(ttftMs) + this.#ttftBias
    const claimedPerToken = Math.log(msPerToken) + this.#perTokenBias
    const known = this.#measured.get(keyOf(provider, model))
    if (known === undefined) {
      return {
        ttftMs: Math.exp(claimedTtft),
        msPerToken: Math.exp(claimedPerToken),
        spread: PRIOR_SPREAD,
        measured: 0,
      }
    }
    const freshness = 2 ** (-Math.max(0, nowMs - known.atMs) / HALF_LIFE_MS)
    const ttftShare = share(known.ttft.count * freshness)
    const perTokenShare = share(known.perToken.count * freshness)
    const { count, variance } = known.ttft
    return {
      ttftMs: blended(known.ttft.mean, ttftShare, claimedTtft),
      msPerToken: blended(known.perToken.mean, perTokenShare, claimedPerToken),
      spread: Math.sqrt(
        (count * variance + PRIOR_SPREAD_WEIGHT * PRIOR_SPREAD ** 2) / (count + PRIOR_SPREAD_WEIGHT),
      ),
      measured: Math.max(ttftShare, perTokenShare),
    }
  }

  /** Takes in how fast a task went. */
  observe(
    provider: ProviderId,
    model: ModelId,
    claim: SpeedClaim,
    measurement: Measurement,
    nowMs: number,
  ): void {
    const key = keyOf(provider, model)
    const known = this.#measured.get(key) ?? { ttft: none(), perToken: none(), atMs: nowMs }
    const freshness = 2 ** (-Math.max(0, nowMs - known.atMs) / HALF_LIFE_MS)
    const { ttftMs, totalMs, promptTokens, outputTokens, elsewhereMs, warmShare } = measurement
    const claimed = bounded(claim)
    const own = Math.max(MIN_TTFT_MS, (ttftMs ?? totalMs) - elsewhereMs)
    const reference = clamp(own / promptFactor(promptTokens, warmShare), MIN_TTFT_MS, MAX_TTFT_MS)
    // What was cut off before its first token says only that it was slower than that.
    const isNews = ttftMs !== null || known.ttft.count === 0 || Math.log(reference) > known.ttft.mean
    if (isNews) {
      known.ttft = taken(known.ttft, Math.log(reference), freshness)
      this.#ttftBias = biased(this.#ttftBias, reference / claimed.ttftMs)
    }
    if (ttftMs !== null && outputTokens >= MIN_TOKENS && totalMs > ttftMs) {
      const perToken = clamp((totalMs - ttftMs) / (outputTokens - 1), MIN_MS_PER_TOKEN, MAX_MS_PER_TOKEN)
      known.perToken = taken(known.perToken, Math.log(perToken), freshness)
      this.#perTokenBias = biased(this.#perTokenBias, perToken / claimed.msPerToken)
    }
    known.atMs = nowMs
    this.#measured.delete(key)
    this.#measured.set(key, known)
    if (this.#measured.size > MAX_LISTINGS) this.#measured.delete(this.#measured.keys().next().value!)
  }
}

/** What 95 of 100 times are within, of a logarithmic normal distribution. */
export function p95(middle: number, spread: number): number {
  return middle * Math.exp(1.645 * spread)
}

function keyOf(provider: ProviderId, model: ModelId): string {
  return `${provider}|${model}`
}

function none(): Average {
  return { count: 0, mean: 0, variance: 0 }
}

function taken(average: Average, value: number, freshness: number): Average {
  const count = average.count * freshness + 1
  const step = Math.max(1 / count, LEAST_STEP)
  const difference = value - average.mean
  return {
    count: Math.min(count, 1 / LEAST_STEP),
    mean: average.mean + step * difference,
    variance: (1 - step) * (average.variance + step * difference * difference),
  }
}

function share(count: number): number {
  return count / (count + CLAIM_WEIGHT)
}

/** Logarithms in, the value itself out. A claim counts no further than it could be true, having seen what we have. */
function blended(measured: number, share: number, claimed: number): number {
  const limit = Math.log(MAX_CLAIM_FACTOR)
  const believed = share > 0 ? clamp(claimed, measured - limit, measured + limit) : claimed
  return Math.exp(share * measured + (1 - share) * believed)
}

function biased(bias: number, ratio: number): number {
  const limit = Math.log(MAX_CLAIM_FACTOR)
  return clamp(bias + CLAIM_STEP * (clamp(Math.log(ratio), -limit, limit) - bias), -limit, limit)
}

function bounded(claim: SpeedClaim): { ttftMs: number; msPerToken: number } {
  return {
    ttftMs: clamp(claim.ttftMs, MIN_TTFT_MS, MAX_TTFT_MS),
    msPerToken: clamp(1_000 / Math.max(claim.tokensPerSecond, 1e-3), MIN_MS_PER_TOKEN, MAX_MS_PER_TOKEN),
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
