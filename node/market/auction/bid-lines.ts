import type { NodeKey } from '../../../protocol/ids.ts'
import type { Clock, Timer } from '../../clock.ts'
import type { P2PHost } from '../../p2p/host.ts'
import { BidLine } from './bid-line.ts'

const MAX_LINES = 64
/** Lines that are not used for so long are closed. */
const IDLE_MS = 60_000

/** The open streams to providers that have been asked for bids of late. */
export class BidLines {
  readonly #modules: { host: Pick<P2PHost, 'openStream'>; clock: Clock }
  /** The least recently used first. */
  readonly #lines = new Map<NodeKey, { line: BidLine; usedAtMs: number }>()
  #sweep: Timer | null = null
  #isStopped = false

  constructor(modules: { host: Pick<P2PHost, 'openStream'>; clock: Clock }) {
    this.#modules = modules
  }

  /** The line to a provider, opened where there is none. */
  to(provider: NodeKey): BidLine {
    const { host, clock } = this.#modules
    const known = this.#lines.get(provider)
    this.#lines.delete(provider)
    const line: BidLine =
      known?.line ?? new BidLine(provider, { host, onClosed: () => this.#forget(provider, line) })
    this.#lines.set(provider, { line, usedAtMs: clock.nowMs() })
    if (this.#lines.size > MAX_LINES) {
      const [oldest, { line: unused }] = this.#lines.entries().next().value!
      this.#lines.delete(oldest)
      unused.close()
    }
    this.#armSweep()
    return line
  }

  /** Closes all; idempotent. */
  stop(): void {
    this.#isStopped = true
    this.#sweep?.cancel()
    for (const { line } of this.#lines.values()) line.close()
    this.#lines.clear()
  }

  #forget(provider: NodeKey, line: BidLine): void {
    if (this.#lines.get(provider)?.line === line) this.#lines.delete(provider)
  }

  #armSweep(): void {
    if (this.#sweep !== null || this.#isStopped) return
    this.#sweep = this.#modules.clock.setTimer(() => {
      this.#sweep = null
      const sinceMs = this.#modules.clock.nowMs() - IDLE_MS
      for (const [provider, { line, usedAtMs }] of this.#lines) {
        if (usedAtMs > sinceMs) break
        this.#lines.delete(provider)
        line.close()
      }
      if (this.#lines.size > 0) this.#armSweep()
    }, IDLE_MS)
  }
}
