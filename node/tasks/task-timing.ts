import type { ModelId } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { ServiceSample } from './service-meter.ts'

/** A stopwatch for one task at its provider: how long it took, without waiting for payment. */
export class TaskTiming {
  readonly #clock: Clock
  readonly #arrivedAtMs: number
  #slottedAtMs: number | null = null
  #firstTokenAtMs: number | null = null
  #lastTokenAtMs = 0
  #outputTokens = 0
  #blockedSinceMs: number | null = null
  /** Up to now; up to the first token. */
  #blockedMs = 0
  #blockedBeforeFirstMs = 0

  constructor(modules: { clock: Clock }) {
    this.#clock = modules.clock
    this.#arrivedAtMs = modules.clock.nowMs()
  }

  /** The task has a slot. */
  slotted(): void {
    this.#slottedAtMs = this.#clock.nowMs()
  }

  made(outputTokens: number): void {
    if (outputTokens === 0) return
    this.unblocked()
    const nowMs = this.#clock.nowMs()
    if (this.#firstTokenAtMs === null) {
      this.#firstTokenAtMs = nowMs
      this.#blockedBeforeFirstMs = this.#blockedMs
    }
    this.#lastTokenAtMs = nowMs
    this.#outputTokens += outputTokens
  }

  /** The engine stands still for want of payment. */
  blocked(): void {
    this.#blockedSinceMs ??= this.#clock.nowMs()
  }

  unblocked(): void {
    if (this.#blockedSinceMs === null) return
    this.#blockedMs += this.#clock.nowMs() - this.#blockedSinceMs
    this.#blockedSinceMs = null
  }

  /** For how long it has been standing still for want of payment, ms; 0 while it is not. */
  get blockedMs(): number {
    return this.#blockedSinceMs === null ? 0 : this.#clock.nowMs() - this.#blockedSinceMs
  }

  /** What it came to. */
  sample(model: ModelId, promptTokens: number): ServiceSample {
    this.unblocked()
    const nowMs = this.#clock.nowMs()
    const slottedAtMs = this.#slottedAtMs ?? nowMs
    const firstAtMs = this.#firstTokenAtMs
    const afterFirstMs = this.#blockedMs - this.#blockedBeforeFirstMs
    return {
      ...{ model, promptTokens, outputTokens: this.#outputTokens },
      ttftMs: firstAtMs === null ? null : firstAtMs - this.#arrivedAtMs - this.#blockedBeforeFirstMs,
      serviceMs: nowMs - slottedAtMs - this.#blockedMs,
      prefillMs: firstAtMs === null ? 0 : firstAtMs - slottedAtMs - this.#blockedBeforeFirstMs,
      streamingMs: firstAtMs === null ? 0 : this.#lastTokenAtMs - firstAtMs - afterFirstMs,
    }
  }
}
