import type { Engine } from '../../inference/engine.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { ModelId, NodeKey } from '../../protocol/ids.ts'
import type { Offer } from '../../protocol/messages/offer.ts'
import type { TokenPrice } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/settings.ts'
import type { Logger } from '../log.ts'
import type { Violation } from '../p2p/errors.ts'
import type { P2PHost } from '../p2p/host.ts'
import type { Store } from '../store/store.ts'
import { Auctioneer } from './auction/auctioneer.ts'
import { Bidder } from './auction/bidder.ts'
import type { ListingIndex } from './capability.ts'
import { DemandLog } from './demand-log.ts'
import { DemandPricing, type LoadSource, type ModelLoad } from './demand-pricing.ts'
import { isNamed, marketNameOf } from './model-names.ts'
import { PriceHistory, type PriceSample } from './price-history.ts'

export interface MarketDeskOptions {
  self: NodeKey
  config: Config
}

export interface MarketDeskModules {
  host: P2PHost
  signer: NodeSigner
  engine: Pick<Engine, 'status' | 'onStatus'>
  index: ListingIndex
  store: Store
  clock: Clock
  log: Logger
  onViolation: (peer: NodeKey, violation: Violation) => void
  onPrice: (sample: PriceSample) => void
}

/** What the desk has to know of a node that provides. */
export interface ProviderFacts {
  /** Null while nothing is offered. */
  offer: () => Offer | null
  /** Whether tasks are taken. */
  isReady: () => boolean
  /** Tasks that wait to be given to the engine. */
  waiting: () => number
}

/** All of a node that is about prices: its own, the market's, and auctions on either side. */
export class MarketDesk {
  readonly pricing: DemandPricing
  readonly demand: DemandLog
  readonly history: PriceHistory
  readonly auctioneer: Auctioneer
  readonly bidder: Bidder
  readonly #modules: MarketDeskModules
  readonly #base: (model: ModelId) => TokenPrice
  readonly #load: LoadSource
  /** Set by `provide`. */
  #provided: ProviderFacts | null = null

  constructor({ self, config }: MarketDeskOptions, modules: MarketDeskModules) {
    const { host, signer, engine, index, store, clock, log, onViolation, onPrice } = modules
    this.#modules = modules
    this.#base = basePrices(config, model => engine.status().models.find(({ id }) => id === model)?.base)
    this.#load = engineLoad(engine, () => this.#provided?.waiting() ?? 0)
    this.demand = new DemandLog({ clock })
    this.pricing = new DemandPricing(
      {
        base: this.#base,
        dynamic: config['price.dynamic'],
        floorPercent: config['price.floor'],
        ceilingPercent: config['price.ceiling'],
        spotDiscountPercent: config['price.spotDiscount'],
        spotNoticeMs: config['price.spotNotice'],
        averageOverMs: config['price.averageOver'],
      },
      { load: this.#load, clock },
    )
    this.history = new PriceHistory(
      {},
      { ...{ index, store, clock, log }, own: () => this.#ownPrices(), onSample: onPrice },
    )
    this.auctioneer = new Auctioneer(
      { self, bidWindowMs: config['auction.bidWindow'], maxAsked: config['auction.maxBidders'] },
      { host, signer, clock, onViolation },
    )
    this.bidder = new Bidder(
      { self },
      {
        host,
        signer,
        clock,
        prices: this.pricing,
        offer: () => this.#provided?.offer() ?? null,
        isReady: () => this.#provided?.isReady() ?? false,
        demand: this.demand,
        onViolation,
      },
    )
  }

  async start(): Promise<void> {
    this.pricing.start()
    await this.history.start()
  }

  /** Takes part in others' auctions from now on. */
  async provide(modules: ProviderFacts): Promise<void> {
    this.#provided = modules
    await this.bidder.start()
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#provided = null
    this.auctioneer.stop()
    this.pricing.stop()
    await this.history.stop()
  }

  /** The operator's own price of a model, before demand moves it. */
  basePrice(model: ModelId): TokenPrice {
    return this.#base(model)
  }

  /** How busy a model of ours is now; null where it is not loaded. */
  load(model: ModelId): ModelLoad | null {
    return this.#load.load(model)
  }

  /** By market name; of several models of one name, the cheapest. */
  #ownPrices(): Map<string, TokenPrice> {
    const prices = new Map<string, TokenPrice>()
    for (const { id } of this.#modules.engine.status().models) {
      const name = marketNameOf(id)
      const terms = this.pricing.terms(id)
      const known = prices.get(name)
      if (known === undefined || terms.outputPerMillion < known.outputPerMillion) prices.set(name, terms)
    }
    return prices
  }
}

/** @param baseOf what a model of ours with an adapter is made on: where nothing is said of itself, it costs what that does */
function basePrices(
  config: Config,
  baseOf: (model: ModelId) => ModelId | undefined,
): (model: ModelId) => TokenPrice {
  const general = { inputPerMillion: config['price.input'], outputPerMillion: config['price.output'] }
  const single = config['price.models']
  // Whoever names a quantisation means that one.
  const own = (id: ModelId) =>
    single.find(({ model }) => model === id.split('@')[0]) ?? single.find(({ model }) => isNamed(model, id))
  return id => {
    const price = own(id)
    const base = price === undefined ? baseOf(id) : undefined
    return price ?? (base === undefined ? undefined : own(base)) ?? general
  }
}

/** How busy the engine is, as its models share it. @param waiting tasks that wait before its door */
function engineLoad(engine: Pick<Engine, 'status' | 'onStatus'>, waiting: () => number): LoadSource {
  return {
    models: () => engine.status().models.map(({ id }) => id),
    load: (model): ModelLoad | null => {
      const { models, active, queued } = engine.status()
      if (!models.some(({ id }) => id === model)) return null
      return {
        slots: models.reduce((sum, { slots }) => sum + slots, 0),
        busy: active,
        queued: queued + waiting(),
      }
    },
    onChange: listener => engine.onStatus(listener),
  }
}
