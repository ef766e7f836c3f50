import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readGgufFileInfo } from 'node-llama-cpp'
import { type GgufTensor, type GgufValue, writeGguf } from '../../inference/models/gguf-writer.ts'

/** Of the size at which a core takes about 20 ms for a token: some 350 million parameters in 8 bits. */
const SHAPE = { layers: 28, width: 1024, heads: 16, kvHeads: 8, headDim: 64, ff: 3072 }
const VOCABULARY_OF = new URL('../../inference/models/embedded/shoal-nano-q8_0.gguf', import.meta.url)

/**
 * A real model, as slow as models are that people pay for, and of random weights: what it says is noise, how
 * long it takes is not. Made once a machine.
 * @returns its path
 */
export async function largeModel(): Promise<string> {
  const { layers, width, heads, kvHeads, headDim, ff } = SHAPE
  const path = join(tmpdir(), `shoal-bench-${layers}x${width}x${ff}-q8_0.gguf`)
  if (existsSync(path)) return path
  const { metadata } = await readGgufFileInfo(VOCABULARY_OF.pathname)
  const tokenizer = metadata.tokenizer.ggml as unknown as {
    tokens: string[]
    token_type: number[]
    merges: string[]
    bos_token_id: number
    eos_token_id: number
  }
  const vocabulary = tokenizer.tokens.length
  const u32 = (value: number): GgufValue => ({ type: 'uint32', value })
  const matrix = (name: string, columns: number, rows: number): GgufTensor => ({
    name: `${name}.weight`,
    shape: [columns, rows],
    type: 'Q8_0',
    elements: () => noise(columns * rows, 0.02),
  })
  const norm = (name: string, size: number): GgufTensor => ({
    name: `${name}.weight`,
    shape: [size],
    type: 'F32',
    elements: () => [new Float32Array(size).fill(1)],
  })
  const tensors = [
    matrix('token_embd', width, vocabulary),
    norm('output_norm', width),
    matrix('output', width, vocabulary),
    ...Array.from({ length: layers }, (_, layer) => `blk.${layer}.`).flatMap(block => [
      norm(`${block}attn_norm`, width),
      matrix(`${block}attn_q`, width, heads * headDim),
      matrix(`${block}attn_k`, width, kvHeads * headDim),
      matrix(`${block}attn_v`, width, kvHeads * headDim),
      matrix(`${block}attn_output`, heads * headDim, width),
      norm(`${block}attn_q_norm`, headDim),
      norm(`${block}attn_k_norm`, headDim),
      norm(`${block}ffn_norm`, width),
      matrix(`${block}ffn_gate`, width, ff),
      matrix(`${block}ffn_up`, width, ff),
      matrix(`${block}ffn_down`, ff, width),
    ]),
  ]
  await writeGguf(path, {
    metadata: {
      'general.architecture': { type: 'string', value: 'qwen3' },
      'general.name': { type: 'string', value: 'bench-large' },
      'general.file_type': u32(7),
      'general.quantization_version': u32(2),
      'qwen3.vocab_size': u32(vocabulary),
      'qwen3.context_length': u32(1024),
      'qwen3.embedding_length': u32(width),
      'qwen3.block_count': u32(layers),
      'qwen3.feed_forward_length': u32(ff),
      'qwen3.rope.freq_base': { type: 'float32', value: 10_000 },
      'qwen3.attention.head_count': u32(heads),
      'qwen3.attention.head_count_kv': u32(kvHeads),
      'qwen3.attention.key_length': u32(headDim),
      'qwen3.attention.value_length': u32(headDim),
      'qwen3.attention.layer_norm_rms_epsilon': { type: 'float32', value: 1e-6 },
      'tokenizer.ggml.model': { type: 'string', value: 'gpt2' },
      'tokenizer.ggml.pre': { type: 'string', value: 'qwen2' },
      'tokenizer.ggml.tokens': { type: 'array', of: 'string', value: tokenizer.tokens },
      'tokenizer.ggml.token_type': { type: 'array', of: 'int32', value: tokenizer.token_type },
      'tokenizer.ggml.merges': { type: 'array', of: 'string', value: tokenizer.merges },
      'tokenizer.ggml.bos_token_id': u32(tokenizer.bos_token_id),
      'tokenizer.ggml.eos_token_id': u32(tokenizer.eos_token_id),
      'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
      'tokenizer.chat_template': { type: 'string', value: String(metadata.tokenizer.chat_template) },
    },
    tensors,
  })
  return path
}

const PIECE = 262_144

/** Deterministic noise: one random piece over and over, which costs a model as much as any other weights. */
function* noise(count: number, scale: number): Generator<Float32Array> {
  let state = 12345
  const piece = Float32Array.from({ length: Math.min(PIECE, count) }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state / 0x40000000 - 1) * scale * 1.7
  })
  for (let left = count; left > 0; left -= piece.length)
    yield left >= piece.length ? piece : piece.subarray(0, left)
}
