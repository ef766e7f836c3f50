import { type FileHandle, open } from 'node:fs/promises'
import { ModelError } from './errors.ts'
import { GGUF_DEFAULT_ALIGNMENT, GGUF_VALUE_TYPES } from './gguf-format.ts'
import { ggufScalarAt } from './gguf-scalar.ts'
import { TENSOR_TYPES } from './gguf-types.ts'

export type GgufScalar = string | number | bigint | boolean

const MAX_METADATA_ENTRIES = 65_536
const MAX_TENSORS = 1_000_000
const MAX_DIMENSIONS = 8
/** Longer strings (vocabularies are arrays of short ones) are passed over unread. */
const MAX_KEPT_STRING_BYTES = 1_048_576

/** Bytes of each value type that has a fixed size. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  [GGUF_VALUE_TYPES.uint8]: 1,
  [GGUF_VALUE_TYPES.int8]: 1,
  [GGUF_VALUE_TYPES.uint16]: 2,
  [GGUF_VALUE_TYPES.int16]: 2,
  [GGUF_VALUE_TYPES.uint32]: 4,
  [GGUF_VALUE_TYPES.int32]: 4,
  [GGUF_VALUE_TYPES.float32]: 4,
  [GGUF_VALUE_TYPES.bool]: 1,
  [GGUF_VALUE_TYPES.uint64]: 8,
  [GGUF_VALUE_TYPES.int64]: 8,
  [GGUF_VALUE_TYPES.float64]: 8,
}

/** A tensor as a file announces it; it is known to lie within the file. */
export interface TensorEntry {
  name: string
  /** ggml's order: the first dimension is the one whose elements are neighbours. */
  shape: readonly number[]
  elements: number
  /** Its number in the file, and its name as `Q8_0`, or `type 99` where this table is too old. */
  typeId: number
  type: string
  /** Where it begins in the file, and how long it is; null for a type whose packing is not known. */
  offset: number
  bytes: number | null
}

/** The head of a GGUF file: everything but the weights. Arrays (vocabularies) and very long texts are left out. */
export interface GgufHead {
  version: number
  metadata: ReadonlyMap<string, GgufScalar>
  tensors: readonly TensorEntry[]
  fileBytes: number
}

/**
 * Reads the head of a GGUF file (versions 2 and 3, little-endian; docs/gguf.md of ggml) and checks
 * that every tensor it announces lies within the file. The vocabulary is passed over, so that it
 * costs neither memory nor time on the event loop.
 * @throws {ModelError} MODEL_INVALID, MODEL_NOT_FOUND
 */
export async function readGgufHead(path: string): Promise<GgufHead> {
  const handle = await openFile(path)
  try {
    const { size } = await handle.stat()
    return await readHead(new HeadReader({ path, size }, { handle }))
  } catch (error) {
    if (error instanceof ModelError) throw error
    throw new ModelError(
      'MODEL_INVALID',
      `${path} cannot be read: ${error instanceof Error ? error.message : error}`,
      {
        fix: 'Name a readable GGUF file.',
        details: { path },
        cause: error,
      },
    )
  } finally {
    await handle.close()
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') {
      throw new ModelError('MODEL_NOT_FOUND', `there is no file ${path}`, {
        fix: 'Check the path, or name a model by URL or hf: name to have it downloaded.',
        details: { path },
        cause: error,
      })
    }
    throw new ModelError('MODEL_INVALID', `${path} cannot be opened (${code ?? 'unknown error'})`, {
      fix: 'Give this user the right to read the file.',
      details: { path },
      cause: error,
    })
  }
}

