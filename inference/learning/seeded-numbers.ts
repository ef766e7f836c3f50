import { createHash } from 'node:crypto'
import { threefry2x32 } from '../sampling/threefry.ts'

/** A stream of random numbers that a seed and a purpose name; the same on every machine. */
export class SeededNumbers {
  readonly #key: readonly [number, number]
  readonly #words = new Uint32Array(2)
  #counter = 0
  #hasSpare = false

  /** @param purpose different ones have streams that have nothing to do with each other */
  constructor(seed: number, purpose: string) {
    const digest = createHash('sha256').update(`shoal/1/learning ${purpose} ${seed}`).digest()
    this.#key = [digest.readUInt32LE(0), digest.readUInt32LE(4)]
  }

  /** 32 random bits. */
  word(): number {
    if (this.#hasSpare) {
      this.#hasSpare = false
      return this.#words[1]!
    }
    threefry2x32(
      this.#key[0],
      this.#key[1],
      this.#counter >>> 0,
      Math.floor(this.#counter / 2 ** 32),
      this.#words,
    )
    this.#counter += 1
    this.#hasSpare = true
    return this.#words[0]!
  }

  /** A whole number from 0 to `limit` - 1, each as likely. @param limit at most 2³² */
  below(limit: number): number {
    const fair = 2 ** 32 - (2 ** 32 % limit)
    for (;;) {
      const word = this.word()
      if (word < fair) return word % limit
    }
  }

  /** From -1 to 1, on a grid of 2⁻²³: exact in 32 bits. */
  symmetric(): number {
    return (this.word() >>> 8) / 2 ** 23 - 1
  }

  /** Fisher and Yates. */
  shuffle<T>(items: T[]): T[] {
    for (let last = items.length - 1; last > 0; last--) {
      const other = this.below(last + 1)
      const item = items[last]!
      items[last] = items[other]!
      items[other] = item
    }
    return items
  }
}
