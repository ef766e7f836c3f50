/** Which chunks of a blob are to be asked for, and of whom they have been. */
export class ChunkClaims<Holder> {
  /** Missing chunks, and who was asked for each. */
  readonly #missing = new Map<number, Set<Holder>>()
  readonly #count: number
  readonly #random: () => number
  #unclaimed: number

  /** @param modules.random uniform in [0, 1): each who fetches begins elsewhere, so that they have different chunks to give each other */
  constructor(
    options: { count: number; has: (index: number) => boolean },
    modules: { random: () => number },
  ) {
    this.#count = options.count
    this.#random = modules.random
    for (let index = 0; index < options.count; index++)
      if (!options.has(index)) this.#missing.set(index, new Set())
    this.#unclaimed = this.#missing.size
  }

  /** Chunks that are not here. */
  get size(): number {
    return this.#missing.size
  }

  /** Those of them that nobody is asked for. */
  get unclaimed(): number {
    return this.#unclaimed
  }

  isMissing(index: number): boolean {
    return this.#missing.has(index)
  }

  /**
   * Claims a run of chunks that nobody is asked for.
   * @param has whether the holder has a chunk
   * @returns null where there is none for this holder
   */
  claim(
    holder: Holder,
    has: (index: number) => boolean,
    maxCount: number,
  ): { first: number; count: number } | null {
    const first = this.#find(has)
    if (first === null) return null
    let count = 0
    while (count < maxCount && this.#isFree(first + count) && has(first + count)) {
      this.#missing.get(first + count)!.add(holder)
      count += 1
    }
    this.#unclaimed -= count
    return { first, count }
  }

  /** Claims a chunk that one other is asked for. @returns false where it cannot be had so */
  share(holder: Holder, index: number): boolean {
    const claimants = this.#missing.get(index)
    if (claimants?.size !== 1 || claimants.has(holder)) return false
    claimants.add(holder)
    return true
  }

  /** A chunk has come. */
  done(index: number): void {
    if (this.#isFree(index)) this.#unclaimed -= 1
    this.#missing.delete(index)
  }

  /** A holder will not give a chunk. */
  release(holder: Holder, index: number): void {
    const claimants = this.#missing.get(index)
    if (claimants?.delete(holder) === true && claimants.size === 0) this.#unclaimed += 1
  }

  #isFree(index: number): boolean {
    return this.#missing.get(index)?.size === 0
  }

  #find(has: (index: number) => boolean): number | null {
    if (this.#unclaimed === 0) return null
    const start = Math.floor(this.#random() * this.#count)
    for (let i = 0; i < this.#count; i++) {
      const index = (start + i) % this.#count
      if (this.#isFree(index) && has(index)) return index
    }
    return null
  }
}
