/**
 * Writes a record that changes faster than the disk takes it: one write at a time, in order, each of the
 * record as it then is. Callers that come during a write share the next one. Two writes at once could reach
 * the disk in either order, and leave the older one there.
 */
export class LatestWriter {
  readonly #put: () => Promise<void>
  /** What has begun or waits; null when nothing does. */
  #last: Promise<void> | null = null
  /** The write that waits and is shared. */
  #next: Promise<void> | null = null

  /** @param put writes the record as it is when called */
  constructor(put: () => Promise<void>) {
    this.#put = put
  }

  /** Resolves when the record, as it is now or newer, has been written. */
  write(): Promise<void> {
    if (this.#last === null) return this.#queue(this.#put)
    this.#next ??= this.#queue(() => {
      this.#next = null
      return this.#put()
    })
    return this.#next
  }

  /** Changes the record and writes it together with others: `change` does both, in its turn. */
  change(change: () => Promise<void>): Promise<void> {
    return this.#queue(change)
  }

  #queue(work: () => Promise<void>): Promise<void> {
    const done = this.#last === null ? work() : this.#last.then(work)
    const last = done
      .catch(() => {})
      .then(() => {
        if (this.#last === last) this.#last = null
      })
    this.#last = last
    return done
  }
}
