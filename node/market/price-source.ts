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

/** The operator's prices as they stand, for a node that does not let demand move them. */
export class FixedPrices implements PriceSource {
  readonly #price: TokenPrice

  constructor(options: { price: TokenPrice }) {
    this.#price = options.price
  }

  terms(): TokenPrice & { spot: SpotTerms | null } {
    return { ...this.#price, spot: null }
  }

  reason(): PriceReason {
    return 'base'
  }

  onChange(): () => void {
    return () => {}
  }
}
