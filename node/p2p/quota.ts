import type { Clock } from '../clock.ts'
import type { Quota } from './protocol.ts'

const MAX_TRACKED_KEYS = 4_096

/** Token buckets, one a key. Forgets the least recently used key when it tracks too many. */
export class QuotaMeter {
  readonly #quota: Quota
  readonly #clock: Clock
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()

  constructor(quota: Quota, modules: { clock: Clock }) {
    this.#quota = quota
    this.#clock = modules.clock
  }

  /** Takes one token of `key`; false when its bucket is empty. */
  take(key: string): boolean {
    const nowMs = this.#clock.nowMs()
    const { burst, perSecond } = this.#quota
    const last = this.#buckets.get(key)
    const refill =
      last === undefined ? burst : last.tokens + (Math.max(0, nowMs - last.atMs) / 1000) * perSecond
    const tokens = Math.min(burst, refill)
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs })
    if (this.#buckets.size > MAX_TRACKED_KEYS) this.#buckets.delete(this.#buckets.keys().next().value!)
    return tokens >= 1
  }
}
