import type { EngineStatus } from '../../inference/engine.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, CidString } from '../../protocol/ids.ts'
import { MAX_ADDRESSES_PER_OFFER, MAX_MODELS_PER_OFFER } from '../../protocol/limits.ts'
import { type ModelOffer, type Offer, offerMessage } from '../../protocol/messages/offer.ts'
import type { TokenPrice } from '../../protocol/money.ts'
import { createRecord, type SignedRecord } from '../../protocol/signed.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import { offersTopic } from './protocols.ts'

export interface OfferPublisherOptions {
  wallet: Address
  chainId: number
  settlement: Address
  price: TokenPrice
  creditWindowTokens: number
  minChannelRemainingMs: number
  lifetimeMs: number
  region: string | null
}

export interface OfferPublisherModules {
  signer: NodeSigner
  clock: Clock
  log: Logger
  engine: { status(): EngineStatus; onStatus(listener: (status: EngineStatus) => void): () => void }
  addresses: () => string[]
  publish: (topic: typeof offersTopic, bytes: Uint8Array) => Promise<void>
}

/** Changes that come together make one offer. */
const DEBOUNCE_MS = 200

/**
 * Makes our offer from what the engine runs and gossips it: at the start, when models come or go, when the
 * node becomes busy or free, and at half of its lifetime.
 */
export class OfferPublisher {
  readonly #options: OfferPublisherOptions
  readonly #modules: OfferPublisherModules
  /** Our offers that are still valid, or were a moment ago: their price holds. */
  readonly #own = new Map<CidString, SignedRecord<Offer>>()
  #current: SignedRecord<Offer> | null = null
  #shape = ''
  #sequence = 0
  #renewal: Timer | null = null
  #debounce: Timer | null = null
  #unsubscribe: (() => void) | null = null

  constructor(options: OfferPublisherOptions, modules: OfferPublisherModules) {
    this.#options = options
    this.#modules = modules
  }

  start(): void {
    this.#unsubscribe = this.#modules.engine.onStatus(() => this.#changed())
    this.#renew()
  }

  /** Offers nothing more; the last offer expires by itself. Idempotent. */
  stop(): void {
    this.#unsubscribe?.()
    this.#renewal?.cancel()
    this.#debounce?.cancel()
    this.#current = null
  }

  /** Our newest offer; null while there is nothing to offer. */
  current(): SignedRecord<Offer> | null {
    return this.#current
  }

  /** One of our offers by its CID, while its price holds; `expired` when it does no longer, null when it is not ours. */
  find(cid: CidString): Offer | 'expired' | null {
    const record = this.#own.get(cid)
    if (record === undefined) return null
    return this.#modules.clock.nowMs() <= record.body.expiresAtMs ? record.body : 'expired'
  }

  #changed(): void {
    if (this.#debounce !== null) return
    this.#debounce = this.#modules.clock.setTimer(() => {
      this.#debounce = null
      if (shapeOf(this.#modules.engine.status()) !== this.#shape) this.#renew()
    }, DEBOUNCE_MS)
  }

  #renew(): void {
    this.#renewal?.cancel()
    this.#renewal = this.#modules.clock.setTimer(() => this.#renew(), this.#options.lifetimeMs / 2)
    const status = this.#modules.engine.status()
    this.#shape = shapeOf(status)
    const nowMs = this.#modules.clock.nowMs()
    for (const [cid, { body }] of this.#own)
      if (body.expiresAtMs + this.#options.lifetimeMs < nowMs) this.#own.delete(cid)
    if (status.state !== 'ready' || status.models.length === 0) {
      this.#current = null
      return
    }
    const record = createRecord(offerMessage, this.#offer(status, nowMs), this.#modules.signer)
    this.#current = record
    this.#own.set(record.cid, record)
    this.#modules.publish(offersTopic, record.bytes).catch(error => {
      this.#modules.log.warn({ err: error }, 'our offer could not be published')
    })
  }

  #offer(status: EngineStatus, nowMs: number): Offer {
    const {
      wallet,
      chainId,
      settlement,
      price,
      creditWindowTokens,
      minChannelRemainingMs,
      lifetimeMs,
      region,
    } = this.#options
    // Rises over restarts too.
    this.#sequence = Math.max(this.#sequence + 1, nowMs)
    return {
      version: 2,
      sequence: this.#sequence,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + lifetimeMs,
      models: status.models.slice(0, MAX_MODELS_PER_OFFER).map(
        (model): ModelOffer => ({
          model: model.id,
          kinds: model.chatTemplateDigest === null ? ['completion'] : ['chat', 'completion'],
          modalities: ['text'],
          contextTokens: model.contextTokens,
          quantization: model.quantization.slice(0, 16),
          parameterCount: model.parameterCount,
          inputPerMillion: price.inputPerMillion,
          outputPerMillion: price.outputPerMillion,
          spot: null,
          tokensPerSecond: Math.round(model.measuredTokensPerSecond),
          ttftMs: 0,
          slots: model.slots,
          queued: status.queued,
          freeSlots: Math.min(model.slots, status.freeSlots),
        }),
      ),
      entities: [],
      priceReason: 'base',
      backend: status.backend?.kind ?? 'cpu',
      wallet,
      stake: 0n,
      chainId,
      settlement,
      creditWindowTokens,
      minChannelRemainingMs,
      addresses: this.#modules.addresses().slice(0, MAX_ADDRESSES_PER_OFFER),
      region,
      slaClasses: ['B'],
      dataClass: 'SHARED',
    }
  }
}

/** What of the engine's state makes a new offer worth its gossip. */
function shapeOf(status: EngineStatus): string {
  return JSON.stringify([status.state, status.models.map(({ id }) => id), status.freeSlots > 0])
}
