import type { NodeKey } from '../../protocol/ids.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { P2PHost } from './host.ts'

export interface ConnectionKeeperOptions {
  /** Multiaddrs to reach the network by; re-dialled for ever. */
  bootstrap: readonly string[]
  /** Peers met by discovery are dialled while fewer than this many are connected. */
  targetPeers: number
}

export interface ConnectionKeeperModules {
  host: Pick<
    P2PHost,
    'on' | 'off' | 'peers' | 'isConnected' | 'dialAddress' | 'dialPeer' | 'rememberedPeers' | 'protect'
  >
  clock: Clock
  log: Logger
  /** Uniform in [0, 1). */
  random: () => number
}

/** Somebody we want to stay connected to, by address or by key. */
interface Target {
  readonly name: string
  readonly dial: (signal: AbortSignal) => Promise<NodeKey>
  /** Null until an address has told who is there. */
  peer: NodeKey | null
  failures: number
  timer: Timer | null
  dialling: boolean
}

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000
const REMEMBERED_PEERS = 32

/**
 * Keeps connections up, which libp2p 3 leaves to its users: it dials bootstrap nodes once and gives a lost
 * peer up. Here bootstrap nodes and kept peers are dialled again for ever, with exponential back-off and
 * jitter; peers of earlier runs and newly heard of ones are dialled while there are few.
 */
export class ConnectionKeeper {
  readonly #options: ConnectionKeeperOptions
  readonly #modules: ConnectionKeeperModules
  readonly #targets = new Map<string, Target>()
  readonly #abort = new AbortController()
  readonly #onDisconnect = (peer: NodeKey) => this.#lost(peer)
  readonly #onDiscovered = (peer: NodeKey) => this.#heardOf(peer)

  constructor(options: ConnectionKeeperOptions, modules: ConnectionKeeperModules) {
    this.#options = options
    this.#modules = modules
  }

  /** Begins to dial; does not wait for anybody to answer. */
  async start(): Promise<void> {
    const { host, log } = this.#modules
    host.on('disconnect', this.#onDisconnect)
    host.on('discovered', this.#onDiscovered)
    for (const address of this.#options.bootstrap) {
      this.#add({ name: address, dial: signal => host.dialAddress(address, signal), peer: null })
    }
    for (const peer of await host.rememberedPeers(REMEMBERED_PEERS)) {
      void host.dialPeer(peer, this.#abort.signal).catch(() => log.debug({ peer }, 'remembered peer is gone'))
    }
  }

  /** Idempotent; no dial is begun afterwards. */
  stop(): void {
    this.#modules.host.off('disconnect', this.#onDisconnect)
    this.#modules.host.off('discovered', this.#onDiscovered)
    this.#abort.abort()
    for (const target of this.#targets.values()) target.timer?.cancel()
    this.#targets.clear()
  }

  /** Keeps the connection to a peer up until released: somebody we have a channel with. */
  keep(peer: NodeKey): void {
    if (this.#targets.has(peer)) return
    this.#add({
      name: peer,
      dial: async signal => {
        await this.#modules.host.dialPeer(peer, signal)
        return peer
      },
      peer,
    })
  }

  release(peer: NodeKey): void {
    this.#targets.get(peer)?.timer?.cancel()
    this.#targets.delete(peer)
  }

  /** Bootstrap addresses that do not answer now, for `shoal doctor`. */
  unreachable(): string[] {
    return this.#options.bootstrap.filter(address => {
      const target = this.#targets.get(address)
      return target === undefined || target.peer === null || !this.#modules.host.isConnected(target.peer)
    })
  }

  #add(target: Pick<Target, 'name' | 'dial' | 'peer'>): void {
    const added: Target = { ...target, failures: 0, timer: null, dialling: false }
    this.#targets.set(target.name, added)
    void this.#dial(added)
  }

  async #dial(target: Target): Promise<void> {
    if (target.dialling || this.#abort.signal.aborted) return
    target.timer = null
    target.dialling = true
    const { host, log } = this.#modules
    try {
      if (target.peer === null || !host.isConnected(target.peer)) {
        target.peer = await target.dial(this.#abort.signal)
        await host.protect(target.peer)
      }
      target.failures = 0
    } catch (error) {
      log.debug({ err: error, target: target.name, failures: target.failures }, 'dial failed')
      target.failures++
      this.#retryLater(target)
    } finally {
      target.dialling = false
    }
    // It may have been lost while its dial was being finished, when no second dial could begin.
    if (target.failures === 0 && target.peer !== null && !host.isConnected(target.peer))
      this.#lost(target.peer)
  }

  #retryLater(target: Target): void {
    if (this.#abort.signal.aborted || this.#targets.get(target.name) !== target || target.timer !== null)
      return
    const exponential = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, target.failures - 1))
    const delayMs = exponential * (0.75 + 0.5 * this.#modules.random())
    target.timer = this.#modules.clock.setTimer(() => void this.#dial(target), delayMs)
  }

  #lost(peer: NodeKey): void {
    for (const target of this.#targets.values()) {
      if (target.peer === peer && !this.#modules.host.isConnected(peer)) this.#retryLater(target)
    }
  }

  #heardOf(peer: NodeKey): void {
    if (this.#modules.host.peers().length >= this.#options.targetPeers) return
    void this.#modules.host
      .dialPeer(peer, this.#abort.signal)
      .catch(() => this.#modules.log.debug({ peer }, 'discovered peer does not answer'))
  }
}
