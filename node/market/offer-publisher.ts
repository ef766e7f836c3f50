import type { EngineStatus } from '../../inference/engine.ts'
import type { DataClass } from '../../protocol/data-class.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, CidString } from '../../protocol/ids.ts'
import {
  MAX_ADDRESSES_PER_OFFER,
  MAX_ENTITIES_PER_OFFER,
  MAX_MODELS_PER_OFFER,
  MAX_SEALED_WINDOW_TOKENS,
} from '../../protocol/limits.ts'
import {
  type Entity,
  type ModelOffer,
  modelTermsOf,
  type Offer,
  offerMessage,
} from '../../protocol/messages/offer.ts'
import type { OfferRecords } from '../../protocol/messages/offer-exchange.ts'
import { type OfferUpdate, offerUpdateMessage, updatedOffer } from '../../protocol/messages/offer-update.ts'
import { CREDIT } from '../../protocol/money.ts'
import { createRecord, type SignedRecord } from '../../protocol/signed.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { GossipTopic } from '../p2p/protocol.ts'
import { adaptedOf } from './adapted-models.ts'
import type { KnownOffer } from './offer-book.ts'
import type { PriceSource } from './price-source.ts'
import { offersTopic, offerUpdatesTopic } from './protocols.ts'
import type { ServiceMeter } from './service-meter.ts'
import { taskKindsOf } from './task-kinds.ts'
import { hasNews } from './terms-news.ts'

export interface OfferPublisherOptions {
  wallet: Address
  chainId: number
  settlement: Address
  creditWindowTokens: number
  minChannelRemainingMs: number
  lifetimeMs: number
  region: string | null
  dataClass: DataClass
  /** What is to be made known beside models. */
  entities: readonly Entity[]
}

export interface OfferPublisherModules {
  signer: NodeSigner
  clock: Clock
  log: Logger
  engine: { status(): EngineStatus; onStatus(listener: (status: EngineStatus) => void): () => void }
  prices: PriceSource
  /** Null for the speed measured when a model was loaded. */
  meter: ServiceMeter | null
  /** What our wallet has at stake, base units. */
  stake: () => bigint
  addresses: () => string[]
  publish: (topic: GossipTopic, bytes: Uint8Array) => Promise<void>
}

/** Changes that come together make one record. */
const DEBOUNCE_MS = 200
/** As often as others let us, for long. */
const MIN_GAP_MS = 2_000

/** What is out, and as others have it with its newest update. */
interface Published {
  base: SignedRecord<Offer>
  update: SignedRecord<OfferUpdate> | null
  offer: Offer
}

/**
 * Makes our offer and gossips it: the whole of it when what we run changes, and a small update when prices, speed or
 * load have changed enough to matter, and at half of its life. When nothing is left to offer it is taken back.
 */
export class OfferPublisher {
  readonly #options: OfferPublisherOptions
  readonly #modules: OfferPublisherModules
  /** Our offers as they were after each update, while they are valid and a moment longer: their price holds. */
  readonly #own = new Map<CidString, Offer>()
  readonly #unsubscribe: (() => void)[] = []
  #published: Published | null = null
  #isOut = false
  #sequence = 0
  #publishedAtMs = Number.NEGATIVE_INFINITY
  #renewal: Timer | null = null
  #debounce: Timer | null = null

  constructor(options: OfferPublisherOptions, modules: OfferPublisherModules) {
    this.#options = options
    this.#modules = modules
  }

  start(): void {
    const { engine, prices } = this.#modules
    this.#unsubscribe.push(
      engine.onStatus(() => this.#changed()),
      prices.onChange(() => this.#changed()),
    )
    this.#renew()
  }

  /** Takes the offer back, and offers nothing more. Idempotent. */
  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    this.#renewal?.cancel()
    this.#debounce?.cancel()
    this.#withdraw()
  }

  /** Our offer of now; null while there is nothing to offer. */
  current(): KnownOffer | null {
    if (this.#published === null || !this.#isOut) return null
    const { base, update, offer } = this.#published
    return { provider: base.signer, cid: update?.cid ?? base.cid, offer, bytes: base.bytes }
  }

  /** The same as others are to have it. */
  records(): OfferRecords | null {
    if (this.#published === null || !this.#isOut) return null
    const { base, update } = this.#published
    return { offer: base.bytes, update: update?.bytes ?? null }
  }

  /**
   * One of our offers by its CID or that of an update, while its price holds; `expired` when it does no longer, null
   * when it is not ours.
   */
  find(cid: CidString): Offer | 'expired' | null {
    const offer = this.#own.get(cid)
    if (offer === undefined) return null
    return this.#modules.clock.nowMs() <= offer.expiresAtMs ? offer : 'expired'
  }

  /** Looks in a moment whether what has changed matters, as often as others let us. */
  #changed(): void {
    if (this.#debounce !== null) return
    const { clock } = this.#modules
    const soonestMs = this.#publishedAtMs + MIN_GAP_MS - clock.nowMs()
    this.#debounce = clock.setTimer(
      () => {
        this.#debounce = null
        this.#publishNews()
      },
      Math.max(DEBOUNCE_MS, soonestMs),
    )
  }

  #renew(): void {
    this.#renewal?.cancel()
    const { lifetimeMs } = this.#options
    this.#renewal = this.#modules.clock.setTimer(() => this.#renew(), lifetimeMs / 2)
    const nowMs = this.#modules.clock.nowMs()
    for (const [cid, { expiresAtMs }] of this.#own)
      if (expiresAtMs + lifetimeMs < nowMs) this.#own.delete(cid)
    this.#publish(() => true)
  }

  #publishNews(): void {
    this.#publish(hasNews)
  }

