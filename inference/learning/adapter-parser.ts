/// <reference lib="esnext.float16" />
import { GGUF_DEFAULT_ALIGNMENT, GGUF_VALUE_TYPES } from '../models/gguf-format.ts'
import { ggufScalarAt } from '../models/gguf-scalar.ts'
import type { AdapterLimits } from './adapter.ts'
import { bad } from './adapter-metadata.ts'
import { AdapterError } from './errors.ts'

/** A GGUF file as far as an adapter needs it. Every length was checked against the file before it was used. */
export interface ParsedGguf {
  /** Scalars and short texts; null for an array, which is passed over. */
  metadata: ReadonlyMap<string, MetadataValue>
  tensors: readonly ParsedTensor[]
}

type MetadataValue = string | number | bigint | boolean | null

export interface ParsedTensor {
  name: string
  /** ggml's order: the elements of the first dimension are neighbours. */
  shape: readonly [number, number]
  /** Copies the elements out of the file. */
  elements: () => Float32Array
}

const MAX_METADATA_ENTRIES = 256
const MAX_KEY_BYTES = 128
const MAX_TEXT_BYTES = 65_536
const MAX_ARRAY_ELEMENTS = 65_536
const MAX_TENSOR_NAME_BYTES = 63
const VALUE_BYTES: ReadonlyMap<number, number> = new Map([
  [GGUF_VALUE_TYPES.uint8, 1],
  [GGUF_VALUE_TYPES.int8, 1],
  [GGUF_VALUE_TYPES.uint16, 2],
  [GGUF_VALUE_TYPES.int16, 2],
  [GGUF_VALUE_TYPES.uint32, 4],
  [GGUF_VALUE_TYPES.int32, 4],
  [GGUF_VALUE_TYPES.float32, 4],
  [GGUF_VALUE_TYPES.bool, 1],
  [GGUF_VALUE_TYPES.uint64, 8],
  [GGUF_VALUE_TYPES.int64, 8],
  [GGUF_VALUE_TYPES.float64, 8],
])
/** Bytes of an element, by ggml's number of the type: F32, F16, BF16. */
const ELEMENT_BYTES: ReadonlyMap<number, 4 | 2> = new Map([
  [0, 4],
  [1, 2],
  [30, 2],
])

/**
 * Reads a GGUF file (version 3, little-endian; docs/gguf.md of ggml) that may have been made to do harm. Memory
 * taken is bounded by the size of the file, whatever it claims.
 * @throws {AdapterError} NOT_GGUF, TRUNCATED, OVERSIZE, BAD_METADATA, WRONG_TYPE, WRONG_SHAPE
 */
export function parseGguf(bytes: Uint8Array, limits: AdapterLimits): ParsedGguf {
  if (bytes.length > limits.maxBytes)
    throw oversize(`has ${bytes.length} bytes, at most ${limits.maxBytes} are taken`)
  return new Parser(bytes, limits).parse()
}

interface TensorHead {
  name: string
  shape: readonly [number, number]
  type: number
  offset: number
  bytes: number
}

class Parser {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #limits: AdapterLimits
  #at = 0

  constructor(bytes: Uint8Array, limits: AdapterLimits) {
    // A Buffer's slice would be a view of the same memory.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#limits = limits
  }

