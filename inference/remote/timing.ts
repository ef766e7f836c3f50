import { LinkedAbort } from '../linked-abort.ts'

/** Time as this room needs it; the node's clock is one. */
export interface Timing {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  setTimer(callback: () => void, delayMs: number): { cancel(): void }
}

/** Ends a wait that takes too long, or that nobody waits for any more; pushed further with every sign of life. */
export class Deadline {
  readonly #timing: Timing
  readonly #abort: LinkedAbort
  #timer: { cancel(): void } | null = null
  #isOver = false

  /** @param signal ends it early */
  constructor(timing: Timing, signal?: AbortSignal) {
    this.#timing = timing
    this.#abort = new LinkedAbort(signal)
  }

  /** Aborts when the time is over, or the wait is given up. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether the time is over. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Begins to wait, or begins anew. */
  within(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#timing.setTimer(() => {
      this.#isOver = true
      this.#abort.abort()
    }, delayMs)
  }

  /** Waits no more; until then its signal still aborts when the wait is given up. */
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
