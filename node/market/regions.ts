const MAX_CACHED_MASKS = 64

/** Gives the regions providers name dense numbers, each for as long as anybody names it. */
export class Regions {
  readonly #numbers = new Map<string, { number: number; uses: number }>()
  readonly #names: (string | null)[] = []
  readonly #free: number[] = []
  readonly #masks = new Map<string, Uint8Array>()

  /** The number of a region, for one more user; -1 for none. */
  use(region: string | null): number {
    if (region === null) return -1
    const name = region.toLowerCase()
    const known = this.#numbers.get(name)
    if (known !== undefined) {
      known.uses++
      return known.number
    }
    const number = this.#free.pop() ?? this.#names.length
    this.#names[number] = name
    this.#numbers.set(name, { number, uses: 1 })
    this.#masks.clear()
    return number
  }

  /** Ends one use. */
  release(number: number): void {
    const name = this.#names[number]
    if (name === undefined || name === null) return
    const known = this.#numbers.get(name)!
    if (--known.uses > 0) return
    this.#numbers.delete(name)
    this.#names[number] = null
    this.#free.push(number)
    this.#masks.clear()
  }

  /** 1 at the numbers of regions that are this one or begin with it and a hyphen. Not to be changed. */
  mask(region: string): Uint8Array {
    const prefix = region.toLowerCase()
    let mask = this.#masks.get(prefix)
    if (mask === undefined) {
      mask = Uint8Array.from(this.#names, name =>
        name !== null && (name === prefix || name.startsWith(`${prefix}-`)) ? 1 : 0,
      )
      if (this.#masks.size >= MAX_CACHED_MASKS) this.#masks.clear()
      this.#masks.set(prefix, mask)
    }
    return mask
  }
}
