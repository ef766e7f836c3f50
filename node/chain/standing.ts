import { EventEmitter } from 'node:events'
import type { Address, NodeKey } from '../../protocol/ids.ts'
import type { Role } from '../../protocol/roles.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { OnChainStanding, VerificationLevel } from './client.ts'

/** What the chain says of a provider. */
export interface Standing {
  /** Base units at stake; counts for the node only where `bound` is true. */
  stake: bigint
  /** Whether the wallet declares this node key. */
  bound: boolean
  level: VerificationLevel
  roles: readonly Role[]
  /** When it was read. */
  atMs: number
}

export interface ChainStandingOptions {
  /** Wallets remembered at most. */
  maxWallets?: number
  /** What was read is read again after so long, when it is wanted. */
  freshMs?: number
  /** Wallets that wait to be read at most; further ones are left for the next time they are wanted. */
  maxWaiting?: number
  /** Wallets read a second at most. */
  perSecond?: number
}

export interface ChainStandingModules {
  client: { standing(wallet: Address): Promise<OnChainStanding> }
  clock: Clock
  log: Logger
}

interface ChainStandingEvents {
  /** What a wallet has to show is known now, or has changed; `nodeKeys` are those it declares or has declared. */
  standing: [wallet: Address, nodeKeys: NodeKey[]]
}

const MAX_WALLETS = 100_000
const FRESH_MS = 10 * 60_000
/** The same of a wallet with less at stake than somebody waits for. */
const URGENT_FRESH_MS = 10_000
const MAX_WAITING = 10_000
const PER_SECOND = 20
/** Reads under way at once. */
const LANES = 4

/**
 * What the chain says of providers: stake, declared node key, level, roles. Asked for without waiting; read in the
 * background at a bounded rate and remembered. What an offer says of its stake is a claim, this is what counts.
 */
export class ChainStanding extends EventEmitter<ChainStandingEvents> {
  readonly #options: Required<ChainStandingOptions>
  readonly #modules: ChainStandingModules
  /** Those with anything to lose apart, so that wallets made up by the thousand do not push them out. */
  readonly #known = { worthy: new Map<Address, Entry>(), plain: new Map<Address, Entry>() }
  readonly #waiting = new Set<Address>()
  readonly #urgent = new Set<Address>()
  readonly #timers = new Set<Timer>()
  #lanes = 0
  #stopped = false

  constructor(options: ChainStandingOptions, modules: ChainStandingModules) {
    super()
    const { maxWallets = MAX_WALLETS, freshMs = FRESH_MS } = options
    const { maxWaiting = MAX_WAITING, perSecond = PER_SECOND } = options
    this.#options = { maxWallets, freshMs, maxWaiting, perSecond }
    this.#modules = modules
  }

  /** What is known now; null while the chain has not been read. */
  of(wallet: Address, nodeKey: NodeKey): Standing | null {
    const entry = this.#entry(wallet)
    if (entry === undefined) return null
    const { stake, level, roles, atMs } = entry
    return { stake, bound: entry.nodeKey === nodeKey, level, roles, atMs }
  }

  /**
   * Has a wallet read soon, unless that was done lately.
   * @param options.urgent before those that nobody waits for
   * @param options.expected base units that whoever waits expects at stake; default anything
   */
  want(wallet: Address, options: { urgent?: boolean; expected?: bigint } = {}): void {
    const { urgent = false, expected = 1n } = options
    const { freshMs, maxWaiting } = this.#options
    const entry = this.#entry(wallet)
    // Who has less at stake may be about to have more.
    const isSoonOld = urgent && entry !== undefined && entry.stake < expected
    const oldAfterMs = isSoonOld ? Math.min(freshMs, URGENT_FRESH_MS) : freshMs
    if (this.#stopped || (entry !== undefined && this.#modules.clock.nowMs() - entry.atMs < oldAfterMs))
      return
    const queue = urgent ? this.#urgent : this.#waiting
    if (queue.size >= maxWaiting) return
    queue.add(wallet)
    if (this.#lanes < LANES) void this.#work()
  }

  /** Reads nothing more. Idempotent. */
  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
    this.#waiting.clear()
    this.#urgent.clear()
    this.removeAllListeners()
  }

  #entry(wallet: Address): Entry | undefined {
    return this.#known.worthy.get(wallet) ?? this.#known.plain.get(wallet)
  }

  /** One lane: reads a wallet, rests for its share of the rate, goes on while any waits. */
  async #work(): Promise<void> {
    const wallet = this.#next()
    if (wallet === null) return
    this.#lanes++
    await this.#read(wallet)
    if (this.#stopped) return
    const timer = this.#modules.clock.setTimer(
      () => {
        this.#timers.delete(timer)
        this.#lanes--
        void this.#work()
      },
      (LANES * 1_000) / this.#options.perSecond,
    )
    this.#timers.add(timer)
  }

  #next(): Address | null {
    for (const queue of [this.#urgent, this.#waiting]) {
      for (const wallet of queue) {
        this.#urgent.delete(wallet)
        this.#waiting.delete(wallet)
        return wallet
      }
    }
    return null
  }

  async #read(wallet: Address): Promise<void> {
    try {
      const standing = await this.#modules.client.standing(wallet)
      if (!this.#stopped) this.#keep(wallet, { ...standing, atMs: this.#modules.clock.nowMs() })
    } catch (error) {
      this.#modules.log.debug({ err: error, wallet }, 'the chain did not tell the standing of a wallet')
    }
  }

  #keep(wallet: Address, entry: Entry): void {
    const { worthy, plain } = this.#known
    const before = this.#entry(wallet)
    worthy.delete(wallet)
    plain.delete(wallet)
    const isWorthy = entry.stake > 0n || entry.nodeKey !== null
    ;(isWorthy ? worthy : plain).set(wallet, entry)
    if (worthy.size + plain.size > this.#options.maxWallets) {
      const full = plain.size > 0 ? plain : worthy
      full.delete(full.keys().next().value!)
    }
    if (before !== undefined && isSame(before, entry)) return
    this.emit(
      'standing',
      wallet,
      [...new Set([before?.nodeKey, entry.nodeKey])].filter(key => key != null),
    )
  }
}

type Entry = OnChainStanding & { atMs: number }

function isSame(a: Entry, b: Entry): boolean {
  return (
    a.stake === b.stake && a.nodeKey === b.nodeKey && a.level === b.level && a.roles.join() === b.roles.join()
  )
}