async function readHead(reader: HeadReader): Promise<GgufHead> {
  if (reader.size === 0) throw reader.invalid('is empty', 'Download it again.')
  if (reader.size < 4 || (await reader.ascii(4)) !== 'GGUF') {
    throw reader.invalid('is not a GGUF file', 'Name a model in GGUF format; many are offered as hf: names.')
  }
  const version = await reader.uint32()
  if (version !== 2 && version !== 3) {
    throw reader.invalid(
      `has the GGUF version ${version}, which is not supported`,
      'Convert the model anew with a current llama.cpp, little-endian.',
    )
  }
  const tensorCount = await reader.count(MAX_TENSORS, 'tensors')
  const entryCount = await reader.count(MAX_METADATA_ENTRIES, 'metadata entries')
  const metadata = await readMetadata(reader, entryCount)
  const tensors = await readTensors(reader, tensorCount, alignment(reader, metadata))
  return { version, metadata, tensors, fileBytes: reader.size }
}

async function readMetadata(reader: HeadReader, count: number): Promise<Map<string, GgufScalar>> {
  const metadata = new Map<string, GgufScalar>()
  for (let entry = 0; entry < count; entry++) {
    const key = await reader.string()
    const value = await readValue(reader, await reader.uint32())
    if (key !== null && value !== null) metadata.set(key, value)
  }
  return metadata
}

/** A scalar or a string; null for what is passed over. */
async function readValue(reader: HeadReader, type: number): Promise<GgufScalar | null> {
  if (type === GGUF_VALUE_TYPES.string) return reader.string()
  if (type === GGUF_VALUE_TYPES.array) {
    await skipArray(reader)
    return null
  }
  return reader.scalar(type)
}

async function skipArray(reader: HeadReader): Promise<void> {
  const type = await reader.uint32()
  const count = await reader.count(Number.MAX_SAFE_INTEGER, 'array elements')
  const bytes = FIXED_BYTES[type]
  if (bytes !== undefined) return reader.skip(count * bytes)
  if (type !== GGUF_VALUE_TYPES.string)
    throw reader.invalid(`has an array of the unknown type ${type}`, 'Download it again.')
  await reader.skipStrings(count)
}

async function readTensors(reader: HeadReader, count: number, align: number): Promise<TensorEntry[]> {
  const tensors: TensorEntry[] = []
  let dataBytes = 0
  for (let tensor = 0; tensor < count; tensor++) {
    const name = await reader.string()
    if (name === null) throw reader.invalid('has a tensor with an endless name', 'Download it again.')
    const dimensions = await reader.uint32()
    if (dimensions > MAX_DIMENSIONS)
      throw reader.invalid(`has a tensor of ${dimensions} dimensions`, 'Download it again.')
    const shape: number[] = []
    let elements = 1
    for (let dimension = 0; dimension < dimensions; dimension++) {
      const size = await reader.count(Number.MAX_SAFE_INTEGER, 'elements')
      shape.push(size)
      elements *= size
    }
    const typeId = await reader.uint32()
    const offset = await reader.count(Number.MAX_SAFE_INTEGER, 'bytes of weights')
    const type = TENSOR_TYPES.get(typeId)
    const bytes = type === undefined ? null : Math.ceil(elements / type.blockElements) * type.blockBytes
    // A type newer than this table is left to llama.cpp; it is still known to begin within the file.
    dataBytes = Math.max(dataBytes, offset + (bytes ?? 1))
    tensors.push({ name, shape, elements, typeId, type: type?.name ?? `type ${typeId}`, offset, bytes })
  }
  const dataStart = Math.ceil(reader.position / align) * align
  if (dataStart + dataBytes > reader.size) throw reader.truncated(dataStart + dataBytes)
  return tensors.map(entry => ({ ...entry, offset: dataStart + entry.offset }))
}

function alignment(reader: HeadReader, metadata: ReadonlyMap<string, GgufScalar>): number {
  const value = numberOf(metadata, 'general.alignment') ?? GGUF_DEFAULT_ALIGNMENT
  if (!Number.isInteger(value) || value < 1 || value > 65_536) {
    throw reader.invalid(`has the impossible alignment ${value}`, 'Download it again.')
  }
  return value
}

