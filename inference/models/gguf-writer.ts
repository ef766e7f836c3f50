import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import type { ReadableType } from './dequantize.ts'
import { GGUF_DEFAULT_ALIGNMENT, GGUF_VALUE_TYPES } from './gguf-format.ts'
import { TENSOR_TYPES, type TensorType } from './gguf-types.ts'
import { quantize, WRITABLE_TYPES, type WritableType } from './quantize.ts'

type Scalars = { string: string; bool: boolean; uint64: bigint; int64: bigint } & {
  [T in Exclude<keyof typeof GGUF_VALUE_TYPES, 'array' | 'string' | 'bool' | 'uint64' | 'int64'>]: number
}
/** A metadata value with the type it has in the file. */
export type GgufValue = {
  [T in keyof Scalars]:
    | { type: T; value: Scalars[T] }
    | { type: 'array'; of: T; value: readonly Scalars[T][] }
}[keyof Scalars]

/** A tensor whose elements are made or read only when their turn comes. */
export interface GgufTensor {
  name: string
  /** ggml's order: the first dimension is the one whose elements are neighbours. */
  shape: readonly number[]
  type: WritableType
  /** All elements in order, in pieces of any length; asked for once. */
  elements: () => Iterable<Float32Array> | AsyncIterable<Float32Array>
}

/** A tensor that is packed already. */
export interface PackedTensor {
  name: string
  shape: readonly number[]
  packed: ReadableType
  /** All of it in order, in pieces of any length; asked for once. */
  bytes: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>
}

export interface GgufFile {
  /** In the order of the file; `general.architecture` is what readers look for first. */
  metadata: Readonly<Record<string, GgufValue>>
  tensors: readonly (GgufTensor | PackedTensor)[]
  /** Tensor data begins at multiples of this many bytes. Defaults to 32. */
  alignment?: number
}

/** Elements quantised and written at a time. */
const PIECE_ELEMENTS = 262_144

/**
 * Writes a GGUF v3 file, little-endian (docs/gguf.md of ggml). Tensors are streamed: memory is bounded by
 * the metadata and the caller's largest piece, whatever the file's size. The file appears under its name
 * only when complete.
 *
 * @returns the size of the file in bytes
 * @throws {RangeError} when shapes, names, pieces or numbers cannot be written; nothing is left behind
 */
export async function writeGguf(path: string, file: GgufFile): Promise<number> {
  const alignment = file.alignment ?? GGUF_DEFAULT_ALIGNMENT
  const head = encodeGgufHead(file, alignment)
  const unfinished = `${path}.${process.pid}.part`
  const handle = await open(unfinished, 'w')
  try {
    const out = new Output(handle, alignment)
    await out.write(head)
    for (const tensor of file.tensors) {
      await ('packed' in tensor ? writePacked(out, tensor) : writeTensor(out, tensor))
      await out.align()
    }
    await handle.sync()
    await handle.close()
    await rename(unfinished, path)
    return out.bytes
  } catch (error) {
    await handle.close()
    await rm(unfinished, { force: true })
    throw error
  }
}

class Output {
  bytes = 0
  readonly #handle: FileHandle
  readonly #alignment: number

  constructor(handle: FileHandle, alignment: number) {
    this.#handle = handle
    this.#alignment = alignment
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += (await this.#handle.write(bytes, done, bytes.length - done)).bytesWritten
    }
    this.bytes += bytes.length
  }

