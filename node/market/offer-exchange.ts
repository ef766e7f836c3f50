import type { NodeKey } from '../../protocol/ids.ts'
import { MAX_OFFERS_PER_EXCHANGE } from '../../protocol/limits.ts'
import type { OfferRecords, OffersRequest } from '../../protocol/messages/offer-exchange.ts'
import { type Clock, repeat, type Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Violation } from '../p2p/errors.ts'
import type { GossipVerdict, P2PHost } from '../p2p/host.ts'
import { QuotaMeter } from '../p2p/quota.ts'
import { TimeSlices } from '../time-slices.ts'
import type { OfferBook } from './offer-book.ts'
import { offersProtocol, offersTopic, offerUpdatesTopic, PROVIDER_SERVICE } from './protocols.ts'

export interface OfferExchangeModules {
  host: P2PHost
  book: OfferBook
  /** Our newest offer; null while we offer nothing. */
  own: () => OfferRecords | null
  onViolation: (peer: NodeKey, violation: Violation) => void
  clock: Clock
  log: Logger
}

export interface OfferExchangeOptions {
  /** Providers found in the DHT are dialled while fewer peers than this are connected. */
  targetPeers: number
}

/** Waits before each time a peer is asked, until it has an offer. */
const ASK_DELAYS_MS = [0, 1_000, 3_000]
/** Missing offers are collected for so long before their sender is asked, which is as often as it lets us. */
const WANTED_DELAY_MS = 2_000
const MAX_SENDERS_ASKED = 256
const DHT_FIRST_DELAY_MS = 2_000
const DHT_EVERY_MS = 5 * 60_000
const DHT_TIMEOUT_MS = 20_000
/** Records that wait to be checked: what a slow node is behind by at most, about a second of work. */
const MAX_WAITING_RECORDS = 4_096
/** Offers one peer may pass on to us by gossip: many for a network whose offers live long, few for a flood. */
const SENDER_QUOTA = { burst: 400, perSecond: 20 }
const SWEEP_EVERY_MS = 1_000
const SWEEP_AT_ONCE = 32

/**
 * The ways offers travel: gossip for what is new, a question to each newly met peer for what it knows and to
 * whoever sends an update for the offer it belongs to, and the DHT to meet providers nobody has introduced.
 * Records are checked a few milliseconds at a time.
 */
export class OfferExchange {
  readonly #options: OfferExchangeOptions
  readonly #modules: OfferExchangeModules
  readonly #abort = new AbortController()
  readonly #slices = new TimeSlices({ maxWaiting: MAX_WAITING_RECORDS })
  readonly #senders: QuotaMeter
  /** Whose offers are missing, by the peer that has them. */
  readonly #wanted = new Map<NodeKey, Set<NodeKey>>()
  readonly #timers = new Set<Timer>()
  readonly #onPeer = (peer: NodeKey) => void this.#meet(peer)

  constructor(options: OfferExchangeOptions, modules: OfferExchangeModules) {
    this.#options = options
    this.#modules = modules
    this.#senders = new QuotaMeter(SENDER_QUOTA, modules)
  }

