/** A seeded stream of random numbers (sfc32, Doty-Humphrey's PractRand), so that a run can be repeated exactly. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.#a = 0x9e3779b9 ^ seed
    this.#b = 0x243f6a88
    this.#c = seed | 0
    for (let i = 0; i < 15; i++) this.uniform()
  }

  /** Uniform in [0, 1). Bound, so that it can be handed on. */
  readonly uniform = (): number => {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }

  /** A stream of its own, so that what one part draws does not shift what others do. */
  fork(): Random {
    return new Random(Math.floor(this.uniform() * 2 ** 32))
  }

  chance(probability: number): boolean {
    return this.uniform() < probability
  }

  below(n: number): number {
    return Math.floor(this.uniform() * n)
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform()
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform())
  }

  /** Log-normal about `median`; `sigma` of its logarithm (Box–Muller). */
  logNormal(median: number, sigma: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform())
    return median * Math.exp(sigma * normal)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  /** `count` different ones, all if there are not so many. */
  sample<T>(items: readonly T[], count: number): T[] {
    const pool = [...items]
    const wanted = Math.min(count, pool.length)
    for (let i = 0; i < wanted; i++) {
      const j = i + this.below(pool.length - i)
      const taken = pool[j]!
      pool[j] = pool[i]!
      pool[i] = taken
    }
    return pool.slice(0, wanted)
  }

  /** An index, with a chance in proportion to its weight; -1 when no weight is positive. */
  weighted(weights: readonly number[]): number {
    let total = 0
    for (const weight of weights) total += weight
    if (!(total > 0)) return -1
    let left = this.uniform() * total
    for (let i = 0; i < weights.length; i++) {
      left -= weights[i]!
      if (left < 0) return i
    }
    return weights.findLastIndex(weight => weight > 0)
  }

  hex(characters: number): string {
    let text = ''
    while (text.length < characters)
      text += this.below(2 ** 32)
        .toString(16)
        .padStart(8, '0')
    return text.slice(0, characters)
  }
}
