/**
 * The brake of one generation: a total of metered tokens that only rises, and the wait for more of
 * it. One waiter at a time.
 */
export class Grant {
  #total: number
  #waiting: { total: number; wake: () => void } | null = null
  #released = false

  constructor(total: number) {
    this.#total = total
  }

  get total(): number {
    return this.#total
  }

  /** Whether the generation stands still for want of a grant. */
  get isWaiting(): boolean {
    return this.#waiting !== null
  }

  /** Raises the total; lower and invalid values are ignored. */
  raise(total: number): void {
    if (!(total > this.#total)) return
    this.#total = total
    if (this.#waiting !== null && this.#waiting.total <= total) this.#wake()
  }

  /** Resolves when the total covers `total`, or on `release`. */
  async covers(total: number): Promise<void> {
    if (this.#total >= total || this.#released) return
    await new Promise<void>(wake => {
      this.#waiting = { total, wake }
    })
  }

  /** Ends the wait, now and later: the generation is over and looks for itself why. */
  release(): void {
    this.#released = true
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.wake()
  }
}
