/**
 * A set of 64-bit hashes in flat memory: 8 bytes an entry at a load of at most 1/2, where a `Set` of strings takes
 * a hundred.
 */
export class HashSet {
  readonly #maxEntries: number
  #high: Uint32Array
  #low: Uint32Array
  #size = 0

  /** @param maxEntries beyond which nothing is added */
  constructor(maxEntries: number, capacity = 1_024) {
    this.#maxEntries = maxEntries
    this.#high = new Uint32Array(capacity)
    this.#low = new Uint32Array(capacity)
  }

  get size(): number {
    return this.#size
  }

  /** @returns whether it is new; what is not known of when the set is full is new each time */
  add(high: number, low: number): boolean {
    // 0, 0 marks a free place.
    const first = high === 0 && low === 0 ? 1 : high
    let at = this.#placeOf(first, low)
    if (this.#isAt(at, first, low)) return false
    if (this.#size >= this.#maxEntries) return true
    if ((this.#size + 1) * 2 > this.#high.length) {
      this.#grow()
      at = this.#placeOf(first, low)
    }
    this.#high[at] = first
    this.#low[at] = low
    this.#size++
    return true
  }

  #placeOf(high: number, low: number): number {
    const mask = this.#high.length - 1
    let at = low & mask
    while ((this.#high[at] !== 0 || this.#low[at] !== 0) && !this.#isAt(at, high, low)) at = (at + 1) & mask
    return at
  }

  #isAt(at: number, high: number, low: number): boolean {
    return this.#high[at] === high >>> 0 && this.#low[at] === low >>> 0
  }

  #grow(): void {
    const [high, low] = [this.#high, this.#low]
    this.#high = new Uint32Array(high.length * 2)
    this.#low = new Uint32Array(high.length * 2)
    for (let i = 0; i < high.length; i++) {
      if (high[i] === 0 && low[i] === 0) continue
      const at = this.#placeOf(high[i]!, low[i]!)
      this.#high[at] = high[i]!
      this.#low[at] = low[i]!
    }
  }
}
