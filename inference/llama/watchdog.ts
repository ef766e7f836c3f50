export interface WatchdogOptions {
  pingIntervalMs: number
  /** A process that does not answer a ping for so long hangs. */
  pingTimeoutMs: number
  /** A process that has work and computes nothing for so long hangs. */
  stallTimeoutMs: number
}

export interface Pong {
  ping: number
  computedTokens: number
  isComputing: boolean
}

export type Verdict =
  | { kind: 'fine' }
  | { kind: 'ping'; ping: number }
  | { kind: 'hung'; reason: 'unanswered' | 'stalled' }

/**
 * Tells from pings and answers whether the engine process still lives: its event loop by answering
 * at all, its native code by computing tokens while there is work. Driven by `check`; holds no timer.
 */
export class Watchdog {
  readonly #options: WatchdogOptions
  #ping = 0
  #pingedMs: number
  #answeredMs: number
  #progressedMs: number
  #checkedMs: number
  #isAnswered = true
  #computedTokens = 0

  constructor(options: WatchdogOptions, nowMs: number) {
    this.#options = options
    this.#pingedMs = nowMs
    this.#answeredMs = nowMs
    this.#progressedMs = nowMs
    this.#checkedMs = nowMs
  }

  answered(pong: Pong, nowMs: number): void {
    if (pong.ping !== this.#ping) return
    this.#isAnswered = true
    this.#answeredMs = nowMs
    if (!pong.isComputing || pong.computedTokens !== this.#computedTokens) this.#progressedMs = nowMs
    this.#computedTokens = pong.computedTokens
  }

  check(nowMs: number): Verdict {
    const { pingIntervalMs, pingTimeoutMs, stallTimeoutMs } = this.#options
    // Where this process itself stood still, an answer may wait unread.
    if (nowMs - this.#checkedMs >= pingTimeoutMs / 2) this.#pingedMs = nowMs
    this.#checkedMs = nowMs
    if (!this.#isAnswered && nowMs - this.#pingedMs >= pingTimeoutMs)
      return { kind: 'hung', reason: 'unanswered' }
    if (this.#answeredMs - this.#progressedMs >= stallTimeoutMs) return { kind: 'hung', reason: 'stalled' }
    if (this.#isAnswered && nowMs - this.#pingedMs >= pingIntervalMs) {
      this.#isAnswered = false
      this.#pingedMs = nowMs
      this.#ping += 1
      return { kind: 'ping', ping: this.#ping }
    }
    return { kind: 'fine' }
  }
}
