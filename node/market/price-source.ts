import type { ModelId } from '../../protocol/ids.ts'
import type { PriceReason, SpotTerms } from '../../protocol/messages/offer.ts'
import type { TokenPrice } from '../../protocol/money.ts'

/** What this node asks for its work now. */
export interface PriceSource {
  /** Prices of a model, base units per million tokens. */
  terms(model: ModelId): TokenPrice & { spot: SpotTerms | null }
  /** Why they are as they are. */
  reason(): PriceReason
  /** Called after each change of what the above answer. @returns ends it */
  onChange(listener: () => void): () => void
}
