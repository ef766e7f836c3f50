import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LearningError } from '../../../../inference/learning/errors.ts'
import {
  type BatchGradients,
  type JaxBatch,
  JaxModel,
  type JaxModelOptions,
} from '../../../../inference/learning/jax/model.ts'
import type { GgufFile } from '../../../../inference/models/gguf-writer.ts'
import { writeGguf } from '../../../../inference/models/gguf-writer.ts'
import { gradientsDigest } from '../../../helpers/gradients-digest.ts'
import { type RandomShape, randomModel } from '../../../helpers/random-model.ts'
import { seededRandom } from '../../../helpers/seeded-random.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const SHAPE: RandomShape = {
  architecture: 'qwen3',
  layers: 2,
  width: 32,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ff: 48,
  vocabulary: 270,
  contextTokens: 64,
}
const ALL = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down', 'output']
const MEBIBYTE = 1024 * 1024

describe('JaxModel', () => {
  const folders = new TemporaryFolders()
  const open_: JaxModel[] = []
  let folder: string
  before(async () => {
    folder = await folders.make()
  })
  afterEach(() => {
    for (const model of open_.splice(0)) model.close()
  })
  after(() => folders.remove())

  async function file(
    shape: RandomShape,
    change: (file: GgufFile) => GgufFile = same => same,
  ): Promise<string> {
    const path = join(folder, `${shape.architecture}${shape.tied ? '-tied' : ''}.gguf`)
    // Weights large enough that attention is sharp and gradients are more than rounding.
    await writeGguf(path, change(randomModel(shape, { default: 'F32' }, 3, 0.5)))
    return path
  }

  async function model(options: Partial<JaxModelOptions> & { path: string }): Promise<JaxModel> {
    const opened = await JaxModel.open({
      rank: 3,
      alpha: 6,
      modules: ALL,
      backend: 'wasm',
      rows: 2,
      rowTokens: 6,
      ...options,
    })
    const random = seededRandom(11)
    const draw = (values: Float32Array) => values.map(() => 0.6 * random() - 0.3)
    opened.setParameters(
      opened.parameters().map(module => ({ ...module, a: draw(module.a), b: draw(module.b) })),
    )
    open_.push(opened)
    return opened
  }

  function batch(n: number, changes: Partial<JaxBatch> = {}): JaxBatch {
    const random = seededRandom(5)
    const tokens = () => Int32Array.from({ length: n }, () => Math.floor(random() * SHAPE.vocabulary))
    return {
      tokens: tokens(),
      targets: tokens(),
      weights: Float32Array.from({ length: n }, (_, i) => [1, 0, 0.5, 2][i % 4]!),
      ...changes,
    }
  }

  for (const architecture of ['llama', 'qwen2', 'qwen3'] as const) {
    it(`gives the slopes of the loss that small steps find, for ${architecture}`, async () => {
      const net = await model({ path: await file({ ...SHAPE, architecture }) })
      const segments = Int32Array.of(1, 1, 1, 2, 2, 2, 7, 7, 7, 7, 7, 7)
      const work = batch(12, { segments })
      const { gradients } = await net.gradients(work)
      const start = net.parameters()
      const random = seededRandom(2)
      const sides = start.flatMap((_, at) => (['a', 'b'] as const).map(side => ({ at, side })))
      // One architecture tells which factor is wrong, if one is; for the others all move at once.
      const moves =
        architecture === 'qwen3' ? sides.filter(({ at }) => at % 2 === 1).map(one => [one]) : [sides]
      for (const move of moves) {
        // Along a random direction, so that every number takes part.
        const directions = move.map(({ at, side }) => start[at]![side].map(() => 2 * random() - 1))
        const moved = async (step: number) => {
          const values = start.map(module => ({ ...module }))
          for (const [i, { at, side }] of move.entries()) {
            values[at]![side] = start[at]![side].map((value, j) => value + step * directions[i]![j]!)
          }
          net.setParameters(values)
          return (await net.loss(work)).loss
        }
        const step = 3e-3 / Math.sqrt(move.length)
        const measured = ((await moved(step)) - (await moved(-step))) / (2 * step)
        const slope = move.reduce(
          (sum, { at, side }, i) =>
            sum + gradients[at]![side].reduce((all, value, j) => all + value * directions[i]![j]!, 0),
          0,
        )
        const names = move.map(({ at, side }) => `${start[at]!.name}.${side}`)
        const tolerance = 2e-3 + 0.02 * Math.abs(slope)
        assert.ok(Math.abs(measured - slope) < tolerance, `${names}: ${slope}, measured ${measured}`)
      }
    })
  }

  it('gives equal bytes for equal calls, and the same with little memory as with much', async () => {
    const path = await file(SHAPE)
    const work = batch(12)
    const much = await model({ path })
    const first = await much.gradients(work)
    same(await much.gradients(work), first)
    const little = await model({ path, memoryBytes: much.plan.needed })
    assert.deepEqual([little.plan.tracedLayers, little.plan.keptLayers, little.plan.keepHead], [0, 0, false])
    same(await little.gradients(work), first)
    assert.deepEqual(await little.loss(work), await much.loss(work))
    const again = await model({ path })
    same(await again.gradients(work), first)
  })

  it('gives the same bytes with several threads, in a process that ends by itself', async () => {
    const path = await file({ ...SHAPE, width: 64 })
    const script = new URL('../../../helpers/gradients-digest.ts', import.meta.url).pathname
    const { stdout } = await promisify(execFile)(process.execPath, [script, path, '2'])
    assert.equal(stdout, await gradientsDigest(path))
  })

  it('computes the last layer in runs of the vocabulary with the same result', async () => {
    const path = await file(SHAPE)
    const whole = await model({ path })
    const runs = await model({ path, headRun: 100 })
    const work = batch(12)
    const [a, b] = [await whole.gradients(work), await runs.gradients(work)]
    assert.ok(Math.abs(a.loss - b.loss) < 1e-5)
    for (const [i, { a: byA, b: byB }] of a.gradients.entries()) {
      close(byA, b.gradients[i]!.a, 1e-5)
      close(byB, b.gradients[i]!.b, 1e-5)
    }
    const tokens = work.tokens.slice(0, 5)
    close(await whole.logits(tokens), await runs.logits(tokens), 1e-5)
  })

  it('does not let packed examples see each other, nor count what weighs nothing', async () => {
    const net = await model({ path: await file(SHAPE) })
    const alone = batch(12, { weights: new Float32Array(12).fill(1, 0, 3) })
    const packed = {
      ...alone,
      tokens: alone.tokens.map((token, i) => (i < 3 || i > 5 ? token : 7)),
      segments: Int32Array.of(4, 4, 4, 9, 9, 9, 1, 1, 1, 1, 1, 1),
    }
    assert.ok(Math.abs((await net.loss(alone)).loss - (await net.loss(packed)).loss) < 1e-6)
    // The second example of a row is as if it stood first.
    const second = { ...packed, weights: new Float32Array(12).fill(1, 3, 6) }
    const moved = (values: Int32Array) =>
      Int32Array.of(...values.slice(3, 6), ...values.slice(0, 3), ...values.slice(6))
    const first = {
      tokens: moved(packed.tokens),
      targets: moved(packed.targets),
      weights: new Float32Array(12).fill(1, 0, 3),
      segments: Int32Array.of(9, 9, 9, 4, 4, 4, 1, 1, 1, 1, 1, 1),
    }
    assert.ok(Math.abs((await net.loss(second)).loss - (await net.loss(first)).loss) < 1e-6)
    assert.deepEqual(await net.loss({ ...alone, weights: new Float32Array(12) }), { loss: 0, weight: 0 })
    const nothing = await net.gradients({ ...alone, weights: new Float32Array(12) })
    assert.ok(nothing.gradients.every(({ a, b }) => a.every(x => x === 0) && b.every(x => x === 0)))
  })

  it('leaves A alone when it is frozen, and gives the same for B', async () => {
    const path = await file({ ...SHAPE, tied: true })
    const modules = ['attn_v', 'ffn_down']
    const both = await (await model({ path, modules })).gradients(batch(12))
    const frozen = await (await model({ path, modules, freezeA: true })).gradients(batch(12))
    assert.deepEqual(
      frozen.gradients.map(({ a }) => a.length),
      [0, 0, 0, 0],
    )
    assert.deepEqual(
      frozen.gradients.map(({ b }) => b),
      both.gradients.map(({ b }) => b),
    )
  })

  it('lists modules as an adapter file does, and takes no others', async () => {
    const net = await model({ path: await file(SHAPE), modules: ['output', 'ffn_up', 'attn_q'] })
    assert.deepEqual(net.modules, [
      { name: 'blk.0.attn_q', inputs: 32, outputs: 32 },
      { name: 'blk.0.ffn_up', inputs: 32, outputs: 48 },
      { name: 'blk.1.attn_q', inputs: 32, outputs: 32 },
      { name: 'blk.1.ffn_up', inputs: 32, outputs: 48 },
      { name: 'output', inputs: 32, outputs: 270 },
    ])
    assert.throws(() => net.setParameters(net.parameters().toReversed()), RangeError)
    await assert.rejects(net.loss(batch(11)), RangeError)
    await assert.rejects(net.loss({ ...batch(12), tokens: new Int32Array(12).fill(270) }), RangeError)
  })

  it('refuses what it cannot train, with a code', async () => {
    const code = (wanted: string) => (error: unknown) =>
      error instanceof LearningError && error.code === wanted
    const path = await file(SHAPE)
    const tied = await file({ ...SHAPE, tied: true })
    await assert.rejects(model({ path: tied, modules: ['output'] }), code('TRAINING_SETTINGS_INVALID'))
    await assert.rejects(model({ path, modules: ['toString'] }), code('TRAINING_SETTINGS_INVALID'))
    await assert.rejects(model({ path, rowTokens: 65 }), code('TRAINING_SETTINGS_INVALID'))
    await assert.rejects(model({ path, memoryBytes: MEBIBYTE / 16 }), code('TRAINING_MEMORY'))
    await assert.rejects(model({ path, backend: 'webgpu' }), code('BACKEND_UNAVAILABLE'))
    const changed = (change: (file: GgufFile) => GgufFile) =>
      file({ ...SHAPE, architecture: 'llama' }, change)
    const metadata = (entries: GgufFile['metadata']) =>
      changed(whole => ({ ...whole, metadata: { ...whole.metadata, ...entries } }))
    const refused = async (at: Promise<string>) =>
      assert.rejects(model({ path: await at }), code('BASE_UNSUPPORTED'))
    await refused(metadata({ 'general.architecture': { type: 'string', value: 'gemma3' } }))
    await refused(metadata({ 'llama.expert_count': { type: 'uint32', value: 8 } }))
    await refused(metadata({ 'llama.rope.scaling.type': { type: 'string', value: 'yarn' } }))
    await refused(metadata({ 'llama.attention.head_count_kv': { type: 'uint32', value: 3 } }))
    await refused(metadata({ 'llama.block_count': { type: 'uint32', value: 3 } }))
    const extra: GgufFile['tensors'][number] = {
      name: 'blk.0.ffn_gate_inp.weight',
      shape: [4],
      type: 'F32',
      elements: () => [new Float32Array(4)],
    }
    await refused(changed(whole => ({ ...whole, tensors: [...whole.tensors, extra] })))
    await refused(
      changed(whole => ({
        ...whole,
        tensors: whole.tensors.slice(0, -1).concat({ ...extra, name: 'output.weight' }),
      })),
    )
  })
})

/** Bit by bit, and without a page of numbers where not. */
function same(a: BatchGradients, b: BatchGradients): void {
  assert.deepEqual([a.loss, a.weight], [b.loss, b.weight])
  for (const [i, { a: byA, b: byB }] of a.gradients.entries()) {
    close(byA, b.gradients[i]!.a, 0)
    close(byB, b.gradients[i]!.b, 0)
  }
}

function close(a: Float32Array, b: Float32Array, tolerance: number): void {
  assert.equal(a.length, b.length)
  const off = a.findIndex((value, i) => !(Math.abs(value - b[i]!) <= tolerance))
  assert.equal(off, -1, `${a[off]} and ${b[off]} at ${off}`)
}
