import { seededRandom } from '../../inference/audit/random.ts'
import { type GgufTensor, writeGguf } from '../../inference/models/gguf-writer.ts'
import { WRITABLE_TYPES, type WritableType } from '../../inference/models/quantize.ts'
import { type ReadModel, type ReadTensor, readModel } from './read-model.ts'

/** llama.cpp's `general.file_type`. */
const FILE_TYPES: Record<WritableType, number> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, Q3_K: 12 }

/**
 * Packs a model's matrices as another type. Where a row is no whole number of its blocks they become Q4_0; the first and the
 * last matrix keep at least Q8_0; norms stay as they are.
 * @returns bytes written
 */
export async function requantize(from: string, to: string, type: WritableType): Promise<number> {
  const model = await readModel(from)
  return write(model, to, type, tensor => ({
    type: typeFor(tensor, type),
    elements: () => tensor.elements(),
  }))
}

/**
 * An F16 model that packs to the given Q8_0 one: each weight is drawn evenly from those that round to the same number, but
 * for each block's largest, which gives the scale. What an owner of the original would run.
 * @throws {RangeError} where the matrices are not Q8_0
 */
export async function unpackedWithin(from: string, to: string, seed: number): Promise<number> {
  const model = await readModel(from)
  const random = seededRandom(seed)
  const { blockElements, blockBytes } = WRITABLE_TYPES.Q8_0
  return write(model, to, 'F16', tensor => {
    if (tensor.type !== 'Q8_0') throw new RangeError(`${tensor.name} is ${tensor.type}, not Q8_0`)
    return {
      type: 'F16',
      elements: () => {
        const elements = tensor.elements()
        const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength)
        return elements.map((element, at) => {
          const block = Math.floor(at / blockElements)
          const scale = view.getFloat16(block * blockBytes, true)
          const isLargest = Math.abs(element) > 126.5 * scale
          return isLargest ? element : element + (random() - 0.5) * scale
        })
      },
    }
  })
}

export interface Delta {
  rank: number
  /** Norm of what is added to a matrix, as a share of the matrix' own norm. */
  size: number
  seed: number
}

/**
 * Stands for a fine-tune: to each matrix of the layers a random one of low rank is added, as an adapter does, and the sum is
 * packed as the matrix was.
 */
export async function withDelta(from: string, to: string, delta: Delta): Promise<number> {
  const model = await readModel(from)
  const random = seededRandom(delta.seed)
  return write(model, to, null, tensor => ({
    type: tensor.type,
    elements: () => (tensor.name.startsWith('blk.') ? added(tensor, delta, random) : tensor.elements()),
  }))
}

function added(tensor: ReadTensor, { rank, size }: Delta, random: () => number): Float32Array {
  const elements = tensor.elements()
  const width = tensor.shape[0]!
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const down = Float64Array.from({ length: rank * width }, normal)
  const up = Float64Array.from({ length: rank * (elements.length / width) }, normal)
  const change = elements.map((_, at) => {
    const row = Math.floor(at / width)
    let sum = 0
    for (let part = 0; part < rank; part++) sum += up[row * rank + part]! * down[part * width + (at % width)]!
    return sum
  })
  const factor = (size * norm(elements)) / norm(change)
  return elements.map((element, at) => element + factor * change[at]!)
}

function norm(elements: Float32Array): number {
  return Math.sqrt(elements.reduce((sum, element) => sum + element * element, 0))
}

/** @param change what becomes of a matrix; vectors stay as they are */
async function write(
  model: ReadModel,
  to: string,
  type: WritableType | null,
  change: (matrix: ReadTensor) => { type: WritableType; elements: () => Float32Array },
): Promise<number> {
  const tensors = model.tensors.map((tensor): GgufTensor => {
    const { name, shape } = tensor
    const made =
      shape.length === 1 ? { type: tensor.type, elements: () => tensor.elements() } : change(tensor)
    return { name, shape, type: made.type, elements: () => [made.elements()] }
  })
  const metadata =
    type === null
      ? model.metadata
      : { ...model.metadata, 'general.file_type': { type: 'uint32', value: FILE_TYPES[type] } as const }
  return writeGguf(to, { metadata, tensors, alignment: model.alignment })
}

function typeFor({ name, shape }: ReadTensor, type: WritableType): WritableType {
  const isOutermost = name === 'token_embd.weight' || name === 'output.weight'
  if (isOutermost && (type === 'Q4_0' || type === 'Q3_K')) return 'Q8_0'
  return shape[0]! % WRITABLE_TYPES[type].blockElements === 0 ? type : 'Q4_0'
}
