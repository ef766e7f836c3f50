import type { ModelId, NodeKey } from '../../../protocol/ids.ts'
import type { ChainStanding } from '../../chain/standing.ts'
import type { Clock } from '../../clock.ts'
import type { CapabilityIndex } from '../../market/capability-index.ts'
import type { KnownOffer } from '../../market/offer-book.ts'

export interface EligibleAuditorsOptions {
  /** What a node must have at stake, base units: what a crowd of auditors costs whoever would make one up. */
  minStake: bigint
}

export interface EligibleAuditorsModules {
  index: Pick<CapabilityIndex, 'lookup'>
  /** Null while the chain has not answered. */
  standing: () => Pick<ChainStanding, 'of' | 'want'> | null
  isWelcome: (peer: NodeKey) => boolean
  clock: Clock
}

/** Offers of a model looked at; the cheapest, where there are more. */
const MAX_OFFERS = 1_024
const FRESH_MS = 5_000
const MAX_MODELS = 64

/** Who may audit a model, as far as this node knows: those who offer it, and whose wallet is bound to their key and has enough at stake. */
export class EligibleAuditors {
  readonly #options: EligibleAuditorsOptions
  readonly #modules: EligibleAuditorsModules
  readonly #known = new Map<ModelId, { offers: readonly KnownOffer[]; untilMs: number }>()

  constructor(options: EligibleAuditorsOptions, modules: EligibleAuditorsModules) {
    this.#options = options
    this.#modules = modules
  }

  of(model: ModelId): readonly KnownOffer[] {
    const nowMs = this.#modules.clock.nowMs()
    const known = this.#known.get(model)
    if (known !== undefined && known.untilMs > nowMs) return known.offers
    const offers = this.#find(model)
    this.#known.delete(model)
    // Where nobody is known, somebody may be in a moment.
    if (offers.length > 0) this.#known.set(model, { offers, untilMs: nowMs + FRESH_MS })
    if (this.#known.size > MAX_MODELS) this.#known.delete(this.#known.keys().next().value!)
    return offers
  }

  /** Whether a peer's wallet is bound to it and has enough at stake. */
  isStaked({ provider, offer }: Pick<KnownOffer, 'provider' | 'offer'>): boolean {
    const standing = this.#modules.standing()
    standing?.want(offer.wallet)
    const known = standing?.of(offer.wallet, provider) ?? null
    return known?.bound === true && known.stake >= this.#options.minStake
  }

  #find(model: ModelId): readonly KnownOffer[] {
    const { index, isWelcome } = this.#modules
    return index
      .lookup({ model, venue: 'peer' }, MAX_OFFERS)
      .flatMap(({ offer }) =>
        offer !== null && isWelcome(offer.provider) && this.isStaked(offer) ? [offer] : [],
      )
  }
}
