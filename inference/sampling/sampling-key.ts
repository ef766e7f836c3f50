import { sha256 } from '@noble/hashes/sha2.js'
import { hexToBytes } from '@noble/hashes/utils.js'
import type { Bytes32 } from '../../protocol/ids.ts'
import { ln } from './logarithm.ts'
import { threefry2x32 } from './threefry.ts'

const SEED_BYTES = 32
const POSITION_BYTES = 8
const TWO_26 = 0x400_0000
const TWO_MINUS_52 = 2 ** -52
/** More than the logarithms' last bits. */
const SLACK = 1e-9

/**
 * The random numbers of one answer, each a function of (seed, position, token id) alone. At a position
 * sha2-256(seed ‖ position as 8 bytes, big-endian) begins with the key, two big-endian words; the words of Threefry-2x32-20 under it,
 * with the counter (token id, 0), give u = ((first >> 6) · 2^26 + (second >> 6) + 1/2) / 2^52, which is never 0 or 1.
 */
export class SamplingKey {
  readonly #input = new Uint8Array(SEED_BYTES + POSITION_BYTES)
  readonly #view = new DataView(this.#input.buffer)
  readonly #words = new Uint32Array(2)
  #position = -1
  #key0 = 0
  #key1 = 0

  /** @throws {RangeError} unless the seed is 0x and 64 hex digits */
  constructor(seed: Bytes32) {
    if (!/^0x[0-9a-f]{64}$/.test(seed))
      throw new RangeError('a sampling seed is 0x and 64 lower-case hex digits')
    this.#input.set(hexToBytes(seed.slice(2)))
    this.moveTo(0)
  }

  /**
   * Goes to a token's position in the answer, from 0.
   * @throws {RangeError} unless it is a whole number
   */
  moveTo(position: number): void {
    if (position === this.#position) return
    if (!(Number.isSafeInteger(position) && position >= 0))
      throw new RangeError('a position is a whole number from 0')
    this.#view.setUint32(SEED_BYTES, Math.floor(position / 2 ** 32))
    this.#view.setUint32(SEED_BYTES + 4, position >>> 0)
    const digest = sha256(this.#input)
    this.#key0 = word(digest, 0)
    this.#key1 = word(digest, 4)
    this.#position = position
  }

  /** u of a token at this position, above 0 and below 1. */
  uniform(token: number): number {
    threefry2x32(this.#key0, this.#key1, token, 0, this.#words)
    return this.#uniform()
  }

  /** g = -ln(-ln u) of a token at this position: from -3.6 to 36.8. */
  gumbel(token: number): number {
    return -ln(-ln(this.uniform(token)))
  }

  /** g of a token at this position, or -Infinity where it is certain to be less than `least`: most draws need no logarithm. */
  gumbelFrom(token: number, least: number): number {
    threefry2x32(this.#key0, this.#key1, token, 0, this.#words)
    // -ln u > 1 - u >= left / 2^26, whose logarithm to base 2 is at least that of its highest bit.
    const left = TWO_26 - 1 - (this.#words[0]! >>> 6)
    if (left > 0 && (Math.clz32(left) - 5) * Math.LN2 < least - SLACK) return Number.NEGATIVE_INFINITY
    return -ln(-ln(this.#uniform()))
  }

  #uniform(): number {
    return ((this.#words[0]! >>> 6) * TWO_26 + (this.#words[1]! >>> 6) + 0.5) * TWO_MINUS_52
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
