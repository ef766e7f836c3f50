import { costRoundedUp, type TokenPrice } from '../../../protocol/money.ts'
import { STRANGER_KINDS, type StrangerKind } from '../../trust/evidence.ts'
import type { Candidate, Demand, Listing } from './candidate.ts'
import { Forecast } from './forecast.ts'
import { promptFactor } from './latency-predictor.ts'
import type { ListingFacts } from './listing-facts.ts'
import { nearnessOf, privacyOf } from './place.ts'
import type { PolicyCandidate } from './policy.ts'
import { MS_PER_TOKEN, QUALITY, type Search, STRIDE, TTFT_MS, WAIT, WARM } from './scan.ts'
import { scoreOf, worth } from './strategies.ts'

const TOKENS_PER_PRICE = 1e6
/** Of a middling listing's time, so much is until the first token. */
const FIRST_TOKEN_SHARE = 0.25
/** What costs less than this share of the highest cost a scan lets pass costs less than the cap, however it is rounded. */
const CLEARLY_WITHIN = 1 - 1e-5

/** A candidate with what the router alone needs. */
export interface BuiltCandidate extends PolicyCandidate {
  candidate: Candidate
  /** Credits. */
  worst: number
  /** What it is as a newcomer; null for those that are proven. */
  kind: StrangerKind | null
  /** Of a newcomer: what it was drawn with. */
  weight: number
}

/** Makes candidates of rows. */
export class CandidateBuilder {
  readonly #facts: ListingFacts

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
    const { columns } = index
    const { outputTokens, isSpot } = terms
    const { venue, offer, model } = listing
    const price: TokenPrice = isSpot ? model.spot! : model
    const inputPrice = (isSpot ? columns.spotInput : columns.inputPerMillion)[row]! / TOKENS_PER_PRICE
    const outputPrice = (isSpot ? columns.spotOutput : columns.outputPerMillion)[row]! / TOKENS_PER_PRICE
    const cost = inputPrice * promptTokensExpected + outputPrice * outputTokens
    // Amounts are exact where it matters: at the cap, and where they are shown or held.
    if (maxPrice !== null && cost > terms.maxCost * CLEARLY_WITHIN) {
      if (costRoundedUp(price, { inputTokens: promptTokensExpected, outputTokens }) > maxPrice) return null
    }
    const at = row * STRIDE
    const { numbers } = table
    const provider = columns.providerRow[row]!
    const isNewcomer = providers.newcomer[provider]! > 0
    const reliability = providers.reliability[provider]!
    const quality = numbers[at + QUALITY]!
    const warmShare = numbers[at + WARM]!
    const msPerToken = numbers[at + MS_PER_TOKEN]!
    const firstMs = numbers[at + TTFT_MS]! * promptFactor(terms.promptTokens, warmShare)
    const ownMs = firstMs + outputTokens * msPerToken
    const waitMs = ownMs * numbers[at + WAIT]!
    const elsewhereMs = providers.rttMs[provider]! + waitMs
    const totalMs = elsewhereMs + ownMs
    const parts = {
      cost: worth(cost, scale.cost),
      time: worth(totalMs, scale.timeMs),
      quality,
      privacy: privacyOf(row, this.#facts),
      nearness: nearnessOf(row, nearness, this.#facts),
    }
    const score = scoreOf(parts, reliability, scale)
    // In the order of FEATURE_NAMES.
    const features = [
      1,
      parts.cost,
      parts.time,
      quality,
      parts.privacy,
      parts.nearness,
      reliability,
      worth(elsewhereMs + firstMs, scale.timeMs * FIRST_TOKEN_SHARE),
      warmShare,
      totalMs > 0 ? 1 - waitMs / totalMs : 1,
      measured[row]!,
      isNewcomer ? 1 : 0,
      venue === 'local' ? 1 : 0,
      venue === 'cloud' ? 1 : 0,
      isSpot ? 1 : 0,
    ]
    const times = { firstMs, elsewhereMs, waitMs, totalMs, msPerToken }
    const candidate: Candidate = {
      provider: listing.provider,
      venue,
      offer,
      model,
      prediction: new Forecast(demand, price, outputTokens, features, times, spread[row]!),
      score,
      features,
      probability: 0,
    }
    if (listing.terms !== undefined) candidate.terms = listing.terms
    const worst = inputPrice * promptTokensBound + outputPrice * maxTokens
    const kind = isNewcomer ? STRANGER_KINDS[providers.newcomer[provider]! - 1]! : null
    return { candidate, model: model.model, features, score, isNewcomer, kind, worst, weight }
  }
}
