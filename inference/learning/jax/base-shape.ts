import { isReadableType, type ReadableType } from '../../models/dequantize.ts'
import { type GgufHead, numberOf, type TensorEntry, textOf } from '../../models/gguf-head.ts'
import { BLOCK_MODULES, type BlockModule } from '../block-modules.ts'
import { LearningError } from '../errors.ts'

/** What a block may hold besides: norms and biases, each a vector. */
const BLOCK_VECTORS = {
  'attn_norm.weight': 'width',
  'ffn_norm.weight': 'width',
  'attn_q_norm.weight': 'headDim',
  'attn_k_norm.weight': 'headDim',
  'attn_q.bias': 'queries',
  'attn_k.bias': 'keys',
  'attn_v.bias': 'keys',
  'attn_output.bias': 'width',
} as const
export type BlockVector = keyof typeof BLOCK_VECTORS

/** The numbers that make a decoder of the family of LLaMA. */
export interface BaseShape {
  architecture: 'llama' | 'qwen2' | 'qwen3'
  layers: number
  width: number
  heads: number
  /** Heads of keys and values; each serves heads / kvHeads of queries. */
  kvHeads: number
  headDim: number
  ff: number
  vocabulary: number
  contextTokens: number
  normEpsilon: number
  ropeBase: number
  /** Positions are multiplied by it (linear scaling). */
  ropeScale: number
  /** Which elements of a head turn together: i and i + headDim/2 (NEOX), or 2i and 2i + 1 (NORM). */
  ropePairs: 'halves' | 'neighbours'
  /** The embedding serves as the last layer as well. */
  tied: boolean
  /** Norms and biases that each block has. */
  vectors: readonly BlockVector[]
}

export interface WeightEntry extends TensorEntry {
  type: ReadableType
  bytes: number
}

export interface Base {
  shape: BaseShape
  /** By name, all of the shapes that `shape` says, each readable. */
  tensors: ReadonlyMap<string, WeightEntry>
}

/** How llama.cpp turns heads by rotary embedding: LLAMA_ROPE_TYPE_NORM for llama, NEOX for the others. */
const ROPE_PAIRS = { llama: 'neighbours', qwen2: 'halves', qwen3: 'halves' } as const
/** Vectors that blocks of an architecture cannot do without; all of them have the two norms. */
const NEEDED = {
  llama: [],
  qwen2: ['attn_q.bias', 'attn_k.bias', 'attn_v.bias'],
  qwen3: ['attn_q_norm.weight', 'attn_k_norm.weight'],
} as const satisfies Record<BaseShape['architecture'], readonly BlockVector[]>

/**
 * Checks that a GGUF file holds a model which can be differentiated here, and tells its shape.
 * @throws {LearningError} BASE_UNSUPPORTED
 */
export function baseOf(head: GgufHead): Base {
  const architecture = architectureOf(head)
  const number = (key: string) => numberOf(head.metadata, `${architecture}.${key}`)
  const size = (key: string) => {
    const value = number(key)
    if (value === null || !Number.isSafeInteger(value) || value < 1) {
      throw unsupported(`its metadata have no usable ${architecture}.${key}`)
    }
    return value
  }
  if ((number('expert_count') ?? 0) > 0) throw unsupported('it is a mixture of experts')
  const width = size('embedding_length')
  const heads = size('attention.head_count')
  const kvHeads = number('attention.head_count_kv') ?? heads
  const headDim = number('attention.key_length') ?? width / heads
  const shape: BaseShape = {
    architecture,
    layers: size('block_count'),
    width,
    heads,
    kvHeads,
    headDim,
    ff: size('feed_forward_length'),
    vocabulary: tensorNamed(head, 'token_embd.weight').shape[1] ?? 0,
    contextTokens: size('context_length'),
    normEpsilon: number('attention.layer_norm_rms_epsilon') ?? 0,
    ropeBase: number('rope.freq_base') ?? 10_000,
    ropeScale: ropeScaleOf(head, architecture),
    ropePairs: ROPE_PAIRS[architecture],
    tied: !head.tensors.some(({ name }) => name === 'output.weight'),
    vectors: vectorsOf(head, architecture),
  }
  if (!(heads % kvHeads === 0) || headDim % 2 !== 0 || !(shape.normEpsilon > 0)) {
    throw unsupported(`its heads (${heads} of ${headDim}, ${kvHeads} of keys) make no sense`)
  }
  if ((number('attention.value_length') ?? headDim) !== headDim) {
    throw unsupported('its heads of values are of another size than those of keys')
  }
  if ((number('rope.dimension_count') ?? headDim) !== headDim) {
    throw unsupported('its rotary embedding turns part of each head only')
  }
  return { shape, tensors: checkedTensors(head, shape) }
}

