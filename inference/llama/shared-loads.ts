import { EngineError } from '../engine.ts'

interface SharedLoad<T> {
  result: Promise<T>
  controller: AbortController
  callers: number
}

/**
 * Lets callers that want the same thing loaded share one load. One of them giving up does not disturb
 * the others; the load itself is aborted when the last has given up.
 */
export class SharedLoads<T> {
  readonly #loads = new Map<string, SharedLoad<T>>()

  /** Resolves when no load is under way. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#loads.values()].map(load => load.result))
  }

  /** @throws {EngineError} CANCELLED when `signal` aborts, or what `work` throws */
  async run(
    key: string,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted === true) throw cancelled(key)
    const load = this.#loads.get(key) ?? this.#begin(key, work)
    load.callers += 1
    const { promise: givenUp, reject } = Promise.withResolvers<never>()
    const giveUp = () => reject(cancelled(key))
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      return await Promise.race([load.result, givenUp])
    } finally {
      signal?.removeEventListener('abort', giveUp)
      load.callers -= 1
      if (load.callers === 0) {
        load.controller.abort()
        if (this.#loads.get(key) === load) this.#loads.delete(key)
      }
    }
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): SharedLoad<T> {
    const controller = new AbortController()
    const load: SharedLoad<T> = { result: work(controller.signal), controller, callers: 0 }
    load.result.catch(() => {})
    this.#loads.set(key, load)
    return load
  }
}

function cancelled(key: string): EngineError {
  return new EngineError('CANCELLED', `loading ${key} was cancelled`)
}
