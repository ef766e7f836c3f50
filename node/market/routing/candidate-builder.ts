import { costRoundedUp, type TokenPrice } from '../../../protocol/money.ts'
import { STRANGER_KINDS, type StrangerKind } from '../../trust/evidence.ts'
import type { Candidate, Demand, Listing } from './candidate.ts'
import { FEATURE, FEATURE_NAMES } from './features.ts'
import { p95, promptFactor } from './latency-predictor.ts'
import type { ListingFacts } from './listing-facts.ts'
import { nearnessOf, privacyOf } from './place.ts'
import { MS_PER_TOKEN, QUALITY, type Search, STRIDE, TTFT_MS, WAIT, WARM } from './scan.ts'
import { scoreOf, worth } from './strategies.ts'

const BASE_UNITS = 1e18
/** Of a middling listing's time, so much is until the first token. */
const FIRST_TOKEN_SHARE = 0.25

/** A candidate with what the router alone needs. */
export interface BuiltCandidate {
  candidate: Candidate
  /** Credits. */
  worst: number
  /** Null for those that are proven. */
  kind: StrangerKind | null
  /** Of a newcomer: what it was drawn with. */
  weight: number
}

/** Vectors of features that share memory: one of its own for each would keep the garbage collector busy. */
const VECTORS = 128

/** Makes candidates of rows, with exact costs. */
export class CandidateBuilder {
  readonly #facts: ListingFacts
  #features = new Float64Array()
  #used = 0

  constructor(modules: { facts: ListingFacts }) {
    this.#facts = modules.facts
  }

  /** Null: it costs more than the cap, if only by a rounding. */
  build(
    row: number,
    listing: Listing,
    weight: number,
    demand: Demand,
    { terms, scale, nearness }: Search,
  ): BuiltCandidate | null {
    const { promptTokensExpected, promptTokensBound, maxTokens, maxPrice } = demand
    const { table, providers, index, spread, measured } = this.#facts
    const price: TokenPrice = terms.isSpot ? listing.model.spot! : listing.model
    const { outputTokens } = terms
    const expectedCost = costRoundedUp(price, { inputTokens: promptTokensExpected, outputTokens })
    if (maxPrice !== null && expectedCost > maxPrice) return null
    const worstCost = costRoundedUp(price, { inputTokens: promptTokensBound, outputTokens: maxTokens })
    const at = row * STRIDE
    const { numbers } = table
    const provider = index.columns.providerRow[row]!
    const isNewcomer = providers.newcomer[provider]! > 0
    const reliability = providers.reliability[provider]!
    const quality = numbers[at + QUALITY]!
    const warmShare = numbers[at + WARM]!
    const firstMs = numbers[at + TTFT_MS]! * promptFactor(terms.promptTokens, warmShare)
    const ownMs = firstMs + outputTokens * numbers[at + MS_PER_TOKEN]!
    const waitMs = ownMs * numbers[at + WAIT]!
    const elsewhereMs = providers.rttMs[provider]! + waitMs
    const totalMs = elsewhereMs + ownMs
    const features = this.#vector()
    const { venue, offer, model } = listing
    const parts = {
      cost: worth(Number(expectedCost) / BASE_UNITS, scale.cost),
      time: worth(totalMs, scale.timeMs),
      quality,
      privacy: privacyOf(row, this.#facts),
      nearness: nearnessOf(row, nearness, this.#facts),
    }
    features[FEATURE.bias] = 1
    features[FEATURE.cost] = parts.cost
    features[FEATURE.time] = parts.time
    features[FEATURE.quality] = quality
    features[FEATURE.privacy] = parts.privacy
    features[FEATURE.nearness] = parts.nearness
    features[FEATURE.reliability] = reliability
    features[FEATURE.first_token] = worth(elsewhereMs + firstMs, scale.timeMs * FIRST_TOKEN_SHARE)
    features[FEATURE.warm] = warmShare
    features[FEATURE.free] = totalMs > 0 ? 1 - waitMs / totalMs : 1
    features[FEATURE.measured] = measured[row]!
    features[FEATURE.newcomer] = isNewcomer ? 1 : 0
    features[FEATURE.local] = venue === 'local' ? 1 : 0
    features[FEATURE.cloud] = venue === 'cloud' ? 1 : 0
    features[FEATURE.spot] = terms.isSpot ? 1 : 0
    const candidate: Candidate = {
      provider: listing.provider,
      venue,
      offer,
      model,
      prediction: {
        expectedCost,
        worstCost,
        ttftMs: elsewhereMs + firstMs,
        totalMs,
        ttftP95Ms: elsewhereMs + p95(firstMs, spread[row]!),
        waitMs,
        tokensPerSecond: 1_000 / numbers[at + MS_PER_TOKEN]!,
        reliability,
        quality,
        warmShare,
      },
      score: scoreOf(parts, reliability, scale),
      features,
      probability: 0,
    }
    if (listing.terms !== undefined) candidate.terms = listing.terms
    const kind = isNewcomer ? STRANGER_KINDS[providers.newcomer[provider]! - 1]! : null
    return { candidate, worst: Number(worstCost) / BASE_UNITS, kind, weight }
  }

  #vector(): Float64Array {
    const length = FEATURE_NAMES.length
    if (this.#used === this.#features.length) {
      this.#features = new Float64Array(VECTORS * length)
      this.#used = 0
    }
    this.#used += length
    return this.#features.subarray(this.#used - length, this.#used)
  }
}
