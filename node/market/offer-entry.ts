import type { Address, CidString, NodeKey } from '../../protocol/ids.ts'
import { type Offer, offerMessage } from '../../protocol/messages/offer.ts'
import { offerUpdateMessage, updatedOffer } from '../../protocol/messages/offer-update.ts'
import { bodyOf } from '../../protocol/signed.ts'
import type { OfferSource } from './capability.ts'
import type { KnownOffer } from './offer-book.ts'

/**
 * How much a provider has to show, the least first: nothing; a wallet that declares its key on chain; a stake; good
 * work done for us. What costs nothing to make up is forgotten first when there is too much.
 */
export const REGARDS = ['unknown', 'registered', 'staked', 'proven'] as const
export type Regard = (typeof REGARDS)[number]

/** What a provider says, as the book keeps it: signed bytes, and what is asked for at every record. */
export class OfferEntry implements OfferSource {
  readonly provider: NodeKey
  /** When we first heard of the provider. */
  readonly sinceMs: number
  bytes = new Uint8Array()
  /** Of the offer. */
  cid: CidString = ''
  update: { bytes: Uint8Array; cid: CidString } | null = null
  /** Of the newest record, offer or update. */
  sequence = 0
  expiresAtMs = 0
  wallet: Address = ''
  /** Its newest record takes it back. Kept, so that older records do not count as new. */
  isWithdrawn = false
  /** Roughly what it takes in memory. */
  weightBytes = 0
  regard: Regard = 'unknown'
  /** Place among those of the same regard; -1 while it has none. */
  place = -1
  /** Second in which it is to be forgotten. */
  dueSecond = 0
  /** Records it may still send, as of when. */
  quotaTokens: number
  quotaAtMs: number
  readonly #decoded: DecodedOffers

  constructor(options: { provider: NodeKey; nowMs: number; quotaTokens: number }, decoded: DecodedOffers) {
    this.provider = options.provider
    this.sinceMs = options.nowMs
    this.quotaTokens = options.quotaTokens
    this.quotaAtMs = options.nowMs
    this.#decoded = decoded
  }

  known(): KnownOffer {
    return this.#decoded.of(this)
  }

  /** The offer as it was before any update. */
  base(): Offer {
    return bodyOf(offerMessage, this.bytes)
  }
}

/** Beside its records: entries in maps, strings, the index's row of a model or list of an entity. Measured; see the bench. */
const ENTRY_BYTES = 900
const MODEL_BYTES = 400
const ENTITY_BYTES = 300
const TAG_BYTES = 120

/** Roughly what an offer will take in memory. */
export function weightOf(offer: Offer, recordBytes: number): number {
  const tags = offer.entities.reduce((sum, entity) => sum + entity.tags.length, 0)
  const { models, entities } = offer
  return (
    ENTRY_BYTES +
    recordBytes +
    MODEL_BYTES * models.length +
    ENTITY_BYTES * entities.length +
    TAG_BYTES * tags
  )
}

/**
 * Offers as objects, made from their bytes when they are asked for; those asked for of late are at hand. As objects
 * all the time, they would take several times as much memory.
 */
export class DecodedOffers {
  readonly #max: number
  readonly #recent = new Map<OfferEntry, KnownOffer>()

  constructor(options: { max: number }) {
    this.#max = options.max
  }

  of(entry: OfferEntry): KnownOffer {
    const recent = this.#recent.get(entry)
    if (recent !== undefined) {
      this.#recent.delete(entry)
      this.#recent.set(entry, recent)
      return recent
    }
    const { update } = entry
    const base = entry.base()
    return this.keep(
      entry,
      update === null ? base : updatedOffer(base, bodyOf(offerUpdateMessage, update.bytes)),
    )
  }

  /** Takes what an entry's records have just been found to say. */
  keep(entry: OfferEntry, offer: Offer): KnownOffer {
    const { provider, cid, update, bytes } = entry
    const known: KnownOffer = { provider, cid: update?.cid ?? cid, offer, bytes }
    this.#recent.set(entry, known)
    if (this.#recent.size > this.#max) this.#recent.delete(this.#recent.keys().next().value!)
    return known
  }

  /** The entry has changed or is gone. */
  forget(entry: OfferEntry): void {
    this.#recent.delete(entry)
  }
}