  parse(): ParsedGguf {
    const magic = Buffer.from(this.#bytes.subarray(0, 4)).toString('latin1')
    if (!'GGUF'.startsWith(magic) || magic === '') throw notGguf('does not begin as GGUF files do')
    this.#take(4)
    const version = this.#uint32()
    if (version !== 3) throw notGguf(`has the GGUF version ${version}, only 3 is taken`)
    const tensorCount = this.#count()
    if (tensorCount > 2 * this.#limits.maxModules)
      throw oversize(`claims ${tensorCount} tensors, at most ${2 * this.#limits.maxModules} are taken`)
    const entryCount = this.#count()
    if (entryCount > MAX_METADATA_ENTRIES)
      throw bad('metadata', `claims ${entryCount} entries, at most ${MAX_METADATA_ENTRIES} are taken`)
    const metadata = this.#metadata(entryCount)
    const heads = this.#tensorHeads(tensorCount)
    return { metadata, tensors: this.#tensors(heads, alignmentOf(metadata)) }
  }

  #metadata(count: number): Map<string, MetadataValue> {
    const metadata = new Map<string, MetadataValue>()
    for (let entry = 0; entry < count; entry++) {
      const key = this.#text(MAX_KEY_BYTES, 'key')
      if (metadata.has(key)) throw bad('metadata', 'has one key twice')
      metadata.set(key, this.#value(this.#uint32()))
    }
    return metadata
  }

  #value(type: number): MetadataValue {
    if (type === GGUF_VALUE_TYPES.array) return this.#passArray()
    if (type === GGUF_VALUE_TYPES.string) return this.#text(MAX_TEXT_BYTES, 'text')
    const bytes = VALUE_BYTES.get(type)
    if (bytes === undefined) throw bad('metadata', `has a value of the unknown type ${type}`)
    const at = this.#take(bytes)
    const view = this.#view
    return ggufScalarAt(view, at, type)
  }

  #passArray(): null {
    const type = this.#uint32()
    const count = this.#count()
    if (count > MAX_ARRAY_ELEMENTS) throw bad('metadata', `has an array of ${count} elements`)
    const bytes = VALUE_BYTES.get(type)
    if (bytes !== undefined) this.#take(bytes * count)
    else if (type === GGUF_VALUE_TYPES.string)
      for (let element = 0; element < count; element++) this.#text(MAX_TEXT_BYTES, 'text')
    else throw bad('metadata', `has an array of the unknown type ${type}`)
    return null
  }

  #tensorHeads(count: number): TensorHead[] {
    const { maxDimension } = this.#limits
    const heads: TensorHead[] = []
    for (let tensor = 0; tensor < count; tensor++) {
      const name = this.#text(MAX_TENSOR_NAME_BYTES, 'tensor name')
      const dimensions = this.#uint32()
      if (dimensions !== 2) throw wrongShape(`has a tensor of ${dimensions} dimensions instead of 2`)
      const shape = [this.#count(), this.#count()] as const
      for (const size of shape) {
        if (size < 1) throw wrongShape('has a tensor without elements')
        if (size > maxDimension)
          throw oversize(`has a tensor of ${size} rows or columns, at most ${maxDimension} are taken`)
      }
      const type = this.#uint32()
      const elementBytes = ELEMENT_BYTES.get(type)
      if (elementBytes === undefined)
        throw new AdapterError('WRONG_TYPE', `the adapter has tensors of ggml's type ${type}`, {
          fix: 'Convert the adapter to F32.',
        })
      heads.push({ name, shape, type, offset: this.#count(), bytes: shape[0] * shape[1] * elementBytes })
    }
    return heads
  }

  #tensors(heads: readonly TensorHead[], alignment: number): ParsedTensor[] {
    const start = Math.ceil(this.#at / alignment) * alignment
    const available = this.#bytes.length - start
    let total = 0
    for (const { offset, bytes } of heads) {
      total += bytes
      if (offset % alignment !== 0) throw wrongShape('has a tensor that is not aligned')
      if (!(offset + bytes <= available)) throw truncated(start + offset + bytes, this.#bytes.length)
    }
    // Tensors that lie over each other would be copied out as more than the file holds.
    if (total > available) throw wrongShape('has tensors that lie over each other')
    return heads.map(({ name, shape, type, offset, bytes }) => ({
      name,
      shape,
      elements: () => decodeElements(type, this.#bytes.slice(start + offset, start + offset + bytes)),
    }))
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  /** An unsigned 64-bit number, as far as it can be counted with. */
  #count(): number {
    const value = this.#view.getBigUint64(this.#take(8), true)
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value)
  }

  #text(maxBytes: number, what: string): string {
    const length = this.#count()
    if (length > maxBytes)
      throw bad('metadata', `has a ${what} of ${length} bytes, at most ${maxBytes} are taken`)
    const at = this.#take(length)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        this.#bytes.subarray(at, at + length),
      )
    } catch {
      throw bad('metadata', `has a ${what} that is no UTF-8`)
    }
  }

  /** Moves past `length` bytes and returns where they begin. */
  #take(length: number): number {
    const at = this.#at
    if (length > this.#bytes.length - at) throw truncated(at + length, this.#bytes.length)
    this.#at = at + length
    return at
  }
}

function alignmentOf(metadata: ReadonlyMap<string, unknown>): number {
  const alignment = metadata.get('general.alignment') ?? GGUF_DEFAULT_ALIGNMENT
  if (typeof alignment === 'number' && [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096].includes(alignment))
    return alignment
  throw bad('metadata', 'has an impossible alignment')
}

/** @param bytes of its own: they may become the result */
function decodeElements(type: number, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (type === 0) {
    if (IS_LITTLE_ENDIAN) return new Float32Array(bytes.buffer)
    return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true))
  }
  if (type === 1)
    return Float32Array.from({ length: bytes.length / 2 }, (_, i) => view.getFloat16(2 * i, true))
  // bfloat16 is the upper half of a float32.
  const wide = new DataView(new ArrayBuffer(4))
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
    wide.setUint16(0, view.getUint16(2 * i, true))
    return wide.getFloat32(0)
  })
}

export const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

const notGguf = (problem: string) =>
  new AdapterError('NOT_GGUF', `the adapter ${problem}`, { fix: 'Name a LoRA adapter in GGUF format.' })

const oversize = (problem: string) =>
  new AdapterError('OVERSIZE', `the adapter ${problem}`, {
    fix: 'Train it with a smaller rank or on fewer layers.',
  })

const truncated = (needed: number, there: number) =>
  new AdapterError('TRUNCATED', `the adapter is cut off: it has ${there} bytes and needs ${needed}`, {
    fix: 'Fetch it again.',
  })

const wrongShape = (problem: string) =>
  new AdapterError('WRONG_SHAPE', `the adapter ${problem}`, {
    fix: 'Use an adapter that was made for this base.',
  })
