import type { Clock, Timer } from '../clock.ts'

export interface HealthMonitorOptions {
  /** Longest wait for a sign of life, and for progress where no longer one was to be expected, ms. */
  stallTimeoutMs: number
  /** What is expected of the provider: until the first token, ms, and from then on. */
  expected: { ttftMs: number; tokensPerSecond: number }
  /** Tokens that come at once, at most; default 1. */
  batchTokens?: number
}

const CHECK_EVERY_MS = 100
/** A first token may take so many times as long as was expected. */
const TTFT_TOLERANCE = 3
/** The next tokens may take as long as so many are expected to. */
const GAP_TOKENS = 8
/** Nobody waits longer for the first token, whatever is promised: elsewhere it is quicker. */
const MAX_PROMISE_MS = 120_000
/** What is promised again and again may come to so many times what was promised first. */
const PROMISE_TOLERANCE = 2

/**
 * Watches one attempt and says when its provider is dead or stands still. Dead: no frame of any kind for
 * `stallTimeoutMs`. Standing still: no progress, in tokens of the prompt or the output, for as long or for what
 * was to be expected, whichever is longer. Signs of life alone are no progress; what they promise (a place in
 * the queue, a long prompt) is waited for before the first token, within twice the first such promise.
 *
 * Time in which this node itself was busy or stood still (a slow disk, a suspended machine) counts for nobody.
 */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions
  readonly #clock: Clock
  readonly #onSuspected: () => void
  readonly #onStalled: () => void
  /** Told once for each silence. */
  #suspectedSinceMs: number | null = null
  #heardAtMs: number
  #progressAtMs: number
  #checkedAtMs: number
  #busySinceMs: number | null = null
  #pausedSinceMs: number | null = null
  /** Until when a promise excuses the lack of progress. */
  #promisedUntilMs = 0
  #longestPromiseEndsMs: number | null = null
  #tokens = 0
  #firstTokenAtMs: number | null = null
  #timer: Timer | null = null

  constructor(
    options: HealthMonitorOptions,
    modules: { clock: Clock; onSuspected: () => void; onStalled: () => void },
  ) {
    this.#options = options
    this.#clock = modules.clock
    this.#onSuspected = modules.onSuspected
    this.#onStalled = modules.onStalled
    const nowMs = modules.clock.nowMs()
    this.#heardAtMs = nowMs
    this.#progressAtMs = nowMs
    this.#checkedAtMs = nowMs
  }

  /** Begins to watch. */
  start(): void {
    this.#timer = this.#clock.setTimer(() => this.#check(), CHECK_EVERY_MS)
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /** A frame has come. */
  heard(): void {
    this.#heardAtMs = this.#clock.nowMs()
  }

  /** The task has come on. @param outputTokens new ones; 0 where it was the prompt, or accepted */
  progressed(outputTokens: number): void {
    const nowMs = this.#clock.nowMs()
    this.#progressAtMs = nowMs
    if (outputTokens === 0) return
    this.#firstTokenAtMs ??= nowMs
    this.#tokens += outputTokens
  }

  /** The provider says how long it will be until it comes on. */
  promised(expectedMs: number): void {
    const nowMs = this.#clock.nowMs()
    const promiseMs = Math.min(expectedMs, MAX_PROMISE_MS)
    this.#longestPromiseEndsMs ??= nowMs + PROMISE_TOLERANCE * promiseMs
    this.#promisedUntilMs = Math.max(
      this.#promisedUntilMs,
      Math.min(nowMs + promiseMs, this.#longestPromiseEndsMs),
    )
  }

  /** Runs work of our own, such as writing to disk, that the provider is not to be blamed for. */
  async aside<T>(work: () => Promise<T>): Promise<T> {
    this.#busySinceMs ??= this.#clock.nowMs()
    try {
      return await work()
    } finally {
      const sinceMs = this.#busySinceMs
      this.#busySinceMs = null
      if (sinceMs !== null) this.#forgive(this.#clock.nowMs() - sinceMs)
    }
  }

  /** It waits for something that we have to say: until `resume` nothing is expected of it. Idempotent. */
  pause(): void {
    this.#pausedSinceMs ??= this.#clock.nowMs()
  }

  /** We have said it. Idempotent. */
  resume(): void {
    const sinceMs = this.#pausedSinceMs
    this.#pausedSinceMs = null
    // It may have come on meanwhile; what it has not yet begun has all its time again.
    if (sinceMs !== null) this.#forgive(this.#clock.nowMs() - Math.max(sinceMs, this.#progressAtMs))
  }

  #check(): void {
    const nowMs = this.#clock.nowMs()
    const lateMs = nowMs - this.#checkedAtMs - CHECK_EVERY_MS
    this.#checkedAtMs = nowMs
    const isOurs = this.#busySinceMs !== null || this.#pausedSinceMs !== null
    if (lateMs > CHECK_EVERY_MS && !isOurs) this.#forgive(lateMs)
    if (!isOurs && this.#isStalled(nowMs)) {
      this.#timer = null
      this.#onStalled()
      return
    }
    const sinceMs = Math.max(this.#heardAtMs, this.#progressAtMs)
    if (
      !isOurs &&
      nowMs - sinceMs >= this.#options.stallTimeoutMs / 2 &&
      this.#suspectedSinceMs !== sinceMs
    ) {
      this.#suspectedSinceMs = sinceMs
      this.#onSuspected()
    }
    this.#timer = this.#clock.setTimer(() => this.#check(), CHECK_EVERY_MS)
  }

  #isStalled(nowMs: number): boolean {
    const { stallTimeoutMs } = this.#options
    if (nowMs - this.#heardAtMs >= stallTimeoutMs) return true
    const allowedUntilMs = this.#progressAtMs + Math.max(stallTimeoutMs, this.#expectedMs())
    if (nowMs < allowedUntilMs) return false
    return this.#tokens > 0 || nowMs >= this.#promisedUntilMs + stallTimeoutMs
  }

  /** How long it may take until the next progress, by what is expected and what was seen. */
  #expectedMs(): number {
    const { batchTokens = 1 } = this.#options
    const { ttftMs, tokensPerSecond } = this.#options.expected
    const expectedGapMs = tokensPerSecond > 0 ? 1_000 / tokensPerSecond : 0
    if (this.#firstTokenAtMs === null) return TTFT_TOLERANCE * (ttftMs + (batchTokens - 1) * expectedGapMs)
    const streamedMs = this.#progressAtMs - this.#firstTokenAtMs
    const seenGapMs = this.#tokens > 1 ? streamedMs / (this.#tokens - 1) : 0
    return Math.max(GAP_TOKENS, TTFT_TOLERANCE * (batchTokens - 1)) * Math.max(seenGapMs, expectedGapMs)
  }

  #forgive(ms: number): void {
    this.#heardAtMs += ms
    this.#progressAtMs += ms
    if (this.#firstTokenAtMs !== null) this.#firstTokenAtMs += ms
    this.#promisedUntilMs += ms
    if (this.#longestPromiseEndsMs !== null) this.#longestPromiseEndsMs += ms
  }
}
