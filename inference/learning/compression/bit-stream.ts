import { CompressionError } from './errors.ts'

/** Bits one after the other, the highest of each byte first. */
export class BitWriter {
  #bytes = new Uint8Array(4_096)
  #bits = 0

  /** @param count at most 32 */
  write(value: number, count: number): void {
    this.#reserve(count)
    for (let bit = count - 1; bit >= 0; bit--) {
      if ((value >>> bit) & 1) this.#bytes[this.#bits >> 3]! |= 0x80 >> (this.#bits & 7)
      this.#bits += 1
    }
  }

  /**
   * Golomb-Rice code (Golomb 1966; Rice 1979): the quotient by 2^parameter as so many ones and a zero, then the rest. Within
   * a few hundredths of a bit of the entropy of gaps between places that are kept at random.
   */
  writeRice(value: number, parameter: number): void {
    const quotient = value >>> parameter
    this.#reserve(quotient + 1 + parameter)
    for (let i = 0; i < quotient; i++) {
      this.#bytes[this.#bits >> 3]! |= 0x80 >> (this.#bits & 7)
      this.#bits += 1
    }
    this.#bits += 1
    this.write(value & ((1 << parameter) - 1), parameter)
  }

  /** All that was written; the rest of the last byte is zeros. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, Math.ceil(this.#bits / 8))
  }

  #reserve(bits: number): void {
    const needed = Math.ceil((this.#bits + bits) / 8)
    if (needed <= this.#bytes.length) return
    const bytes = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }
}

/** Reads what `BitWriter` wrote, or what somebody says it did. */
export class BitReader {
  readonly #bytes: Uint8Array
  #bit = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** @throws {CompressionError} TRUNCATED */
  read(count: number): number {
    if (this.#bit + count > this.#bytes.length * 8) throw truncated()
    let value = 0
    for (let i = 0; i < count; i++) value = value * 2 + this.#next()
    return value
  }

  /**
   * @param max the most the value may be; more is not read on
   * @throws {CompressionError} TRUNCATED, OUT_OF_RANGE
   */
  readRice(parameter: number, max: number): number {
    const maxQuotient = Math.floor(max / 2 ** parameter)
    let quotient = 0
    while (this.read(1) === 1) if (++quotient > maxQuotient) throw outOfRange()
    const value = quotient * 2 ** parameter + this.read(parameter)
    if (value > max) throw outOfRange()
    return value
  }

  /** Makes sure that nothing is left but the zeros of the last byte. @throws {CompressionError} NOT_CANONICAL */
  finish(): void {
    const left = this.#bytes.length * 8 - this.#bit
    if (left >= 8 || this.read(left) !== 0)
      throw new CompressionError('NOT_CANONICAL', 'the update goes on after its end')
  }

  #next(): number {
    const bit = (this.#bytes[this.#bit >> 3]! >> (7 - (this.#bit & 7))) & 1
    this.#bit += 1
    return bit
  }
}

function truncated(): CompressionError {
  return new CompressionError('TRUNCATED', 'the update ends before what it announces')
}

function outOfRange(): CompressionError {
  return new CompressionError('OUT_OF_RANGE', 'the update has a weight at a place that there is not')
}
