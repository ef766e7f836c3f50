export interface TimeSlicesOptions {
  /** How long work may go on before others have their turn, ms. */
  sliceMs?: number
  /** Pieces that may wait. */
  maxWaiting: number
}

const SLICE_MS = 2

/**
 * Does many short pieces of work on the event loop without holding it up: pieces that come faster than they are done
 * wait, and after each slice of time everything else has its turn.
 */
export class TimeSlices {
  readonly #options: Required<TimeSlicesOptions>
  readonly #nowMs: () => number
  readonly #nextTurn: (work: () => void) => void
  #waiting: (() => void)[] = []
  #done = 0
  #running = false
  #stopped = false

  /** @param modules where time and turns come from, unless from the platform */
  constructor(
    options: TimeSlicesOptions,
    modules: { nowMs?: () => number; nextTurn?: (work: () => void) => void } = {},
  ) {
    this.#options = { sliceMs: SLICE_MS, ...options }
    this.#nowMs = modules.nowMs ?? (() => performance.now())
    this.#nextTurn = modules.nextTurn ?? (work => void setImmediate(work))
  }

  /** Pieces that wait. */
  get waiting(): number {
    return this.#waiting.length - this.#done
  }

  /**
   * Does a piece of work when its turn comes; what waits longer is done earlier.
   * @returns what it returns; null at once when too much waits, or when stopped before its turn
   * @throws what it throws
   */
  run<T>(work: () => T): Promise<T | null> {
    if (this.#stopped || this.waiting >= this.#options.maxWaiting) return Promise.resolve(null)
    return new Promise<T | null>((resolve, reject) => {
      this.#waiting.push(() => {
        if (this.#stopped) return resolve(null)
        try {
          resolve(work())
        } catch (error) {
          reject(error)
        }
      })
      if (this.#running) return
      this.#running = true
      this.#nextTurn(() => this.#slice())
    })
  }

  /** Does nothing more; what waits is answered with null. Idempotent. */
  stop(): void {
    this.#stopped = true
    for (const work of this.#waiting.slice(this.#done)) work()
    this.#waiting = []
    this.#done = 0
  }

  #slice(): void {
    const endMs = this.#nowMs() + this.#options.sliceMs
    do {
      const work = this.#waiting[this.#done]
      if (work === undefined) break
      this.#done++
      work()
    } while (this.#nowMs() < endMs)
    if (this.#done < this.#waiting.length) this.#nextTurn(() => this.#slice())
    else {
      this.#running = false
      this.#waiting = []
      this.#done = 0
    }
  }
}
