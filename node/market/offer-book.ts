import { EventEmitter } from 'node:events'
import { ProtocolError, sameBytes } from '../../protocol/codec.ts'
import type { Address, CidString, ModelId, NodeKey } from '../../protocol/ids.ts'
import { MAX_CHANNEL_REMAINING_MS, MAX_CLOCK_SKEW_MS, MAX_OFFER_LIFETIME_MS } from '../../protocol/limits.ts'
import { type Offer, offerMessage } from '../../protocol/messages/offer.ts'
import type { OfferRecords } from '../../protocol/messages/offer-exchange.ts'
import {
  isWithdrawal,
  type OfferUpdate,
  offerUpdateMessage,
  updatedOffer,
} from '../../protocol/messages/offer-update.ts'
import { apparentSigner, openRecord, type SignedRecord } from '../../protocol/signed.ts'
import type { Clock } from '../clock.ts'
import { verifyEd25519Natively } from '../ed25519.ts'
import type { GossipVerdict } from '../p2p/host.ts'
import type { CapabilityIndex } from './capability-index.ts'
import { DecodedOffers, OfferEntry, type Regard, weightOf } from './offer-entry.ts'
import { RegardRanks } from './regard-ranks.ts'

/** An offer we have checked, with the newest of its updates applied. */
export interface KnownOffer {
  provider: NodeKey
  /** Of the newest record, offer or update: the terms a task accepts. */
  cid: CidString
  offer: Offer
  /** The signed offer, to be passed on as it came. */
  bytes: Uint8Array
}

export interface OfferBookOptions {
  /** Whose offers are our own. */
  self: NodeKey
  chainId: number
  settlement: Address
  /** Providers remembered at most; default 100,000. */
  maxProviders?: number
  /** Memory that what is remembered may take, roughly; default 256 MiB. */
  maxBytes?: number
}

export interface OfferBookModules {
  clock: Clock
  /** Kept as the book is; without one, nobody can look anything up by what it can do. */
  index?: CapabilityIndex
  /** What a provider has to show; by default nobody has anything. */
  regard?: (provider: NodeKey, wallet: Address) => Regard
  random?: () => number
}

const MAX_PROVIDERS = 100_000
const MAX_BYTES = 256 * 1_048_576
const MAX_DECODED = 2_048
/** New records one provider may make: enough for every change of price, too few to flood the network. */
const QUOTA = { burst: 10, perSecond: 0.5 }
/** Forgotten at each new record, at most, of what is over. */
const SWEEP_PER_RECORD = 8

interface OfferBookEvents {
  /** A provider is new, or has a new offer. */
  offer: [offer: KnownOffer]
  /** A known offer has new terms. */
  update: [offer: KnownOffer]
  /** A provider offers nothing any more, or was forgotten. */
  gone: [provider: NodeKey]
}

/**
 * The newest valid offer of each provider heard of, with its newest update. Bounded: when there are too many, the
 * expired are forgotten first, then those who have nothing to show.
 */
export class OfferBook extends EventEmitter<OfferBookEvents> {
  readonly #options: Required<OfferBookOptions>
  readonly #clock: Clock
  readonly #index: CapabilityIndex | null
  readonly #regard: (provider: NodeKey, wallet: Address) => Regard
  readonly #entries = new Map<NodeKey, OfferEntry>()
  readonly #ranks: RegardRanks
  readonly #decoded = new DecodedOffers({ max: MAX_DECODED })
  /** Who is to be looked at in which second, for being over. */
  readonly #due = new Map<number, Set<OfferEntry>>()
  #sweptSecond: number
  #weightBytes = 0
  #withdrawn = 0

  constructor(options: OfferBookOptions, modules: OfferBookModules) {
    super()
    this.#options = { maxProviders: MAX_PROVIDERS, maxBytes: MAX_BYTES, ...options }
    this.#clock = modules.clock
    this.#index = modules.index ?? null
    this.#regard = modules.regard ?? (() => 'unknown')
    this.#ranks = new RegardRanks({ random: modules.random ?? Math.random })
    this.#sweptSecond = Math.floor(modules.clock.nowMs() / 1_000)
  }