/** A text of the metadata; null when there is none by that name. */
export function textOf(metadata: ReadonlyMap<string, GgufScalar>, key: string): string | null {
  const value = metadata.get(key)
  return typeof value === 'string' ? value : null
}

/** A number of the metadata; null when there is none by that name. */
export function numberOf(metadata: ReadonlyMap<string, GgufScalar>, key: string): number | null {
  const value = metadata.get(key)
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'number' ? value : null
}

/** Reads a file from its start through a small window, and never past its end. */
class HeadReader {
  static readonly #WINDOW_BYTES = 262_144
  readonly size: number
  readonly #path: string
  readonly #handle: FileHandle
  #window = new DataView(new ArrayBuffer(0))
  /** Where the window begins in the file. */
  #windowStart = 0
  #position = 0

  constructor(options: { path: string; size: number }, modules: { handle: FileHandle }) {
    this.#path = options.path
    this.size = options.size
    this.#handle = modules.handle
  }

  get position(): number {
    return this.#position
  }

  async uint32(): Promise<number> {
    return (await this.scalar(GGUF_VALUE_TYPES.uint32)) as number
  }

  /** An unsigned 64-bit number that counts something. */
  async count(max: number, what: string): Promise<number> {
    const value = Number((await this.scalar(GGUF_VALUE_TYPES.uint64)) as bigint)
    if (value > max) throw this.invalid(`claims ${value} ${what}`, 'Download it again.')
    return value
  }

  async ascii(length: number): Promise<string> {
    const at = await this.#take(length)
    return Buffer.from(this.#window.buffer, at, length).toString('latin1')
  }

  /** Null when it is longer than anything of interest. */
  async string(): Promise<string | null> {
    const length = await this.count(this.size, 'bytes in a text')
    if (length > MAX_KEPT_STRING_BYTES) {
      this.skip(length)
      return null
    }
    const at = await this.#take(length)
    return Buffer.from(this.#window.buffer, at, length).toString('utf8')
  }

  /** Vocabularies have hundreds of thousands of them, so it waits only where the window ends. */
  async skipStrings(count: number): Promise<void> {
    for (let string = 0; string < count; string++) {
      const at = this.#position - this.#windowStart
      if (at + 8 <= this.#window.byteLength) {
        this.skip(8 + Number(this.#window.getBigUint64(at, true)))
      } else {
        this.skip(Number((await this.scalar(GGUF_VALUE_TYPES.uint64)) as bigint))
      }
    }
  }

  async scalar(type: number): Promise<GgufScalar> {
    const bytes = FIXED_BYTES[type]
    if (bytes === undefined)
      throw this.invalid(`has a value of the unknown type ${type}`, 'Download it again.')
    const at = await this.#take(bytes)
    const view = this.#window
    return ggufScalarAt(view, at, type)
  }

  skip(length: number): void {
    const end = this.#position + length
    if (!(end <= this.size)) throw this.truncated(end)
    this.#position = end
  }

  invalid(problem: string, fix: string): ModelError {
    return new ModelError('MODEL_INVALID', `${this.#path} ${problem}`, { fix, details: { path: this.#path } })
  }

  truncated(neededBytes: number): ModelError {
    return new ModelError(
      'MODEL_INVALID',
      `${this.#path} is cut off: it has ${this.size} bytes and needs ${neededBytes}`,
      {
        fix: 'Download it again; an unfinished download can be resumed.',
        details: { path: this.#path, fileBytes: this.size, neededBytes },
      },
    )
  }

  /** Moves past `length` bytes and returns where they begin in the window. */
  async #take(length: number): Promise<number> {
    const start = this.#position
    this.skip(length)
    if (start + length > this.#windowStart + this.#window.byteLength) {
      const bytes = new Uint8Array(Math.max(length, HeadReader.#WINDOW_BYTES))
      const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, start)
      if (bytesRead < length) throw this.truncated(start + length)
      this.#window = new DataView(bytes.buffer, 0, bytesRead)
      this.#windowStart = start
    }
    return start - this.#windowStart
  }
}
