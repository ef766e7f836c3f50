/** What was drawn, and by which weight. */
export interface Drawn {
  readonly item: number
  readonly weight: number
  /** The time it draws, exponentially distributed with its weight as the rate. */
  readonly key: number
}

/**
 * A weighted sample of what is shown to it, without replacement: the items that draw the shortest times, each from an
 * exponential distribution with its weight as the rate, so that an item is first with the chance `weight ÷ sum of all
 * weights`. With exponential jumps it draws numbers only for what it takes (Efraimidis and Spirakis, "Weighted random
 * sampling with a reservoir", Information Processing Letters 97(5), 2006, algorithm A-ExpJ).
 */
export class Reservoir {
  #limit: number
  readonly #random: () => number
  readonly #drawn: Drawn[] = []
  /** Weight that is still let pass before the next item is taken. */
  #left = Number.POSITIVE_INFINITY
  #total = 0

  constructor(limit: number, random: () => number) {
    this.#limit = limit
    this.#random = random
  }

  /** Of the items drawn. */
  get size(): number {
    return this.#drawn.length
  }

  /** Sum of the weights of all that was shown. */
  get totalWeight(): number {
    return this.#total
  }

  /** Goes on with fewer places: those drawn first are a sample of that size, and what comes is drawn against their last. */
  narrow(limit: number): void {
    if (limit >= this.#limit) return
    this.#limit = limit
    if (this.#drawn.length < limit) return
    this.#drawn.length = limit
    if (limit > 0) this.#jump()
  }

  /** @param weight 0 or more; those of 0 are never taken */
  offer(item: number, weight: number): void {
    this.#total += weight
    if (this.#drawn.length < this.#limit) {
      if (weight <= 0) return
      this.#insert({ item, weight, key: this.#exponential() / weight })
      if (this.#drawn.length === this.#limit) this.#jump()
      return
    }
    this.#left -= weight
    if (this.#left > 0 || this.#limit === 0 || weight <= 0) return
    const bound = this.#drawn[this.#limit - 1]!.key
    // A time below the bound, given that it is: the inverse of the distribution cut off there.
    const key = -Math.log1p(-this.#random() * -Math.expm1(-weight * bound)) / weight
    this.#drawn.pop()
    this.#insert({ item, weight, key })
    this.#jump()
  }

  /** What was drawn first comes first; the keys of several reservoirs tell what comes first in them together. */
  items(): readonly Drawn[] {
    return this.#drawn
  }

  #insert(drawn: Drawn): void {
    let at = this.#drawn.length
    while (at > 0 && this.#drawn[at - 1]!.key > drawn.key) at--
    this.#drawn.splice(at, 0, drawn)
  }

  #jump(): void {
    this.#left = this.#exponential() / this.#drawn[this.#limit - 1]!.key
  }

  #exponential(): number {
    return -Math.log(1 - this.#random())
  }
}
