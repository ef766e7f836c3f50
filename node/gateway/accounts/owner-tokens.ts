import type { Clock } from '../../clock.ts'
import { hashOf, hexOf, type RandomBytes } from './secrets.ts'

const LIFETIME_MS = 15 * 60_000
const MAX_WAITING = 8

/** Tokens that each sign the node's owner in once: whoever can ask the node for one owns it. */
export class OwnerTokens {
  readonly #modules: { clock: Clock; random: RandomBytes }
  /** When each ends, by hash; the oldest first. */
  readonly #waiting = new Map<string, number>()

  constructor(modules: { clock: Clock; random: RandomBytes }) {
    this.#modules = modules
  }

  /** A new one, good for a quarter of an hour. */
  make(): { token: string; expiresAtMs: number } {
    const token = hexOf(this.#modules.random(32))
    const expiresAtMs = this.#modules.clock.nowMs() + LIFETIME_MS
    this.#waiting.set(hashOf(token), expiresAtMs)
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    return { token, expiresAtMs }
  }

  /** Whether it is good; it is not a second time. */
  take(token: string): boolean {
    const hash = hashOf(token)
    const expiresAtMs = this.#waiting.get(hash)
    this.#waiting.delete(hash)
    return expiresAtMs !== undefined && this.#modules.clock.nowMs() < expiresAtMs
  }
}
