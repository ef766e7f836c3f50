/** A time-out of which only the time counts that it is not held. */
export class RunningTimer {
  readonly #onEnd: () => void
  readonly #totalMs: number
  #leftMs: number
  #startedMs = 0
  #timer: NodeJS.Timeout | null = null

  /** It runs from the beginning. */
  constructor(totalMs: number, onEnd: () => void) {
    this.#totalMs = totalMs
    this.#leftMs = totalMs
    this.#onEnd = onEnd
    this.resume()
  }

  /** Begins anew. */
  restart(): void {
    this.#leftMs = this.#totalMs
    if (this.#timer === null) return
    this.hold()
    this.#leftMs = this.#totalMs
    this.resume()
  }

  hold(): void {
    if (this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
    this.#leftMs -= performance.now() - this.#startedMs
  }

  resume(): void {
    if (this.#timer !== null) return
    this.#startedMs = performance.now()
    // Longer spans than a timer takes are waited for in parts.
    const spanMs = Math.min(Math.max(0, this.#leftMs), 2 ** 31 - 1)
    this.#timer = setTimeout(() => {
      this.hold()
      if (this.#leftMs <= 1) this.#onEnd()
      else this.resume()
    }, spanMs)
  }
}
