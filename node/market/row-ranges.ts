/**
 * Hands out ranges of rows whose lengths are powers of two, from a space that doubles when it is full: a buddy
 * allocator (Knowlton, A fast storage allocator, CACM 8(10), 1965). Freed neighbours become one again, so that space
 * left by many small ranges serves large ones.
 */
export class RowRanges {
  /** Starts of free ranges, by the power of their length. */
  readonly #free: Set<number>[] = []
  #power: number

  /** @param capacity rows at first; a power of two */
  constructor(capacity: number) {
    this.#power = Math.log2(capacity)
    if (!Number.isInteger(this.#power)) throw new RangeError('the capacity is a power of two')
    this.#freeOf(this.#power).add(0)
  }

  get capacity(): number {
    return 2 ** this.#power
  }

  /** The start of a free range of 2^`power` rows; the space grows when there is none. */
  take(power: number): number {
    let from = power
    while (from <= this.#power && this.#freeOf(from).size === 0) from++
    if (from > this.#power) {
      this.#grow()
      return this.take(power)
    }
    const start = this.#freeOf(from).values().next().value!
    this.#freeOf(from).delete(start)
    // Of what is too long, the upper halves are given back.
    while (from > power) this.#freeOf(--from).add(start + 2 ** from)
    return start
  }

  /** Takes a range back. */
  give(start: number, power: number): void {
    while (power < this.#power) {
      const buddy = start ^ (2 ** power)
      if (!this.#freeOf(power).delete(buddy)) break
      start = Math.min(start, buddy)
      power++
    }
    this.#freeOf(power).add(start)
  }

  #grow(): void {
    const upper = this.capacity
    this.#power++
    this.give(upper, this.#power - 1)
  }

  #freeOf(power: number): Set<number> {
    for (let next = this.#free.length; next <= power; next++) this.#free.push(new Set())
    return this.#free[power]!
  }
}
