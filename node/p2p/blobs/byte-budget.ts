import type { NodeKey } from '../../../protocol/ids.ts'
import type { Clock } from '../../clock.ts'

const MAX_TRACKED_PEERS = 4_096

/** How fast bytes may leave: a token bucket of one second, that may be overdrawn by those who then wait. */
export class ByteRate {
  readonly #bytesPerSecond: number
  readonly #clock: Clock
  /** When all that has been taken has left. */
  #freeAtMs = Number.NEGATIVE_INFINITY

  constructor(options: { bytesPerSecond: number }, modules: { clock: Clock }) {
    this.#bytesPerSecond = options.bytesPerSecond
    this.#clock = modules.clock
  }

  /** Takes so many bytes. @returns how long to wait before they are sent, ms */
  take(bytes: number): number {
    const nowMs = this.#clock.nowMs()
    // A clock that was set back must not make everybody wait.
    const freeAtMs = Math.min(Math.max(this.#freeAtMs, nowMs - 1_000), nowMs + 60_000)
    this.#freeAtMs = freeAtMs + (bytes / this.#bytesPerSecond) * 1_000
    return Math.max(0, freeAtMs - nowMs)
  }
}

/** How much each peer may have: `burst` bytes, that come back at `bytesPerSecond`. Forgets whoever asked least recently. */
export class ByteShares {
  readonly #burst: number
  readonly #bytesPerSecond: number
  readonly #clock: Clock
  readonly #spent = new Map<NodeKey, { bytes: number; atMs: number }>()

  constructor(options: { burst: number; bytesPerSecond: number }, modules: { clock: Clock }) {
    this.#burst = options.burst
    this.#bytesPerSecond = options.bytesPerSecond
    this.#clock = modules.clock
  }

  /** Bytes a peer may still have now. */
  left(peer: NodeKey): number {
    const spent = this.#spent.get(peer)
    if (spent === undefined) return this.#burst
    const backBytes = (Math.max(0, this.#clock.nowMs() - spent.atMs) / 1_000) * this.#bytesPerSecond
    return this.#burst - Math.max(0, spent.bytes - backBytes)
  }

  take(peer: NodeKey, bytes: number): void {
    const spent = { bytes: this.#burst - this.left(peer) + bytes, atMs: this.#clock.nowMs() }
    this.#spent.delete(peer)
    this.#spent.set(peer, spent)
    if (this.#spent.size > MAX_TRACKED_PEERS) this.#spent.delete(this.#spent.keys().next().value!)
  }
}