  async start(): Promise<void> {
    const { host, clock } = this.#modules
    host.subscribe(offersTopic, (data, from) => this.#onOffer(data, from))
    host.subscribe(offerUpdatesTopic, (data, from) => this.#onUpdate(data, from))
    await host.serve(offersProtocol, (_peer, request) => Promise.resolve({ records: this.#answer(request) }))
    host.on('peer', this.#onPeer)
    for (const peer of host.peers()) void this.#meet(peer)
    const first = clock.setTimer(() => {
      void this.#meetProviders()
      this.#timers.add(repeat(clock, DHT_EVERY_MS, () => this.#meetProviders()))
    }, DHT_FIRST_DELAY_MS)
    this.#timers.add(first).add(repeat(clock, SWEEP_EVERY_MS, () => this.#sweep()))
  }

  /** Idempotent. */
  stop(): void {
    this.#modules.host.off('peer', this.#onPeer)
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#slices.stop()
    this.#abort.abort()
  }

  async #onOffer(data: Uint8Array, from: NodeKey | null): Promise<GossipVerdict> {
    if (from !== null && !this.#senders.take(from)) return 'ignore'
    return (await this.#slices.run(() => this.#modules.book.add(data))) ?? 'ignore'
  }

  async #onUpdate(data: Uint8Array, from: NodeKey | null): Promise<GossipVerdict> {
    const { book } = this.#modules
    const verdict = await this.#slices.run(() =>
      book.addUpdate(data, provider => {
        if (from !== null) this.#want(provider, from)
      }),
    )
    return verdict ?? 'ignore'
  }

  #answer({ limit, providers }: OffersRequest): OfferRecords[] {
    const { own, book, host } = this.#modules
    const ours = own()
    const isOursWanted = providers.length === 0 || providers.includes(host.nodeKey)
    const records = book.records({ providers, limit })
    return [...(ours !== null && isOursWanted ? [ours] : []), ...records].slice(0, limit)
  }

  /**
   * Asks a newly met peer. An offer made just now may miss both this answer and the gossip, which begins a
   * moment after the connection: a peer that had none is asked again.
   */
  async #meet(peer: NodeKey): Promise<void> {
    const { book, clock } = this.#modules
    for (const delayMs of ASK_DELAYS_MS) {
      if (delayMs > 0) await new Promise<void>(resolve => clock.setTimer(resolve, delayMs))
      await this.#ask(peer, [])
      if (this.#abort.signal.aborted || book.of(peer) !== null) return
    }
  }

  /** Remembers that an update came without its offer, and asks its sender in a while. */
  #want(provider: NodeKey, from: NodeKey): void {
    const wanted = this.#wanted.get(from)
    if (wanted !== undefined) {
      if (wanted.size < MAX_OFFERS_PER_EXCHANGE) wanted.add(provider)
      return
    }
    if (this.#wanted.size >= MAX_SENDERS_ASKED || this.#abort.signal.aborted) return
    this.#wanted.set(from, new Set([provider]))
    const timer = this.#modules.clock.setTimer(() => {
      this.#timers.delete(timer)
      const providers = [...(this.#wanted.get(from) ?? [])]
      this.#wanted.delete(from)
      void this.#ask(from, providers)
    }, WANTED_DELAY_MS)
    this.#timers.add(timer)
  }

  async #ask(peer: NodeKey, providers: NodeKey[]): Promise<void> {
    const { host, book, log, onViolation } = this.#modules
    const { signal } = this.#abort
    if (signal.aborted || !host.isConnected(peer)) return
    try {
      const request = { limit: MAX_OFFERS_PER_EXCHANGE, providers }
      const { records } = await host.request(peer, offersProtocol, request, signal)
      const verdicts = await Promise.all(
        records.map(({ offer, update }) => this.#slices.run(() => book.add(offer, update))),
      )
      if (verdicts.includes('reject')) onViolation(peer, 'bad_record')
    } catch (error) {
      log.debug({ err: error, peer }, 'a peer did not tell its offers')
    }
  }

  async #sweep(): Promise<void> {
    while (await this.#slices.run(() => this.#modules.book.sweep(SWEEP_AT_ONCE)));
  }

  async #meetProviders(): Promise<void> {
    const { host, own, log } = this.#modules
    if (host.peers().length === 0) return
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(DHT_TIMEOUT_MS)])
    try {
      if (own() !== null) await host.provide(PROVIDER_SERVICE, signal)
      for await (const provider of host.findProviders(PROVIDER_SERVICE, signal)) {
        if (host.isConnected(provider) || host.peers().length >= this.#options.targetPeers) continue
        await host.dialPeer(provider, signal).catch(() => {})
      }
    } catch (error) {
      log.debug({ err: error }, 'the DHT did not help')
    }
  }
}
