/**
 * A uniform sample of what is shown to it, however much that is: reservoir sampling with skips (Li, ACM TOMS 20(4),
 * 1994, algorithm L), which draws random numbers only for what it takes.
 */
export class Reservoir {
  readonly #limit: number
  readonly #random: () => number
  readonly #items: number[] = []
  #seen = 0
  #threshold = 1
  /** Count of the next item that is taken. */
  #next = Number.POSITIVE_INFINITY

  constructor(limit: number, random: () => number) {
    this.#limit = limit
    this.#random = random
  }

  offer(item: number): void {
    const count = this.#seen++
    if (count < this.#limit) {
      this.#items.push(item)
      if (this.#items.length === this.#limit) this.#skip(count)
    } else if (count === this.#next) {
      this.#items[Math.floor(this.#random() * this.#limit)] = item
      this.#skip(count)
    }
  }

  items(): readonly number[] {
    return this.#items
  }

  #skip(from: number): void {
    // `random` may be 0, whose logarithm is none.
    this.#threshold *= Math.exp(Math.log(1 - this.#random()) / this.#limit)
    this.#next = from + 1 + Math.floor(Math.log(1 - this.#random()) / Math.log(1 - this.#threshold))
  }
}
