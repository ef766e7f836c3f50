import type { ModelId } from '../../protocol/ids.ts'
import type { PriceReason, SpotTerms } from '../../protocol/messages/offer.ts'
import type { TokenPrice } from '../../protocol/money.ts'

/** What a model costs now: on demand, and for work that may be pre-empted. Base units per million tokens. */
export interface PriceTerms extends TokenPrice {
  /** Null while nothing is left to spot tasks. */
  spot: SpotTerms | null
}

/** Where offers take their prices from. */
export interface PriceSource {
  /** @param model a model this node runs */
  terms(model: ModelId): PriceTerms
  /** Why prices are as they are. */
  reason(): PriceReason
  /** Called after each change of `terms` or `reason`. @returns ends the calls */
  onChange(listener: () => void): () => void
}
