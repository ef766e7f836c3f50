/**
 * Writes a record that changes faster than the disk takes it: one write at a time, in order, each of the
 * record as it then is. Callers that come during a write share the next one.
 */
export class LatestWriter {
  readonly #put: () => Promise<void>
  #current: Promise<void> | null = null
  #next: Promise<void> | null = null

  /** @param put writes the record as it is when called */
  constructor(put: () => Promise<void>) {
    this.#put = put
  }

  /** Resolves when the record, as it is now or newer, has been written. */
  write(): Promise<void> {
    if (this.#next !== null) return this.#next
    // Until the next one has begun, nobody else begins: two at once may reach the disk in either order.
    if (this.#current === null) return this.#begin()
    this.#next = this.#current
      .catch(() => {})
      .then(() => {
        this.#next = null
        return this.#begin()
      })
    return this.#next
  }

  #begin(): Promise<void> {
    const writing = this.#put().finally(() => {
      if (this.#current === writing) this.#current = null
    })
    this.#current = writing
    return writing
  }
}
