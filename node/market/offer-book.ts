import { EventEmitter } from 'node:events'
import { ProtocolError } from '../../protocol/codec.ts'
import type { Address, CidString, NodeKey } from '../../protocol/ids.ts'
import { MAX_CHANNEL_REMAINING_MS, MAX_CLOCK_SKEW_MS, MAX_OFFER_LIFETIME_MS } from '../../protocol/limits.ts'
import { type Offer, offerMessage } from '../../protocol/messages/offer.ts'
import { openRecord, type SignedRecord } from '../../protocol/signed.ts'
import type { Clock } from '../clock.ts'
import { verifyEd25519Natively } from '../ed25519.ts'
import type { GossipVerdict } from '../p2p/host.ts'
import { QuotaMeter } from '../p2p/quota.ts'

/** An offer we have checked. */
export interface KnownOffer {
  provider: NodeKey
  cid: CidString
  offer: Offer
  /** The signed record, to be passed on as it came. */
  bytes: Uint8Array
}

export interface OfferBookOptions {
  /** Whose offers are our own. */
  self: NodeKey
  chainId: number
  settlement: Address
  /** Providers remembered at most; default 10,000. */
  maxProviders?: number
}

const MAX_PROVIDERS = 10_000
/** New offers one provider may make: enough for every change of price, too few to flood the network. */
const OFFER_QUOTA = { burst: 10, perSecond: 0.5 }

interface OfferBookEvents {
  /** A provider is new, or has a new offer. */
  offer: [offer: KnownOffer]
}

/** The newest valid offer of each provider heard of; expired ones are gone. */
export class OfferBook extends EventEmitter<OfferBookEvents> {
  readonly #options: OfferBookOptions
  readonly #clock: Clock
  readonly #offers = new Map<NodeKey, KnownOffer>()
  readonly #quota: QuotaMeter

  constructor(options: OfferBookOptions, modules: { clock: Clock }) {
    super()
    this.#options = options
    this.#clock = modules.clock
    this.#quota = new QuotaMeter(OFFER_QUOTA, modules)
  }

  /**
   * Takes a signed offer from anybody.
   * @returns `accept`: new and valid, pass it on. `ignore`: known, stale or for another chain. `reject`:
   *   whoever sent it should not have.
   */
  add(bytes: Uint8Array): GossipVerdict {
    let record: SignedRecord<Offer>
    try {
      record = openRecord(offerMessage, bytes, verifyEd25519Natively)
    } catch (error) {
      if (error instanceof ProtocolError) return 'reject'
      throw error
    }
    const { body: offer, signer: provider, cid } = record
    const nowMs = this.#clock.nowMs()
    if (offer.expiresAtMs <= nowMs || provider === this.#options.self) return 'ignore'
    const lifetimeMs = offer.expiresAtMs - offer.issuedAtMs
    if (offer.issuedAtMs > nowMs + MAX_CLOCK_SKEW_MS || lifetimeMs <= 0 || lifetimeMs > MAX_OFFER_LIFETIME_MS)
      return 'reject'
    if (offer.minChannelRemainingMs > MAX_CHANNEL_REMAINING_MS) return 'reject'
    if (offer.chainId !== this.#options.chainId || offer.settlement !== this.#options.settlement)
      return 'ignore'
    const known = this.#offers.get(provider)
    if (known !== undefined && known.offer.sequence >= offer.sequence) return 'ignore'
    if (!this.#quota.take(provider)) return 'ignore'
    this.#offers.delete(provider)
    this.#offers.set(provider, { provider, cid, offer, bytes: record.bytes })
    this.#prune(nowMs)
    this.emit('offer', this.#offers.get(provider)!)
    return 'accept'
  }

  /** The valid offer of a provider; null when there is none. */
  of(provider: NodeKey): KnownOffer | null {
    const known = this.#offers.get(provider)
    return known !== undefined && known.offer.expiresAtMs > this.#clock.nowMs() ? known : null
  }

  /** Valid offers, the most recently heard of last. */
  list(): KnownOffer[] {
    const nowMs = this.#clock.nowMs()
    return [...this.#offers.values()].filter(({ offer }) => offer.expiresAtMs > nowMs)
  }

  #prune(nowMs: number): void {
    const { maxProviders = MAX_PROVIDERS } = this.#options
    if (this.#offers.size <= maxProviders) return
    for (const [provider, { offer }] of this.#offers)
      if (offer.expiresAtMs <= nowMs) this.#offers.delete(provider)
    for (const provider of this.#offers.keys()) {
      if (this.#offers.size <= maxProviders) return
      this.#offers.delete(provider)
    }
  }
}
