import type { GgufFile, GgufTensor, GgufValue } from '../../inference/models/gguf-writer.ts'
import type { WritableType } from '../../inference/models/quantize.ts'
import { Random } from '../../scripts/embedded-model/corpus/random.ts'
import { BYTE_TO_CHARACTER } from '../../scripts/embedded-model/tokenizer/byte-alphabet.ts'

export interface Shape {
  name: string
  layers: number
  width: number
  heads: number
  ff: number
  contextTokens: number
}

const TINY: Shape = { name: 'tiny', layers: 2, width: 64, heads: 2, ff: 96, contextTokens: 256 }
/** Larger tensors repeat themselves: drawing each of their weights would take seconds. */
const PIECE = 65_536

/** A qwen3 model of random weights with a vocabulary of bytes: small enough to make in a test. */
export function tinyModel(type: WritableType, shape: Shape = TINY): GgufFile {
  const { name: modelName, layers, width, heads, ff, contextTokens } = shape
  const tokens = [...BYTE_TO_CHARACTER, '<|endoftext|>']
  const random = new Random(5)
  const draw = (count: number) =>
    Float32Array.from({ length: count }, () => random.below(2001) / 10_000 - 0.1)
  const weights = (count: number) => {
    const piece = draw(Math.min(count, PIECE))
    return Array.from({ length: Math.ceil(count / PIECE) }, (_, at) => piece.subarray(0, count - at * PIECE))
  }
  const matrix = (name: string, inputs: number, outputs: number): GgufTensor => ({
    name: `${name}.weight`,
    shape: [inputs, outputs],
    type,
    elements: () => weights(inputs * outputs),
  })
  const norm = (name: string, size: number): GgufTensor => ({
    name: `${name}.weight`,
    shape: [size],
    type: 'F32',
    elements: () => [new Float32Array(size).fill(1)],
  })
  const u32 = (value: number): GgufValue => ({ type: 'uint32', value })
  const text = (value: string): GgufValue => ({ type: 'string', value })
  const block = (index: number): GgufTensor[] => {
    const name = (part: string) => `blk.${index}.${part}`
    return [
      norm(name('attn_norm'), width),
      matrix(name('attn_q'), width, width),
      matrix(name('attn_k'), width, width),
      matrix(name('attn_v'), width, width),
      matrix(name('attn_output'), width, width),
      norm(name('attn_q_norm'), width / heads),
      norm(name('attn_k_norm'), width / heads),
      norm(name('ffn_norm'), width),
      matrix(name('ffn_gate'), width, ff),
      matrix(name('ffn_up'), width, ff),
      matrix(name('ffn_down'), ff, width),
    ]
  }
  return {
    metadata: {
      'general.architecture': text('qwen3'),
      'general.name': text(modelName),
      'qwen3.vocab_size': u32(tokens.length),
      'qwen3.context_length': u32(contextTokens),
      'qwen3.embedding_length': u32(width),
      'qwen3.block_count': u32(layers),
      'qwen3.feed_forward_length': u32(ff),
      'qwen3.rope.freq_base': { type: 'float32', value: 10_000 },
      'qwen3.attention.head_count': u32(heads),
      'qwen3.attention.head_count_kv': u32(heads),
      'qwen3.attention.key_length': u32(width / heads),
      'qwen3.attention.value_length': u32(width / heads),
      'qwen3.attention.layer_norm_rms_epsilon': { type: 'float32', value: 1e-6 },
      'tokenizer.ggml.model': text('gpt2'),
      'tokenizer.ggml.pre': text('qwen2'),
      'tokenizer.ggml.tokens': { type: 'array', of: 'string', value: tokens },
      'tokenizer.ggml.token_type': {
        type: 'array',
        of: 'int32',
        value: tokens.map((_, id) => (id < 256 ? 1 : 3)),
      },
      'tokenizer.ggml.merges': { type: 'array', of: 'string', value: [] },
      'tokenizer.ggml.eos_token_id': u32(256),
      'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
    },
    tensors: [
      matrix('token_embd', width, tokens.length),
      ...Array.from({ length: layers }, (_, index) => block(index)).flat(),
      norm('output_norm', width),
      matrix('output', width, tokens.length),
    ],
  }
}