  async align(): Promise<void> {
    const rest = this.bytes % this.#alignment
    if (rest > 0) await this.write(new Uint8Array(this.#alignment - rest))
  }
}

async function writeTensor(out: Output, tensor: GgufTensor): Promise<void> {
  const { blockElements } = WRITABLE_TYPES[tensor.type]
  const expected = elementCount(tensor)
  let seen = 0
  let rest = new Float32Array(0)
  for await (const piece of tensor.elements()) {
    seen += piece.length
    let left: Float32Array = rest.length === 0 ? piece : joined(rest, piece)
    while (left.length >= blockElements) {
      const whole = Math.min(PIECE_ELEMENTS, left.length - (left.length % blockElements))
      await out.write(quantize(tensor.type, left.subarray(0, whole)))
      left = left.subarray(whole)
    }
    rest = left.slice()
  }
  if (seen !== expected) {
    throw new RangeError(
      `tensor ${tensor.name} has ${seen} elements, its shape [${tensor.shape}] ${expected}`,
    )
  }
}

async function writePacked(out: Output, tensor: PackedTensor): Promise<void> {
  let seen = 0
  for await (const piece of tensor.bytes()) {
    seen += piece.length
    await out.write(piece)
  }
  if (seen !== dataBytes(tensor)) {
    throw new RangeError(`tensor ${tensor.name} has ${seen} bytes, its shape and type ${dataBytes(tensor)}`)
  }
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const both = new Float32Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}

function elementCount(tensor: GgufTensor | PackedTensor): number {
  return tensor.shape.reduce((product, size) => product * size, 1)
}

const TYPES_BY_NAME: ReadonlyMap<string, TensorType & { id: number }> = new Map(
  [...TENSOR_TYPES].map(([id, type]) => [type.name, { ...type, id }]),
)

function typeOf(tensor: GgufTensor | PackedTensor): TensorType & { id: number } {
  return TYPES_BY_NAME.get('packed' in tensor ? tensor.packed : tensor.type)!
}

function dataBytes(tensor: GgufTensor | PackedTensor): number {
  const { blockElements, blockBytes } = typeOf(tensor)
  return (elementCount(tensor) / blockElements) * blockBytes
}

/**
 * What comes before the tensors' data: version, metadata, names, shapes and offsets, padded.
 * @throws {RangeError} when shapes, names or numbers cannot be written
 */
export function encodeGgufHead(file: GgufFile, alignment: number = GGUF_DEFAULT_ALIGNMENT): Uint8Array {
  if (!Number.isInteger(alignment) || alignment < 8 || alignment % 8 !== 0) {
    throw new RangeError(`alignment ${alignment} is no multiple of 8`)
  }
  const metadata = Object.entries(file.metadata)
  if (alignment !== GGUF_DEFAULT_ALIGNMENT && !('general.alignment' in file.metadata)) {
    metadata.push(['general.alignment', { type: 'uint32', value: alignment }])
  }
  const names = new Set<string>()
  const bytes = new HeadBytes()
  bytes.ascii('GGUF')
  bytes.scalar('uint32', 3)
  bytes.scalar('uint64', BigInt(file.tensors.length))
  bytes.scalar('uint64', BigInt(metadata.length))
  for (const [key, value] of metadata) {
    bytes.scalar('string', key)
    bytes.value(value)
  }
  let offset = 0
  for (const tensor of file.tensors) {
    checkTensor(tensor)
    if (names.has(tensor.name)) throw new RangeError(`two tensors are named ${tensor.name}`)
    names.add(tensor.name)
    bytes.scalar('string', tensor.name)
    bytes.scalar('uint32', tensor.shape.length)
    for (const size of tensor.shape) bytes.scalar('uint64', BigInt(size))
    bytes.scalar('uint32', typeOf(tensor).id)
    bytes.scalar('uint64', BigInt(offset))
    offset += Math.ceil(dataBytes(tensor) / alignment) * alignment
  }
  return bytes.padded(alignment)
}

function checkTensor(tensor: GgufTensor | PackedTensor): void {
  const { name, shape } = tensor
  const type = typeOf(tensor)
  if (name.length === 0 || Buffer.byteLength(name) > 63) {
    throw new RangeError(`tensor name "${name}" is not 1 to 63 bytes long`)
  }
  if (shape.length < 1 || shape.length > 4 || !shape.every(size => Number.isSafeInteger(size) && size > 0)) {
    throw new RangeError(`tensor ${name} has an impossible shape [${shape}]`)
  }
  if ((shape[0] ?? 0) % type.blockElements !== 0) {
    throw new RangeError(
      `tensor ${name} has rows of ${shape[0]}, ${type.name} needs multiples of ${type.blockElements}`,
    )
  }
}

class HeadBytes {
  readonly #parts: Uint8Array[] = []

  ascii(text: string): void {
    this.#parts.push(Buffer.from(text, 'ascii'))
  }

  scalar<T extends keyof Scalars>(type: T, value: Scalars[T]): void {
    if (type === 'string') {
      const text = Buffer.from(String(value), 'utf8')
      this.scalar('uint64', BigInt(text.length))
      this.#parts.push(text)
    } else this.#parts.push(fixed(type, value))
  }

  value(entry: GgufValue): void {
    if (entry.type === 'array') {
      this.scalar('uint32', GGUF_VALUE_TYPES.array)
      this.scalar('uint32', GGUF_VALUE_TYPES[entry.of])
      this.scalar('uint64', BigInt(entry.value.length))
      for (const element of entry.value) this.scalar(entry.of, element)
    } else {
      this.scalar('uint32', GGUF_VALUE_TYPES[entry.type])
      this.scalar(entry.type, entry.value)
    }
  }

  padded(alignment: number): Uint8Array {
    const bytes = Buffer.concat(this.#parts)
    return Buffer.concat([bytes, new Uint8Array((alignment - (bytes.length % alignment)) % alignment)])
  }
}

/** Numbers out of a type's range throw Node's own RangeError. */
function fixed(type: Exclude<keyof Scalars, 'string'>, value: Scalars[keyof Scalars]): Uint8Array {
  const bytes = Buffer.alloc(8)
  if (type === 'bool') return bytes.subarray(0, bytes.writeUInt8(value ? 1 : 0))
  if (type === 'uint64') return bytes.subarray(0, bytes.writeBigUInt64LE(value as bigint))
  if (type === 'int64') return bytes.subarray(0, bytes.writeBigInt64LE(value as bigint))
  const write = {
    uint8: bytes.writeUInt8,
    int8: bytes.writeInt8,
    uint16: bytes.writeUInt16LE,
    int16: bytes.writeInt16LE,
    uint32: bytes.writeUInt32LE,
    int32: bytes.writeInt32LE,
    float32: bytes.writeFloatLE,
    float64: bytes.writeDoubleLE,
  }[type]
  return bytes.subarray(0, write.call(bytes, value as number, 0))
}
