import type { Clock } from '../../clock.ts'

const WINDOW_MS = 60_000
const MAX_KEYS = 50_000

interface Counted {
  /** Which minute `current` counts. */
  window: number
  current: number
  /** In the minute before. */
  before: number
}

/**
 * Counts requests of the last minute for each key, by a sliding window: this minute's, and of the minute before the
 * share that is less than a minute ago. Whoever asks more than may be asked is told when to come back.
 */
export class RateLimits {
  readonly #clock: Clock
  /** The least recently counted first. */
  readonly #counted = new Map<string, Counted>()

  constructor(modules: { clock: Clock }) {
    this.#clock = modules.clock
  }

  /**
   * Counts one more, unless it is too much.
   * @returns 0, or after how many ms the next one is let through
   */
  take(key: string, perMinute: number): number {
    const nowMs = this.#clock.nowMs()
    const window = Math.floor(nowMs / WINDOW_MS)
    const old = this.#counted.get(key)
    const counted: Counted =
      old === undefined || old.window > window || old.window < window - 1
        ? { window, current: 0, before: 0 }
        : old.window === window
          ? old
          : { window, current: 0, before: old.current }
    const elapsedMs = nowMs - window * WINDOW_MS
    const { current, before } = counted
    const isFree = before * (1 - elapsedMs / WINDOW_MS) + current + 1 <= perMinute
    if (isFree) counted.current++
    this.#counted.delete(key)
    this.#counted.set(key, counted)
    if (this.#counted.size > MAX_KEYS) {
      const [oldest] = this.#counted.keys()
      this.#counted.delete(oldest!)
    }
    return isFree ? 0 : waitMs(counted, elapsedMs, perMinute)
  }
}

/** Until the share of what was before leaves room for one. */
function waitMs({ current, before }: Counted, elapsedMs: number, perMinute: number): number {
  const room = perMinute - current - 1
  if (room >= 0 && before > 0) return Math.max(1, Math.ceil(WINDOW_MS * (1 - room / before) - elapsedMs))
  const nextMs = current > 0 ? Math.max(0, WINDOW_MS * (1 - (perMinute - 1) / current)) : 0
  return Math.max(1, Math.ceil(WINDOW_MS - elapsedMs + nextMs))
}
