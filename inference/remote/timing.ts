/** Time as this room needs it; the node's clock is one. */
export interface Timing {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  setTimer(callback: () => void, delayMs: number): { cancel(): void }
}

/** Ends a wait that takes too long; pushed further with every sign of life. */
export class Deadline {
  readonly #timing: Timing
  readonly #controller = new AbortController()
  #timer: { cancel(): void } | null = null

  constructor(timing: Timing) {
    this.#timing = timing
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Begins to wait, or begins anew. */
  within(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#timing.setTimer(() => this.#controller.abort(), delayMs)
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = null
  }
}

/** @throws the signal's reason when it aborts first */
export function sleep(timing: Timing, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = () => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = timing.setTimer(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, delayMs)
    signal.addEventListener('abort', abort, { once: true })
  })
}
