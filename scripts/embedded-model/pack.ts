import { open, readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type GgufTensor, type GgufValue, writeGguf } from '../../inference/models/gguf-writer.ts'
import type { WritableType } from '../../inference/models/quantize.ts'
import { CHAT_TEMPLATE, END, END_OF_TEXT } from './chat.ts'
import type { Vocabulary } from './tokenizer/train-bpe.ts'

/** What `train.py` writes beside the weights. */
interface Weights {
  shape: {
    layers: number
    width: number
    heads: number
    kvHeads: number
    headDim: number
    ff: number
    ropeBase: number
    normEpsilon: number
    contextLength: number
  }
  training: { parameters: number; steps: number; tokens: number }
  tensors: { name: string; shape: number[]; offset: number; bytes: number }[]
}

/** llama.cpp's `general.file_type` of each dominant tensor type. */
const FILE_TYPES = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7 } as const
/** llama.cpp's token types. */
const NORMAL = 1
const CONTROL = 3

/** Step 3: packs trained weights and their vocabulary as one GGUF file. */
const { values } = parseArgs({
  options: {
    trained: { type: 'string' },
    vocabulary: { type: 'string' },
    type: { type: 'string', default: 'Q8_0' },
    name: { type: 'string' },
    out: { type: 'string' },
  },
})
const required = (name: 'trained' | 'vocabulary' | 'name' | 'out'): string => {
  const value = values[name]
  if (value === undefined) throw new Error(`--${name} is missing`)
  return value
}
const type = values.type as WritableType
if (!(type in FILE_TYPES))
  throw new Error(`--type ${values.type} is none of ${Object.keys(FILE_TYPES).join(', ')}`)

const weights = JSON.parse(await readFile(path.join(required('trained'), 'weights.json'), 'utf8')) as Weights
const vocabulary = JSON.parse(await readFile(required('vocabulary'), 'utf8')) as Vocabulary
const { shape } = weights
const id = (token: string) => vocabulary.tokens.indexOf(token)
const millions = weights.training.parameters / 1e6

const u32 = (value: number): GgufValue => ({ type: 'uint32', value })
const f32 = (value: number): GgufValue => ({ type: 'float32', value })
const text = (value: string): GgufValue => ({ type: 'string', value })
const texts = (value: readonly string[]): GgufValue => ({ type: 'array', of: 'string', value })

const metadata: Record<string, GgufValue> = {
  'general.architecture': text('qwen3'),
  'general.type': text('model'),
  'general.name': text(required('name')),
  'general.basename': text('shoal'),
  'general.size_label': text(`${millions < 3 ? millions.toFixed(1) : Math.round(millions)}M`),
  'general.license': text('apache-2.0'),
  'general.description': text(
    'A very small language model trained from scratch on generated text: small talk, questions about Shoal, ' +
      'small arithmetic, sorting, sentiment, fields to JSON, one-line summaries.',
  ),
  'general.languages': texts(['en']),
  'general.file_type': u32(FILE_TYPES[type as keyof typeof FILE_TYPES]),
  'general.quantization_version': u32(2),
  'qwen3.vocab_size': u32(vocabulary.tokens.length),
  'qwen3.context_length': u32(shape.contextLength),
  'qwen3.embedding_length': u32(shape.width),
  'qwen3.block_count': u32(shape.layers),
  'qwen3.feed_forward_length': u32(shape.ff),
  'qwen3.rope.freq_base': f32(shape.ropeBase),
  'qwen3.attention.head_count': u32(shape.heads),
  'qwen3.attention.head_count_kv': u32(shape.kvHeads),
  'qwen3.attention.key_length': u32(shape.headDim),
  'qwen3.attention.value_length': u32(shape.headDim),
  'qwen3.attention.layer_norm_rms_epsilon': f32(shape.normEpsilon),
  'tokenizer.ggml.model': text('gpt2'),
  'tokenizer.ggml.pre': text('qwen2'),
  'tokenizer.ggml.tokens': texts(vocabulary.tokens),
  'tokenizer.ggml.token_type': {
    type: 'array',
    of: 'int32',
    value: vocabulary.tokens.map((_, index) => (index < vocabulary.firstSpecial ? NORMAL : CONTROL)),
  },
  'tokenizer.ggml.merges': texts(vocabulary.merges),
  'tokenizer.ggml.bos_token_id': u32(id(END_OF_TEXT)),
  'tokenizer.ggml.eos_token_id': u32(id(END)),
  'tokenizer.ggml.eot_token_id': u32(id(END)),
  'tokenizer.ggml.padding_token_id': u32(id(END_OF_TEXT)),
  'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
  'tokenizer.chat_template': text(CHAT_TEMPLATE),
}

const file = await open(path.join(required('trained'), 'weights.bin'))
const tensors = weights.tensors.map((tensor): GgufTensor => {
  const name = `${tensor.name.replace(/\.weight$/, '')}.weight`
  const isMatrix = tensor.shape.length > 1
  const outermost = name === 'token_embd.weight' || name === 'output.weight'
  return {
    name,
    shape: [...tensor.shape].reverse(),
    // The first and last matrix are small and sensitive: four bits are kept for the layers between.
    type: !isMatrix ? 'F32' : type === 'Q4_0' && outermost ? 'Q8_0' : type,
    async *elements() {
      const bytes = Buffer.alloc(tensor.bytes)
      await file.read(bytes, 0, tensor.bytes, tensor.offset)
      yield new Float32Array(bytes.buffer, bytes.byteOffset, tensor.bytes / 4)
    },
  }
})
try {
  const size = await writeGguf(required('out'), { metadata, tensors })
  console.log(`${values.out}: ${size} bytes, ${weights.training.parameters} parameters, ${type}`)
} finally {
  await file.close()
}
