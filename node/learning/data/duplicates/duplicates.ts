import { createHash } from 'node:crypto'
import { HashSet } from './hash-set.ts'
import { SIGNATURE_BYTES, signatureOf } from './min-hash.ts'
import { NearDuplicates } from './near-duplicates.ts'

/** From which estimated likeness on two rows are the same. */
const LIKENESS = 0.85
/** 64 MiB of hashes. */
const MAX_ROWS = 4_000_000
/** About 100 MiB; beyond, only what is exactly the same is found. */
const MAX_COMPARED_ROWS = 400_000
const HASH_BYTES = 8

/** Of a row: its hash, then its signature, all zeros where it is too short for one. */
const PRINT_BYTES = HASH_BYTES + SIGNATURE_BYTES

/** Tells rows that have been there before, exactly or nearly. */
export class Duplicates {
  readonly #exact = new HashSet(MAX_ROWS)
  readonly #near = new NearDuplicates({ threshold: LIKENESS, maxTexts: MAX_COMPARED_ROWS })
  readonly #keepSimilar: boolean

  constructor(options: { keepSimilar?: boolean } = {}) {
    this.#keepSimilar = options.keepSimilar ?? false
  }

  /** Whether so many rows are known that later ones are not compared by likeness. */
  get isFull(): boolean {
    return this.#near.isFull
  }

  /** @returns why a row is none of its own, or what to know it by from now on */
  add(words: readonly string[]): 'duplicate' | 'similar' | Uint8Array {
    const hash = createHash('sha256').update(words.join(' ')).digest()
    if (!this.#exact.add(hash.readUInt32LE(0), hash.readUInt32LE(4))) return 'duplicate'
    const print = new Uint8Array(PRINT_BYTES)
    print.set(hash.subarray(0, HASH_BYTES))
    const signature = this.#keepSimilar ? null : signatureOf(words)
    if (signature === null) return print
    if (!this.#near.add(signature)) return 'similar'
    print.set(signature, HASH_BYTES)
    return print
  }

  /** Makes rows of another data set known by what `add` returned for them, one after the other. */
  know(prints: Uint8Array): void {
    const view = new DataView(prints.buffer, prints.byteOffset, prints.byteLength)
    for (let at = 0; at + PRINT_BYTES <= prints.length; at += PRINT_BYTES) {
      this.#exact.add(view.getUint32(at, true), view.getUint32(at + 4, true))
      const signature = prints.subarray(at + HASH_BYTES, at + PRINT_BYTES)
      if (signature.some(byte => byte !== 0)) this.#near.add(signature)
    }
  }
}
