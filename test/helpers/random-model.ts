/// <reference lib="esnext.float16" />
import { dequantize, type ReadableType } from '../../inference/models/dequantize.ts'
import { TENSOR_TYPES } from '../../inference/models/gguf-types.ts'
import type { GgufFile, GgufValue, PackedTensor } from '../../inference/models/gguf-writer.ts'
import { BYTE_TO_CHARACTER } from '../../scripts/embedded-model/tokenizer/byte-alphabet.ts'
import { seededRandom } from './seeded-random.ts'

export interface RandomShape {
  architecture: 'llama' | 'qwen2' | 'qwen3'
  layers: number
  width: number
  heads: number
  kvHeads: number
  headDim: number
  ff: number
  vocabulary: number
  contextTokens: number
  /** The embedding serves as the last layer as well. */
  tied?: boolean
  /** Factors of rotary embedding as Llama 3 has them. */
  ropeFactors?: boolean
  ropeBase?: number
}

export interface PackedModel extends GgufFile {
  tensors: readonly PackedTensor[]
}

/** Large enough for blocks of 256, small enough to be run in a few milliseconds. */
export const SMALL: Omit<RandomShape, 'architecture'> = {
  layers: 2,
  width: 256,
  heads: 4,
  kvHeads: 2,
  headDim: 64,
  ff: 256,
  vocabulary: 300,
  contextTokens: 256,
}

/** Packed bytes repeat themselves after so many blocks, or large models would take minutes to draw. */
const PIECE_BLOCKS = 4_096

/**
 * A model of random weights of any type that can be read, packed without packing: blocks of random bytes.
 * @param types of matrices by their name without layer; `default` for all others
 * @param largest what weights of matrices are at the most, about
 */
export function randomModel(
  shape: RandomShape,
  types: { default: ReadableType } & Partial<Record<string, ReadableType>>,
  seed = 1,
  largest = 0.05,
): PackedModel {
  const { architecture, layers, width, heads, kvHeads, headDim, ff, vocabulary } = shape
  const random = seededRandom(seed)
  const pieces = new Map<string, Uint8Array>()
  const matrix = (name: string, inputs: number, outputs: number): PackedTensor => {
    const type = types[name.replace(/^blk\.\d+\./, '')] ?? types.default
    const { blockElements, blockBytes } = typeNamed(type)
    const blocks = (inputs / blockElements) * outputs
    const small = Math.min(blocks, type === 'F32' ? PIECE_BLOCKS * 32 : PIECE_BLOCKS)
    // Small models draw each matrix anew, large ones take the same blocks again.
    const key = `${type} ${small}`
    const piece = (blocks > small ? pieces.get(key) : undefined) ?? randomBlocks(type, small, random, largest)
    pieces.set(key, piece)
    return {
      name: `${name}.weight`,
      shape: [inputs, outputs],
      packed: type,
      bytes: () => repeated(piece, blocks * blockBytes),
    }
  }
  const vector = (name: string, size: number, around: number, spread: number): PackedTensor => {
    const values = Float32Array.from({ length: size }, () => around + spread * (2 * random() - 1))
    return { name, shape: [size], packed: 'F32', bytes: () => [new Uint8Array(values.buffer)] }
  }
  const block = (index: number): PackedTensor[] => {
    const at = (part: string) => `blk.${index}.${part}`
    const queries = heads * headDim
    const keys = kvHeads * headDim
    return [
      vector(at('attn_norm.weight'), width, 1, 0.3),
      matrix(at('attn_q'), width, queries),
      matrix(at('attn_k'), width, keys),
      matrix(at('attn_v'), width, keys),
      matrix(at('attn_output'), queries, width),
      ...(architecture === 'qwen2'
        ? [
            vector(at('attn_q.bias'), queries, 0, 0.5),
            vector(at('attn_k.bias'), keys, 0, 0.5),
            vector(at('attn_v.bias'), keys, 0, 0.5),
          ]
        : []),
      ...(architecture === 'qwen3'
        ? [
            vector(at('attn_q_norm.weight'), headDim, 1.5, 0.5),
            vector(at('attn_k_norm.weight'), headDim, 1.5, 0.5),
          ]
        : []),
      vector(at('ffn_norm.weight'), width, 1, 0.3),
      matrix(at('ffn_gate'), width, ff),
      matrix(at('ffn_up'), width, ff),
      matrix(at('ffn_down'), ff, width),
    ]
  }
  return {
    metadata: metadataOf(shape),
    tensors: [
      matrix('token_embd', width, vocabulary),
      ...(shape.ropeFactors ? [vector('rope_freqs.weight', headDim / 2, 4, 3)] : []),
      ...Array.from({ length: layers }, (_, index) => block(index)).flat(),
      vector('output_norm.weight', width, 1, 0.3),
      ...(shape.tied ? [] : [matrix('output', width, vocabulary)]),
    ],
  }
}

