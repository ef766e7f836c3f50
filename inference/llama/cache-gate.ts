/**
 * Lets changes of the cache in between computations. node-llama-cpp keeps its context locked for as
 * long as computations are queued, so beside two running sequences a change of a third's cache would
 * wait until they end: here computations stand back until the changes asked for are made.
 */
export class CacheGate {
  #changes = 0
  #opening: PromiseWithResolvers<void> | null = null

  /** Makes a change; computations begun from now on wait for it. */
  async change(make: () => Promise<void>): Promise<void> {
    this.#changes++
    this.#opening ??= Promise.withResolvers()
    try {
      await make()
    } finally {
      this.#changes--
      if (this.#changes === 0) {
        this.#opening?.resolve()
        this.#opening = null
      }
    }
  }

  /** Begins a computation: at once, or when the changes asked for are made. */
  compute<T>(begin: () => Promise<T>): Promise<T> {
    // Without an extra turn of the event loop on the common path: it is taken for every token.
    return this.#opening === null ? begin() : this.#whenOpen(begin)
  }

  async #whenOpen<T>(begin: () => Promise<T>): Promise<T> {
    while (this.#opening !== null) await this.#opening.promise
    return begin()
  }
}
