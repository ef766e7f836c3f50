/**
 * A controller that aborts when any of its parents does, too. `AbortSignal.any` does the same without its parents holding
 * on to it, for which several of them, one from the other, take five times as long (measured: 38 µs beside 7 for seven):
 * felt on the way of every request. Here parents hold it until they abort or `unlink` is called.
 */
export class LinkedAbort {
  readonly #controller = new AbortController()
  readonly #parents: readonly (AbortSignal | undefined)[]
  readonly #onAbort = ({ target }: Event): void => this.#controller.abort((target as AbortSignal).reason)

  constructor(...parents: (AbortSignal | undefined)[]) {
    this.#parents = parents
    for (const parent of parents) {
      if (parent?.aborted) this.#controller.abort(parent.reason)
      else parent?.addEventListener('abort', this.#onAbort, { once: true })
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Idempotent. */
  abort(reason?: unknown): void {
    this.#controller.abort(reason)
  }

  /** Hears its parents no more: to be called where one of them lives longer. Idempotent. */
  unlink(): void {
    for (const parent of this.#parents) parent?.removeEventListener('abort', this.#onAbort)
  }
}