  /** @param matters whether an offer of the same kind as the one that is out is worth an update */
  #publish(matters: (told: Offer, now: Offer) => boolean): void {
    const offer = this.#offer(this.#modules.engine.status(), this.#modules.clock.nowMs())
    const published = this.#published
    if (offer.models.length + offer.entities.length === 0) this.#withdraw()
    else if (published === null || kindOf(offer) !== kindOf(published.base.body)) this.#sayAll(offer)
    else if (!this.#isOut || matters(published.offer, offer)) this.#sayNews(published, offer)
  }

  #sayAll(offer: Offer): void {
    const base = createRecord(offerMessage, { ...offer, sequence: this.#next() }, this.#modules.signer)
    this.#say({ base, update: null, offer: base.body })
    this.#send(offersTopic, base.bytes)
  }

  #sayNews({ base }: Published, offer: Offer): void {
    const { issuedAtMs, expiresAtMs, priceReason } = offer
    const models = offer.models.map((model, index) => ({ index, ...modelTermsOf(model) }))
    const times = { issuedAtMs, expiresAtMs }
    const update = this.#update(base, { ...times, priceReason, models })
    this.#say({ base, update, offer: updatedOffer(base.body, update.body) })
    this.#send(offerUpdatesTopic, update.bytes)
  }

  /** The price of what was offered still holds for whoever begins in time. */
  #withdraw(): void {
    if (this.#published === null || !this.#isOut) return
    this.#isOut = false
    const { base, offer } = this.#published
    const nowMs = this.#modules.clock.nowMs()
    const times = { issuedAtMs: nowMs, expiresAtMs: nowMs }
    const update = this.#update(base, { ...times, priceReason: offer.priceReason, models: [] })
    this.#send(offerUpdatesTopic, update.bytes)
  }

  #update(
    base: SignedRecord<Offer>,
    news: Pick<OfferUpdate, 'issuedAtMs' | 'expiresAtMs' | 'priceReason' | 'models'>,
  ): SignedRecord<OfferUpdate> {
    const body: OfferUpdate = { version: 1, offer: base.cid, sequence: this.#next(), ...news }
    return createRecord(offerUpdateMessage, body, this.#modules.signer)
  }

  #say(published: Published): void {
    this.#published = published
    this.#isOut = true
    this.#own.set(published.update?.cid ?? published.base.cid, published.offer)
  }

  #send(topic: GossipTopic, bytes: Uint8Array): void {
    this.#publishedAtMs = this.#modules.clock.nowMs()
    this.#modules.publish(topic, bytes).catch(error => {
      this.#modules.log.warn({ err: error }, 'our offer could not be published')
    })
  }

  /** Rises over restarts too. */
  #next(): number {
    this.#sequence = Math.max(this.#sequence + 1, this.#modules.clock.nowMs())
    return this.#sequence
  }

  #offer(status: EngineStatus, nowMs: number): Offer {
    const { wallet, chainId, settlement, creditWindowTokens, minChannelRemainingMs, lifetimeMs } =
      this.#options
    const { region, dataClass, entities } = this.#options
    const { prices, stake, addresses } = this.#modules
    const credits = stake() / CREDIT
    const models = status.state === 'ready' ? status.models : []
    return {
      version: 3,
      sequence: this.#sequence,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + lifetimeMs,
      models: models.slice(0, MAX_MODELS_PER_OFFER).map(model => this.#modelOffer(model, status)),
      entities: entities.slice(0, MAX_ENTITIES_PER_OFFER),
      priceReason: prices.reason(),
      backend: status.backend?.kind ?? 'cpu',
      wallet,
      stake: credits * CREDIT,
      chainId,
      settlement,
      creditWindowTokens,
      minChannelRemainingMs,
      addresses: addresses().slice(0, MAX_ADDRESSES_PER_OFFER),
      region,
      slaClasses: slaClassesOf(creditWindowTokens, credits),
      dataClass,
    }
  }

  #modelOffer(model: EngineStatus['models'][number], status: EngineStatus): ModelOffer {
    const { prices, meter } = this.#modules
    const { inputPerMillion, outputPerMillion, spot } = prices.terms(model.id)
    const measured = meter?.speed(model.id) ?? null
    return {
      model: model.id,
      adapter: adaptedOf(model),
      kinds: taskKindsOf(model),
      modalities: ['text'],
      contextTokens: model.contextTokens,
      quantization: model.quantization.slice(0, 16),
      parameterCount: model.parameterCount,
      slots: model.slots,
      inputPerMillion,
      outputPerMillion,
      spot,
      tokensPerSecond: Math.round(measured?.tokensPerSecond ?? model.measuredTokensPerSecond),
      ttftMs: Math.round(measured?.ttftMs ?? 0),
      freeSlots: Math.min(model.slots, status.freeSlots),
      queued: status.queued,
    }
  }
}

/** What of an offer an update cannot change. */
function kindOf(offer: Offer): string {
  const { sequence, issuedAtMs, expiresAtMs, priceReason, models, ...rest } = offer
  const kinds = models.map(model => {
    const { inputPerMillion, outputPerMillion, spot, tokensPerSecond, ttftMs, freeSlots, queued, ...kind } =
      model
    return kind
  })
  return JSON.stringify([rest, kinds], (_key, value) => (typeof value === 'bigint' ? `${value}` : value))
}

/** Replicas work a whole sealed window ahead of payment. */
function slaClassesOf(creditWindowTokens: number, credits: bigint): Offer['slaClasses'] {
  if (creditWindowTokens < MAX_SEALED_WINDOW_TOKENS) return ['B']
  return credits > 0n ? ['B', 'A', 'S'] : ['B', 'A']
}