/** The same model with its weights as 32-bit floats, for comparing without what llama.cpp rounds on the way. */
export function unpackedModel(file: PackedModel): GgufFile {
  return {
    ...file,
    tensors: file.tensors.map(({ name, shape, packed, bytes }) => ({
      name,
      shape,
      type: 'F32',
      *elements() {
        for (const piece of bytes() as Iterable<Uint8Array>) yield dequantize(packed, piece)
      },
    })),
  }
}

function* repeated(piece: Uint8Array, total: number): Generator<Uint8Array> {
  for (let left = total; left > 0; left -= piece.length)
    yield left >= piece.length ? piece : piece.subarray(0, left)
}

function typeNamed(wanted: string) {
  for (const type of TENSOR_TYPES.values()) if (type.name === wanted) return type
  throw new RangeError(`there is no type ${wanted}`)
}

/** Codes and small scales at random; the factors before them such that elements are about `largest` at the most. */
function randomBlocks(type: ReadableType, blocks: number, random: () => number, largest: number): Uint8Array {
  const { blockBytes } = typeNamed(type)
  const bytes = new Uint8Array(blocks * blockBytes)
  const view = new DataView(bytes.buffer)
  const element = () => largest * (2 * random() - 1)
  for (let at = 0; at < bytes.length; at += blockBytes) {
    if (type === 'F32') view.setFloat32(at, element(), true)
    else if (type === 'F16') view.setFloat16(at, element(), true)
    // The upper half of a 32-bit float.
    else if (type === 'BF16') view.setUint16(at, upperHalf(element()), true)
    else for (let i = 0; i < blockBytes; i++) bytes[at + i] = Math.floor(256 * random())
    const factor = (code: number) => (largest * (0.5 + random())) / code
    if (type === 'Q8_0') view.setFloat16(at, factor(127), true)
    if (type === 'Q4_0') view.setFloat16(at, factor(8), true)
    if (type === 'Q3_K') view.setFloat16(at + 108, factor(4 * 32), true)
    if (type === 'Q4_K') {
      view.setFloat16(at, factor(15 * 63), true)
      view.setFloat16(at + 2, factor(63), true)
    }
    if (type === 'Q6_K') view.setFloat16(at + 208, factor(32 * 128), true)
  }
  return bytes
}

function upperHalf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16
}

function metadataOf(shape: RandomShape): Record<string, GgufValue> {
  const { architecture, vocabulary } = shape
  const u32 = (value: number): GgufValue => ({ type: 'uint32', value })
  const text = (value: string): GgufValue => ({ type: 'string', value })
  const real = (value: number): GgufValue => ({ type: 'float32', value })
  const tokens = Array.from({ length: vocabulary }, (_, id) =>
    id === vocabulary - 1 ? '<|endoftext|>' : (BYTE_TO_CHARACTER[id] ?? `<${id}>`),
  )
  const own = {
    vocab_size: u32(vocabulary),
    context_length: u32(shape.contextTokens),
    embedding_length: u32(shape.width),
    block_count: u32(shape.layers),
    feed_forward_length: u32(shape.ff),
    'rope.freq_base': real(shape.ropeBase ?? 10_000),
    ...(architecture === 'llama' ? { 'rope.dimension_count': u32(shape.headDim) } : {}),
    'attention.head_count': u32(shape.heads),
    'attention.head_count_kv': u32(shape.kvHeads),
    'attention.key_length': u32(shape.headDim),
    'attention.value_length': u32(shape.headDim),
    'attention.layer_norm_rms_epsilon': real(1e-6),
  }
  return {
    'general.architecture': text(architecture),
    'general.name': text('random'),
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value])),
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('qwen2'),
    'tokenizer.ggml.tokens': { type: 'array', of: 'string', value: tokens },
    'tokenizer.ggml.token_type': {
      type: 'array',
      of: 'int32',
      value: tokens.map((_, id) => (id < 256 ? 1 : 3)),
    },
    'tokenizer.ggml.merges': { type: 'array', of: 'string', value: [] },
    'tokenizer.ggml.eos_token_id': u32(vocabulary - 1),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
  }
}
