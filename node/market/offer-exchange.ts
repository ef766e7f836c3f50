import type { NodeKey } from '../../protocol/ids.ts'
import { MAX_OFFERS_PER_EXCHANGE } from '../../protocol/limits.ts'
import { type Clock, repeat, type Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Violation } from '../p2p/errors.ts'
import type { P2PHost } from '../p2p/host.ts'
import type { OfferBook } from './offer-book.ts'
import { offersProtocol, offersTopic, PROVIDER_SERVICE } from './protocols.ts'

export interface OfferExchangeModules {
  host: P2PHost
  book: OfferBook
  /** Our newest offer; null while we offer nothing. */
  own: () => { bytes: Uint8Array } | null
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
const DHT_FIRST_DELAY_MS = 2_000
const DHT_EVERY_MS = 5 * 60_000
const DHT_TIMEOUT_MS = 20_000

/**
 * The ways offers travel: gossip for what is new, a question to each newly met peer for what it knows, and
 * the DHT to meet providers nobody has introduced.
 */
export class OfferExchange {
  readonly #options: OfferExchangeOptions
  readonly #modules: OfferExchangeModules
  readonly #abort = new AbortController()
  readonly #onPeer = (peer: NodeKey) => void this.#ask(peer)
  #timer: Timer | null = null

  constructor(options: OfferExchangeOptions, modules: OfferExchangeModules) {
    this.#options = options
    this.#modules = modules
  }

  async start(): Promise<void> {
    const { host, book, clock } = this.#modules
    host.subscribe(offersTopic, data => book.add(data))
    await host.serve(offersProtocol, (_peer, { limit }) => Promise.resolve({ records: this.#known(limit) }))
    book.on('offer', ({ provider, offer }) => void host.addAddresses(provider, offer.addresses))
    host.on('peer', this.#onPeer)
    for (const peer of host.peers()) void this.#ask(peer)
    this.#timer = clock.setTimer(() => {
      void this.#meetProviders()
      this.#timer = repeat(clock, DHT_EVERY_MS, () => this.#meetProviders())
    }, DHT_FIRST_DELAY_MS)
  }

  /** Idempotent. */
  stop(): void {
    this.#modules.host.off('peer', this.#onPeer)
    this.#timer?.cancel()
    this.#abort.abort()
  }

  #known(limit: number): Uint8Array[] {
    const own = this.#modules.own()
    const others = this.#modules.book.list().reverse()
    return [...(own === null ? [] : [own.bytes]), ...others.map(({ bytes }) => bytes)].slice(0, limit)
  }

  /**
   * Asks a newly met peer. An offer made just now may miss both this answer and the gossip, which begins a
   * moment after the connection: a peer that had none is asked again.
   */
  async #ask(peer: NodeKey): Promise<void> {
    const { host, book, clock, log, onViolation } = this.#modules
    const { signal } = this.#abort
    for (const delayMs of ASK_DELAYS_MS) {
      if (delayMs > 0) await new Promise<void>(resolve => clock.setTimer(resolve, delayMs))
      if (signal.aborted || !host.isConnected(peer)) return
      try {
        const { records } = await host.request(
          peer,
          offersProtocol,
          { limit: MAX_OFFERS_PER_EXCHANGE },
          signal,
        )
        const verdicts = records.map(record => book.add(record))
        if (verdicts.includes('reject')) onViolation(peer, 'bad_record')
      } catch (error) {
        log.debug({ err: error, peer }, 'a peer did not tell its offers')
      }
      if (book.of(peer) !== null) return
    }
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
