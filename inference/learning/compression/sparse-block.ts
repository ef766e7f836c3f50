import type { BitReader, BitWriter } from './bit-stream.ts'
import { CompressionError } from './errors.ts'

/** How the weights of a block are written. */
export interface BlockFormat {
  /** Bits of a weight, its sign included; 1 to 8. */
  bits: number
  /** Weights of a block; the last of a tensor may have fewer. */
  length: number
}

const RICE_PARAMETER_BITS = 4
const HIGH_BITS = 16
const LOW_STEPS = 256
const LOW_BITS = 8

/** Bits that tell how many weights of a block are kept. */
export function countBits(length: number): number {
  return 32 - Math.clz32(length)
}

/** The most bits a block can take: every weight kept, each gap one bit, and one more for every place that is passed. */
export function maxBlockBits({ bits, length }: BlockFormat): number {
  return countBits(length) + RICE_PARAMETER_BITS + HIGH_BITS + LOW_BITS + length * (bits + 2 + 15)
}

/**
 * Writes the kept weights of one block: how many, the least and the greatest magnitude, then for each the gap to the one
 * before it and its sign and magnitude. Of L = 2^(bits-1) equal steps between the least and the greatest magnitude the
 * middle of one stands for each weight.
 * @param values the block's weights
 * @param places those that are kept, rising
 * @returns what a reader will have in the places, in their order
 */
export function writeBlock(
  writer: BitWriter,
  format: BlockFormat,
  values: Float32Array,
  places: readonly number[],
): Float32Array {
  writer.write(places.length, countBits(values.length))
  const restored = new Float32Array(places.length)
  if (places.length === 0) return restored
  let least = Number.POSITIVE_INFINITY
  let greatest = 0
  for (const place of places) {
    const magnitude = Math.abs(values[place]!)
    if (magnitude < least) least = magnitude
    if (magnitude > greatest) greatest = magnitude
  }
  const high = roundedUp(greatest)
  const lowStep = Math.min(LOW_STEPS - 1, Math.floor((least / high) * LOW_STEPS))
  const scale = new Scale(high, lowStep, format.bits)
  const parameter = bestParameter(places)
  writer.write(upperHalf(high), HIGH_BITS)
  writer.write(lowStep, LOW_BITS)
  writer.write(parameter, RICE_PARAMETER_BITS)
  let next = 0
  for (const [i, place] of places.entries()) {
    const value = values[place]!
    const step = scale.stepOf(Math.abs(value))
    writer.writeRice(place - next, parameter)
    writer.write(value < 0 ? 1 : 0, 1)
    writer.write(step, format.bits - 1)
    restored[i] = value < 0 ? -scale.magnitude(step) : scale.magnitude(step)
    next = place + 1
  }
  return restored
}

/**
 * Reads a block that may come from anybody and adds it to `values`.
 * @throws {CompressionError} TRUNCATED, OUT_OF_RANGE, NOT_FINITE, NOT_CANONICAL
 */
export function addBlock(reader: BitReader, format: BlockFormat, values: Float32Array): void {
  const count = reader.read(countBits(values.length))
  if (count > values.length)
    throw new CompressionError('OUT_OF_RANGE', 'a block keeps more weights than it has')
  if (count === 0) return
  const high = fromUpperHalf(reader.read(HIGH_BITS))
  // Infinities and what is not a number, negative ones, and nothing at all.
  if (!(high > 0 && high < Number.POSITIVE_INFINITY))
    throw new CompressionError('NOT_FINITE', 'a block has no finite scale')
  const scale = new Scale(high, reader.read(LOW_BITS), format.bits)
  const parameter = reader.read(RICE_PARAMETER_BITS)
  let next = 0
  for (let i = 0; i < count; i++) {
    // As many places as are still to come have to be left.
    const place = next + reader.readRice(parameter, values.length - (count - i) - next)
    const isNegative = reader.read(1) === 1
    const magnitude = scale.magnitude(reader.read(format.bits - 1))
    values[place]! += isNegative ? -magnitude : magnitude
    if (!Number.isFinite(values[place]!))
      throw new CompressionError('NOT_FINITE', 'a weight is not a number, or infinite')
    next = place + 1
  }
}

/** Magnitudes of a block; only + - * /, so that they are the same to the bit on every machine. */
class Scale {
  readonly #low: number
  readonly #width: number
  readonly #steps: number

  constructor(high: number, lowStep: number, bits: number) {
    this.#steps = 2 ** (bits - 1)
    this.#low = (high * lowStep) / LOW_STEPS
    this.#width = (high - this.#low) / this.#steps
  }

  stepOf(magnitude: number): number {
    const step = Math.floor((magnitude - this.#low) / this.#width)
    return Math.min(Math.max(step, 0), this.#steps - 1)
  }

  magnitude(step: number): number {
    return Math.fround(this.#low + this.#width * (step + 0.5))
  }
}

const floats = new Float32Array(1)
const words = new Uint32Array(floats.buffer)

/** The least number that is not less and whose float has nothing in its lower half (bfloat16). */
function roundedUp(value: number): number {
  floats[0] = value
  if ((words[0]! & 0xffff) !== 0) words[0] = (words[0]! | 0xffff) + 1
  // At the very end of the range there is none.
  return Math.min(floats[0]!, fromUpperHalf(0x7f7f))
}

function upperHalf(value: number): number {
  floats[0] = value
  return words[0]! >>> 16
}

function fromUpperHalf(half: number): number {
  words[0] = half << 16
  return floats[0]!
}

/** The parameter with which the gaps take the fewest bits. */
function bestParameter(places: readonly number[]): number {
  let best = 0
  let fewest = Number.POSITIVE_INFINITY
  for (let parameter = 0; parameter < 2 ** RICE_PARAMETER_BITS; parameter++) {
    let bits = places.length * (1 + parameter)
    let next = 0
    for (const place of places) {
      bits += (place - next) >>> parameter
      next = place + 1
    }
    if (bits < fewest) {
      fewest = bits
      best = parameter
    }
  }
  return best
}