/** Inputs and outputs of each linear layer of a block. */
export function linearSizes(shape: BaseShape): Record<BlockModule, { inputs: number; outputs: number }> {
  const { width, ff } = shape
  const queries = shape.heads * shape.headDim
  const keys = shape.kvHeads * shape.headDim
  return {
    attn_q: { inputs: width, outputs: queries },
    attn_k: { inputs: width, outputs: keys },
    attn_v: { inputs: width, outputs: keys },
    attn_output: { inputs: queries, outputs: width },
    ffn_gate: { inputs: width, outputs: ff },
    ffn_up: { inputs: width, outputs: ff },
    ffn_down: { inputs: ff, outputs: width },
  }
}

function architectureOf({ metadata }: GgufHead): BaseShape['architecture'] {
  const architecture = textOf(metadata, 'general.architecture')
  if (architecture === 'llama' || architecture === 'qwen2' || architecture === 'qwen3') return architecture
  throw unsupported(`its architecture is ${architecture ?? 'not told'}`)
}

/** @throws {LearningError} for ways of stretching the context that change more than the positions */
function ropeScaleOf({ metadata }: GgufHead, architecture: string): number {
  const kind = textOf(metadata, `${architecture}.rope.scaling.type`) ?? 'none'
  const factor = numberOf(metadata, `${architecture}.rope.scaling.factor`)
  const old = numberOf(metadata, `${architecture}.rope.scale_linear`)
  if (kind === 'none') return old === null || old === 0 ? 1 : 1 / old
  if (kind === 'linear') return factor === null || factor === 0 ? 1 : 1 / factor
  throw unsupported(`its rotary embedding is scaled by ${kind}`)
}

function vectorsOf(head: GgufHead, architecture: BaseShape['architecture']): BlockVector[] {
  const present = new Set(head.tensors.map(({ name }) => name))
  const needed: readonly BlockVector[] = ['attn_norm.weight', 'ffn_norm.weight', ...NEEDED[architecture]]
  return (Object.keys(BLOCK_VECTORS) as BlockVector[]).filter(
    name => needed.includes(name) || present.has(`blk.0.${name}`),
  )
}

function checkedTensors(head: GgufHead, shape: BaseShape): Map<string, WeightEntry> {
  const wanted = new Map<string, readonly number[]>([
    ['token_embd.weight', [shape.width, shape.vocabulary]],
    ['output_norm.weight', [shape.width]],
  ])
  if (!shape.tied) wanted.set('output.weight', [shape.width, shape.vocabulary])
  const sizes = {
    width: shape.width,
    headDim: shape.headDim,
    queries: shape.heads * shape.headDim,
    keys: shape.kvHeads * shape.headDim,
  }
  const linears = linearSizes(shape)
  for (let layer = 0; layer < shape.layers; layer++) {
    for (const name of BLOCK_MODULES) {
      wanted.set(`blk.${layer}.${name}.weight`, [linears[name].inputs, linears[name].outputs])
    }
    for (const name of shape.vectors) wanted.set(`blk.${layer}.${name}`, [sizes[BLOCK_VECTORS[name]]])
  }
  if (head.tensors.some(({ name }) => name === 'rope_freqs.weight')) {
    wanted.set('rope_freqs.weight', [shape.headDim / 2])
  }
  const known = new Map<string, WeightEntry>()
  for (const entry of head.tensors) {
    const expected = wanted.get(entry.name)
    // Some files keep the tables of rotary embeddings, which are computed anyway.
    if (expected === undefined && /^blk\.\d+\.attn_rot_embd$/.test(entry.name)) continue
    if (expected === undefined) throw unsupported(`it has a tensor of unknown meaning, ${entry.name}`)
    if (!sameShape(entry.shape, expected)) {
      throw unsupported(`${entry.name} has the shape [${entry.shape}] where [${expected}] belongs`)
    }
    if (!isReadableType(entry.type) || entry.bytes === null) {
      throw unsupported(`${entry.name} is packed as ${entry.type}`)
    }
    known.set(entry.name, { ...entry, type: entry.type, bytes: entry.bytes })
  }
  for (const name of wanted.keys()) if (!known.has(name)) throw unsupported(`it lacks ${name}`)
  return known
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i])
}

function tensorNamed(head: GgufHead, wanted: string): TensorEntry {
  const entry = head.tensors.find(({ name }) => name === wanted)
  if (entry === undefined) throw unsupported(`it lacks ${wanted}`)
  return entry
}

function unsupported(reason: string): LearningError {
  return new LearningError('BASE_UNSUPPORTED', `this base model cannot be trained here: ${reason}`, {
    fix: 'Take a base of the architecture llama, qwen2 or qwen3 in F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K, or name an external trainer.',
  })
}