  /** Providers with an offer; those whose offers have just expired may still count. */
  get size(): number {
    return this.#entries.size - this.#withdrawn
  }

  /** Roughly what is taken of `maxBytes`. */
  get weightBytes(): number {
    return this.#weightBytes
  }

  /**
   * Takes a signed offer from anybody.
   * @param update the signed update that came with it: the offer may be over by itself where that goes on
   * @returns `accept`: new and valid, pass it on. `ignore`: known, stale, for another chain, or no room for
   *   it. `reject`: whoever sent it should not have.
   */
  add(bytes: Uint8Array, update: Uint8Array | null = null): GossipVerdict {
    const copyOf = this.#apparent(bytes)
    if (copyOf !== null && sameBytes(copyOf.bytes, bytes)) {
      return update === null ? 'ignore' : this.addUpdate(update)
    }
    const record = open(offerMessage, bytes)
    if (record === null) return 'reject'
    const { body: offer, signer: provider } = record
    const updated = update === null ? null : openUpdateOf(record, update)
    if (update !== null && updated === null) return 'reject'
    const newest = updated === null ? offer : updated.offer
    const verdict = this.#judgeTimes(newest) ?? this.#judgeTerms(offer)
    if (verdict !== null || provider === this.#options.self) return verdict ?? 'ignore'
    const known = this.#entries.get(provider)
    if (known !== undefined && known.sequence >= newest.sequence) return 'ignore'
    if (known !== undefined && !this.#takeQuota(known)) return 'ignore'
    const entry = known ?? this.#newEntry(provider)
    this.#detach(entry)
    // Copied: a gossiped record is a part of the frame it came in.
    entry.bytes = new Uint8Array(bytes)
    entry.cid = record.cid
    entry.update = updated === null ? null : { bytes: new Uint8Array(update!), cid: updated.cid }
    entry.wallet = offer.wallet
    this.#attach(entry, newest)
    if (!this.#makeRoomFor(entry)) return 'ignore'
    this.emit('offer', this.#decoded.of(entry))
    return 'accept'
  }

  /**
   * Takes a signed update of an offer from anybody.
   * @param onMissing called with the provider when the offer it belongs to is not known
   * @returns as `add`
   */
  addUpdate(bytes: Uint8Array, onMissing?: (provider: NodeKey) => void): GossipVerdict {
    const copyOf = this.#apparent(bytes)
    if (copyOf?.update != null && sameBytes(copyOf.update.bytes, bytes)) return 'ignore'
    const record = open(offerUpdateMessage, bytes)
    if (record === null) return 'reject'
    const { body: update, signer: provider } = record
    const verdict = this.#judgeTimes(update)
    if (verdict !== null || provider === this.#options.self) return verdict ?? 'ignore'
    const entry = this.#entries.get(provider)
    if (entry !== undefined && entry.sequence >= update.sequence) return 'ignore'
    if (entry === undefined || entry.cid !== update.offer) {
      if (!isWithdrawal(update)) onMissing?.(provider)
      return 'ignore'
    }
    if (!this.#takeQuota(entry)) return 'ignore'
    const offer = tryUpdate(entry.base(), update)
    if (offer === null) return 'reject'
    const isBack = entry.isWithdrawn
    this.#detach(entry)
    entry.update = { bytes: new Uint8Array(bytes), cid: record.cid }
    if (isWithdrawal(update)) {
      this.#withdraw(entry, offer)
      return 'accept'
    }
    this.#attach(entry, offer)
    if (!this.#makeRoomFor(entry)) return 'ignore'
    this.emit(isBack ? 'offer' : 'update', this.#decoded.of(entry))
    return 'accept'
  }

  /** The valid offer of a provider; null when there is none. */
  of(provider: NodeKey): KnownOffer | null {
    const entry = this.#entries.get(provider)
    return entry !== undefined && this.#isValid(entry) ? this.#decoded.of(entry) : null
  }

  /** Valid offers. Decodes all of them: for a few that are fit for something, ask the index. */
  list(): KnownOffer[] {
    return [...this.#entries.values()]
      .filter(entry => this.#isValid(entry))
      .map(entry => this.#decoded.of(entry))
  }

  /** Ids of the models that are offered, each once. */
  models(): ModelId[] {
    if (this.#index !== null) return this.#index.models()
    return [...new Set(this.list().flatMap(({ offer }) => offer.models.map(({ model }) => model)))]
  }

  /** Signed records of these providers, or of some picked at random, to be passed on. */
  records(options: { providers: readonly NodeKey[]; limit: number }): OfferRecords[] {
    const { providers, limit } = options
    const entries =
      providers.length > 0
        ? providers.slice(0, limit).flatMap(provider => this.#entries.get(provider) ?? [])
        : this.#ranks.sample(limit)
    return entries
      .filter(entry => this.#isValid(entry))
      .map(({ bytes, update }) => ({ offer: bytes, update: update?.bytes ?? null }))
  }

  /** Looks anew at what a provider has to show. */
  reconsider(provider: NodeKey): void {
    const entry = this.#entries.get(provider)
    if (entry === undefined) return
    const regard = this.#regard(provider, entry.wallet)
    if (regard === entry.regard) return
    this.#ranks.remove(entry)
    entry.regard = regard
    this.#ranks.add(entry)
  }

  /**
   * Forgets what is over.
   * @param most so many of them
   * @returns whether more is left to be forgotten
   */
  sweep(most: number): boolean {
    const nowSecond = Math.floor(this.#clock.nowMs() / 1_000)
    for (let left = most; this.#sweptSecond < nowSecond; this.#sweptSecond++) {
      for (const entry of this.#due.get(this.#sweptSecond) ?? []) {
        if (left-- <= 0) return true
        this.#forget(entry)
      }
    }
    return false
  }

  /** The entry a record may be a copy from. */
  #apparent(bytes: Uint8Array): OfferEntry | null {
    const signer = apparentSigner(bytes)
    return signer === null ? null : (this.#entries.get(signer) ?? null)
  }

  #isValid({ isWithdrawn, expiresAtMs }: OfferEntry): boolean {
    return !isWithdrawn && expiresAtMs > this.#clock.nowMs()
  }

  /** Null where nothing is wrong. A withdrawal is over as soon as it is issued, and is news for as long as an offer may live. */
  #judgeTimes(times: { issuedAtMs: number; expiresAtMs: number }): GossipVerdict | null {
    const { issuedAtMs, expiresAtMs } = times
    const nowMs = this.#clock.nowMs()
    const lifetimeMs = expiresAtMs - issuedAtMs
    const isUpdateThatWithdraws = lifetimeMs === 0 && 'offer' in times
    if (isUpdateThatWithdraws ? issuedAtMs + MAX_OFFER_LIFETIME_MS <= nowMs : expiresAtMs <= nowMs)
      return 'ignore'
    if (issuedAtMs > nowMs + MAX_CLOCK_SKEW_MS || lifetimeMs < 0 || lifetimeMs > MAX_OFFER_LIFETIME_MS)
      return 'reject'
    return lifetimeMs === 0 && !isUpdateThatWithdraws ? 'reject' : null
  }

  #judgeTerms({ minChannelRemainingMs, chainId, settlement }: Offer): GossipVerdict | null {
    if (minChannelRemainingMs > MAX_CHANNEL_REMAINING_MS) return 'reject'
    return chainId !== this.#options.chainId || settlement !== this.#options.settlement ? 'ignore' : null
  }

  #takeQuota(entry: OfferEntry): boolean {
    const nowMs = this.#clock.nowMs()
    const refill = (Math.max(0, nowMs - entry.quotaAtMs) / 1_000) * QUOTA.perSecond
    entry.quotaTokens = Math.min(QUOTA.burst, entry.quotaTokens + refill)
    entry.quotaAtMs = nowMs
    if (entry.quotaTokens < 1) return false
    entry.quotaTokens--
    return true
  }

  #newEntry(provider: NodeKey): OfferEntry {
    const nowMs = this.#clock.nowMs()
    return new OfferEntry({ provider, nowMs, quotaTokens: QUOTA.burst - 1 }, this.#decoded)
  }

  /** Takes an entry out of everything that depends on its records. */
  #detach(entry: OfferEntry): void {
    this.#decoded.forget(entry)
    if (entry.place < 0) return
    this.#ranks.remove(entry)
    entry.place = -1
    this.#weightBytes -= entry.weightBytes
    this.#notDue(entry)
    if (entry.isWithdrawn) this.#withdrawn--
    entry.isWithdrawn = false
  }

  /** Puts it back in, with its records of now. */
  #attach(entry: OfferEntry, offer: Offer): void {
    entry.sequence = offer.sequence
    entry.expiresAtMs = offer.expiresAtMs
    this.#keep(entry, offer)
    this.#dueAt(entry, Math.max(offer.expiresAtMs, entry.dueSecond * 1_000))
    const known = this.#decoded.keep(entry, offer)
    this.#index?.set(known, entry)
  }

  #withdraw(entry: OfferEntry, offer: Offer): void {
    entry.sequence = offer.sequence
    entry.expiresAtMs = offer.expiresAtMs
    entry.isWithdrawn = true
    this.#withdrawn++
    this.#keep(entry, offer)
    this.#dueAt(entry, entry.dueSecond * 1_000)
    this.#index?.remove(entry.provider)
    this.emit('gone', entry.provider)
  }

  #keep(entry: OfferEntry, offer: Offer): void {
    const { provider, wallet, bytes, update } = entry
    this.#entries.set(provider, entry)
    entry.regard = this.#regard(provider, wallet)
    this.#ranks.add(entry)
    entry.weightBytes = weightOf(offer, bytes.length + (update?.bytes.length ?? 0))
    this.#weightBytes += entry.weightBytes
  }

  #dueAt(entry: OfferEntry, atMs: number): void {
    entry.dueSecond = Math.max(Math.ceil(atMs / 1_000), this.#sweptSecond)
    const due = this.#due.get(entry.dueSecond)
    if (due === undefined) this.#due.set(entry.dueSecond, new Set([entry]))
    else due.add(entry)
  }

  #notDue(entry: OfferEntry): void {
    const due = this.#due.get(entry.dueSecond)
    due?.delete(entry)
    if (due?.size === 0) this.#due.delete(entry.dueSecond)
  }

  #forget(entry: OfferEntry): void {
    const wasThere = !entry.isWithdrawn
    this.#detach(entry)
    this.#entries.delete(entry.provider)
    this.#index?.remove(entry.provider)
    if (wasThere) this.emit('gone', entry.provider)
  }

  /** Forgets others until all fits. @returns whether the new one is still there */
  #makeRoomFor(entry: OfferEntry): boolean {
    this.sweep(SWEEP_PER_RECORD)
    const { maxProviders, maxBytes } = this.#options
    while (this.#entries.size > maxProviders || this.#weightBytes > maxBytes) {
      const least = this.#ranks.leastRegarded()
      if (least === null) break
      this.#forget(least)
    }
    return entry.place >= 0
  }
}

/** Null when the bytes are not such a record. */
function open<T>(definition: Parameters<typeof openRecord<T>>[0], bytes: Uint8Array): SignedRecord<T> | null {
  try {
    return openRecord(definition, bytes, verifyEd25519Natively)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/** The offer with an update by the same hand; null when it is none of that offer. */
function openUpdateOf(
  record: SignedRecord<Offer>,
  bytes: Uint8Array,
): { offer: Offer; cid: CidString } | null {
  const update = open(offerUpdateMessage, bytes)
  if (update === null || update.signer !== record.signer || update.body.offer !== record.cid) return null
  if (update.body.sequence <= record.body.sequence || isWithdrawal(update.body)) return null
  const offer = tryUpdate(record.body, update.body)
  return offer === null ? null : { offer, cid: update.cid }
}

function tryUpdate(offer: Offer, update: OfferUpdate): Offer | null {
  try {
    return updatedOffer(offer, update)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}
