import { open } from 'node:fs/promises'
import { dequantize } from '../../inference/models/dequantize.ts'
import { GGUF_DEFAULT_ALIGNMENT, GGUF_VALUE_TYPES } from '../../inference/models/gguf-format.ts'
import { TENSOR_TYPES } from '../../inference/models/gguf-types.ts'
import type { GgufValue } from '../../inference/models/gguf-writer.ts'
import { WRITABLE_TYPES, type WritableType } from '../../inference/models/quantize.ts'

/** A tensor of a file that is held in memory. */
export interface ReadTensor {
  name: string
  /** ggml's order. */
  shape: readonly number[]
  type: WritableType
  /** As they lie in the file. */
  bytes: Uint8Array
  /** Unpacked anew each time. */
  elements(): Float32Array
}

export interface ReadModel {
  metadata: Record<string, GgufValue>
  alignment: number
  tensors: ReadTensor[]
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(GGUF_VALUE_TYPES).map(([name, id]) => [id, name] as const),
)

/**
 * Reads a whole model file, for changing its weights: for small files, all of it is held in memory.
 * @throws {RangeError} where it is no GGUF file, or holds tensors of types that cannot be written
 */
export async function readModel(path: string): Promise<ReadModel> {
  const input = await open(path)
  const { size } = await input.stat()
  const bytes = Buffer.alloc(size)
  await input.read(bytes, 0, size, 0)
  await input.close()
  const head = new Head(bytes)
  if (size < 4 || head.uint32() !== 0x4655_4747) throw new RangeError(`${path} is no GGUF file`)
  head.uint32()
  const tensorCount = head.count()
  const entryCount = head.count()
  const metadata: Record<string, GgufValue> = {}
  for (let i = 0; i < entryCount; i++) {
    const key = head.scalar('string') as string
    metadata[key] = head.value()
  }
  const infos = Array.from({ length: tensorCount }, () => ({
    name: head.scalar('string') as string,
    shape: Array.from({ length: head.uint32() }, () => head.count()),
    type: TENSOR_TYPES.get(head.uint32())!,
    offset: head.count(),
  }))
  const alignment = Number(metadata['general.alignment']?.value ?? GGUF_DEFAULT_ALIGNMENT)
  const data = Math.ceil(head.at / alignment) * alignment
  const tensors = infos.map(({ name, shape, type: had, offset }): ReadTensor => {
    const type = had.name as WritableType
    if (!(type in WRITABLE_TYPES))
      throw new RangeError(`${name} is of type ${had.name}, which cannot be changed here`)
    const elements = shape.reduce((product, size) => product * size, 1)
    const length = (elements / had.blockElements) * had.blockBytes
    const packed = bytes.subarray(data + offset, data + offset + length)
    return { name, shape, type, bytes: packed, elements: () => dequantize(type, packed) }
  })
  return { metadata, alignment, tensors }
}

/** Reads the head of a GGUF file that is in memory. */
class Head {
  at = 0
  readonly #view: DataView
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  scalar(type: string): string | number | bigint | boolean {
    const step = (bytes: number) => {
      this.at += bytes
      return this.at - bytes
    }
    switch (type) {
      case 'uint8':
        return this.#view.getUint8(step(1))
      case 'int8':
        return this.#view.getInt8(step(1))
      case 'bool':
        return this.#view.getUint8(step(1)) !== 0
      case 'uint16':
        return this.#view.getUint16(step(2), true)
      case 'int16':
        return this.#view.getInt16(step(2), true)
      case 'uint32':
        return this.#view.getUint32(step(4), true)
      case 'int32':
        return this.#view.getInt32(step(4), true)
      case 'float32':
        return this.#view.getFloat32(step(4), true)
      case 'float64':
        return this.#view.getFloat64(step(8), true)
      case 'uint64':
        return this.#view.getBigUint64(step(8), true)
      case 'int64':
        return this.#view.getBigInt64(step(8), true)
      case 'string': {
        const length = this.count()
        return this.#bytes.toString('utf8', step(length), this.at)
      }
      default:
        throw new Error(`GGUF value type ${type} is not known`)
    }
  }

  count(): number {
    return Number(this.scalar('uint64'))
  }

  uint32(): number {
    return this.scalar('uint32') as number
  }

  value(): GgufValue {
    const type = TYPE_NAMES.get(this.uint32())!
    if (type !== 'array') return { type, value: this.scalar(type) } as GgufValue
    const of = TYPE_NAMES.get(this.uint32())!
    const length = this.count()
    return { type: 'array', of, value: Array.from({ length }, () => this.scalar(of)) } as GgufValue
  }
}
