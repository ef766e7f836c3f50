import { EngineError } from '../engine.ts'
import { cancelled } from './exchange.ts'

/** Lets so many in at once; a bounded number of others wait, first come first served. */
export class WaitingRoom {
  readonly #places: number
  readonly #maxWaiting: number
  readonly #onChange: () => void
  readonly #waiting = new Set<() => void>()
  #taken = 0

  constructor(options: { places: number; maxWaiting: number }, modules: { onChange: () => void }) {
    this.#places = options.places
    this.#maxWaiting = options.maxWaiting
    this.#onChange = modules.onChange
  }

  get taken(): number {
    return this.#taken
  }

  get free(): number {
    return this.#places - this.#taken
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Waits for a place.
   * @returns gives it back; idempotent
   * @throws {EngineError} ENGINE_BUSY when too many wait, CANCELLED
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw cancelled()
    if (this.free > 0) this.#taken++
    else await this.#wait(signal)
    this.#onChange()
    let isIn = true
    return () => {
      if (!isIn) return
      isIn = false
      const [next] = this.#waiting
      // The place goes to whoever has waited longest, and is never free in between.
      if (next === undefined) this.#taken--
      else next()
      this.#onChange()
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#maxWaiting)
      throw new EngineError('ENGINE_BUSY', 'too many requests wait for this service')
    return new Promise((resolve, reject) => {
      const enter = () => {
        this.#waiting.delete(enter)
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiting.delete(enter)
        this.#onChange()
        reject(cancelled())
      }
      this.#waiting.add(enter)
      signal.addEventListener('abort', leave, { once: true })
      this.#onChange()
    })
  }
}
