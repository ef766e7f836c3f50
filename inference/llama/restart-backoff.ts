const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 10_000
/** A process that lived so long starts a new count. */
const STABLE_MS = 60_000

/** How long to wait before the engine process is started again: doubling from 100 ms to 10 s. */
export class RestartBackoff {
  #failures = 0

  /** @param livedMs how long the process that just ended had lived */
  nextDelayMs(livedMs: number): number {
    if (livedMs >= STABLE_MS) this.#failures = 0
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, MAX_DELAY_MS)
    this.#failures = Math.min(this.#failures + 1, 32)
    return delayMs
  }
}
