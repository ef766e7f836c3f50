import { open } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { GGUF_DEFAULT_ALIGNMENT, GGUF_VALUE_TYPES } from '../inference/models/gguf-format.ts'
import { TENSOR_TYPES } from '../inference/models/gguf-types.ts'
import { type GgufTensor, type GgufValue, writeGguf } from '../inference/models/gguf-writer.ts'
import { dequantize, WRITABLE_TYPES, type WritableType } from '../inference/models/quantize.ts'

/**
 * Packs a model's matrices as another tensor type: what a provider does that saves memory unseen. For experiments
 * with audits (`scripts/roc.ts`); as good as llama.cpp's own for types without an importance matrix, and for small files:
 * a tensor is held in memory whole.
 */
const HELP = `usage: node scripts/requantize.ts IN.gguf OUT.gguf --type ${Object.keys(WRITABLE_TYPES).join('|')}

Matrices become the type named; where a row is no whole number of its blocks, Q4_0; the first and the last
matrix keep at least Q8_0, norms stay as they are. IN may hold tensors of the same types.`

/** llama.cpp's `general.file_type`. */
const FILE_TYPES: Record<WritableType, number> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, Q3_K: 12 }
const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(GGUF_VALUE_TYPES).map(([name, id]) => [id, name] as const),
)

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

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { type: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
})
const [from, to] = positionals
const type = values.type as WritableType
if (values.help === true) {
  console.log(HELP)
  process.exit()
}
if (from === undefined || to === undefined || !(type in WRITABLE_TYPES)) {
  console.error(HELP)
  process.exit(2)
}

const input = await open(from)
const { size } = await input.stat()
const bytes = Buffer.alloc(size)
await input.read(bytes, 0, size, 0)
await input.close()

const head = new Head(bytes)
if (head.uint32() !== 0x4655_4747) throw new Error(`${from} is no GGUF file`)
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

const tensors = infos.map(({ name, shape, type: had, offset }): GgufTensor => {
  const hadType = had.name as WritableType
  if (!(hadType in WRITABLE_TYPES))
    throw new Error(`${name} is of type ${had.name}, which cannot be read here`)
  const elements = shape.reduce((product, size) => product * size, 1)
  return {
    name,
    shape,
    type: shape.length === 1 ? hadType : typeFor(name, shape[0]!),
    *elements() {
      const length = (elements / had.blockElements) * had.blockBytes
      yield dequantize(hadType, bytes.subarray(data + offset, data + offset + length))
    },
  }
})
metadata['general.file_type'] = { type: 'uint32', value: FILE_TYPES[type] }
const written = await writeGguf(to, { metadata, tensors, alignment })
console.log(`${to}: ${written} bytes, ${type}`)

function typeFor(name: string, rowElements: number): WritableType {
  const isOutermost = name === 'token_embd.weight' || name === 'output.weight'
  if (isOutermost && (type === 'Q4_0' || type === 'Q3_K')) return 'Q8_0'
  return rowElements % WRITABLE_TYPES[type].blockElements === 0 ? type : 'Q4_0'
}
