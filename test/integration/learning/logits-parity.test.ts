import assert from 'node:assert/strict'
import { join } from 'node:path'
import { getLlama, type Llama, LlamaLogLevel, type Token } from 'node-llama-cpp'
import { JaxModel } from '../../../inference/learning/jax/model.ts'
import type { ReadableType } from '../../../inference/models/dequantize.ts'
import { writeGguf } from '../../../inference/models/gguf-writer.ts'
import { type RandomShape, randomModel, SMALL, unpackedModel } from '../../helpers/random-model.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

const TOKENS = 24
const TYPES: readonly ReadableType[] = ['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_K', 'Q6_K']
const ARCHITECTURES = ['llama', 'qwen2', 'qwen3'] as const

/**
 * Ours beside llama.cpp's, which gives probabilities of the whole vocabulary: logits are compared less the logarithm
 * of their powers' sum, as which softmax sees them.
 *
 * llama.cpp rounds activations to 8 bits where weights are packed. So the packed file is given to us, and to
 * llama.cpp one that holds the same weights as 32-bit floats; what it makes of the packed file itself is compared too.
 */
describe('logits beside llama.cpp', () => {
  const folders = new TemporaryFolders()
  let llama: Llama
  before(async () => {
    llama = await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      maxThreads: 1,
      logLevel: LlamaLogLevel.error,
    })
  })
  after(async () => {
    await llama.dispose()
    await folders.remove()
  })

  for (const architecture of ARCHITECTURES) {
    for (const type of TYPES) {
      it(`of ${architecture} in ${type}`, async () => {
        const { exact, packed } = await compare({ ...SMALL, architecture }, type)
        assert.ok(exact < 1e-4, `off by ${exact}`)
        assert.ok(packed < 0.1, `off by ${packed} from the packed file`)
      })
    }
  }

  it('of a tied llama with factors of rotary embedding and more heads of keys', async () => {
    const shape: RandomShape = { ...SMALL, architecture: 'llama', tied: true, ropeFactors: true, kvHeads: 4 }
    const { exact } = await compare(shape, 'Q8_0')
    assert.ok(exact < 1e-4, `off by ${exact}`)
  })

  async function compare(shape: RandomShape, type: ReadableType) {
    const folder = await folders.make()
    const packedPath = join(folder, 'packed.gguf')
    const plainPath = join(folder, 'plain.gguf')
    const file = randomModel(shape, { default: type })
    await writeGguf(packedPath, file)
    await writeGguf(plainPath, unpackedModel(file))
    const random = seededRandom(7)
    const tokens = Int32Array.from({ length: TOKENS }, () => Math.floor(random() * shape.vocabulary))
    const ours = await ourLogProbabilities(packedPath, tokens, shape.vocabulary)
    return {
      exact: largestDifference(ours, await theirLogProbabilities(plainPath, tokens)),
      packed: largestDifference(ours, await theirLogProbabilities(packedPath, tokens)),
    }
  }

  async function theirLogProbabilities(path: string, tokens: Int32Array): Promise<Map<number, number>[]> {
    const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 })
    const context = await model.createContext({
      contextSize: 64,
      threads: 1,
      flashAttention: false,
      experimentalKvCacheKeyType: 'F32',
      experimentalKvCacheValueType: 'F32',
    })
    const results = await context
      .getSequence()
      .controlledEvaluate(
        [...tokens].map(token => [token as Token, { generateNext: { probabilities: true } }]),
      )
    await model.dispose()
    return results.map(result => {
      const probabilities = result!.next.probabilities!
      return new Map([...probabilities].map(([token, probability]) => [Number(token), Math.log(probability)]))
    })
  }
})

async function ourLogProbabilities(
  path: string,
  tokens: Int32Array,
  vocabulary: number,
): Promise<Float32Array[]> {
  const model = await JaxModel.open({
    path,
    rank: 4,
    alpha: 8,
    modules: ['attn_q'],
    backend: 'wasm',
    rows: 1,
    rowTokens: TOKENS,
  })
  const logits = await model.logits(tokens)
  model.close()
  return Array.from(tokens, (_, at) => {
    const row = logits.subarray(at * vocabulary, (at + 1) * vocabulary)
    const sum = Math.log(row.reduce((all, logit) => all + Math.exp(logit), 0))
    return row.map(logit => logit - sum)
  })
}

function largestDifference(ours: Float32Array[], theirs: Map<number, number>[]): number {
  assert.equal(theirs.length, ours.length)
  let largest = 0
  for (const [at, row] of ours.entries()) {
    assert.equal(theirs[at]!.size, row.length)
    for (const [token, logit] of theirs[at]!) largest = Math.max(largest, Math.abs(row[token]! - logit))
  }
  return largest
}
