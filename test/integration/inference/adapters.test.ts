import assert from 'node:assert/strict'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getLlama, type LlamaContextSequence, type Token } from 'node-llama-cpp'
import type { EngineStatus, LossRow, ModelSource } from '../../../inference/engine.ts'
import { EngineError } from '../../../inference/engine.ts'
import { encodeAdapter } from '../../../inference/learning/adapter-file.ts'
import { ProcessEngine } from '../../../inference/llama/process-engine.ts'
import { openRowTokenizer } from '../../../inference/llama/row-tokenizer.ts'
import { LlamaWorker } from '../../../inference/llama/worker.ts'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { adaptedModelId } from '../../../protocol/adapted-model.ts'
import { randomAdapter, randomAdapterFile } from '../../helpers/random-adapter.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { chat, nano, QUESTION, run } from './nano.ts'

describe('an engine with adapters', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let worker: LlamaWorker
  let base: ModelSource
  let one: ModelSource
  let both: ModelSource

  const wearing = (...adapters: { id: string; path: string; scale?: number }[]): ModelSource => ({
    id: adaptedModelId(base.id, adapters),
    path: base.path,
    base: base.id,
    adapters: adapters.map(({ id, path, scale = 1 }) => ({ id, path, scale })),
  })
  const answerOf = async (model: ModelSource, engine: LlamaWorker | ProcessEngine = worker) =>
    (await run(engine.generate(chat(model, QUESTION, { maxTokens: 24 })))).text
  const code = (reason: string) => (error: unknown) => {
    assert.ok(error instanceof EngineError)
    assert.deepEqual([error.code, error.details.reason], ['MODEL_INVALID', reason])
    return true
  }

  before(async () => {
    folder = await folders.make()
    base = await nano(folder)
    worker = new LlamaWorker({ threads: 1, slots: 4, gpu: false })
    await worker.start()
    await worker.load(base)
    const first = await randomAdapterFile(join(folder, '1.gguf'), base.path, { seed: 1, size: 0.2 })
    const second = await randomAdapterFile(join(folder, '2.gguf'), base.path, { seed: 2, size: 0.2 })
    one = wearing(first)
    both = wearing(first, { ...second, scale: 0.5 })
    await Promise.all([worker.load(one), worker.load(both)])
  })

  after(async () => {
    await worker.stop()
    await folders.remove()
  })

  it('says of what an adapted model is made', () => {
    const { adapters, base: ofBase, id } = worker.status().models.find(({ id }) => id === both.id)!
    assert.deepEqual({ id, adapters, base: ofBase }, { id: both.id, adapters: both.adapters, base: base.id })
  })

  it('gives each id its own answers, side by side', async () => {
    const requests = [base, one, both].map(model => chat(model, QUESTION, { maxTokens: 24 }))
    const outputs = await Promise.all(requests.map(request => run(worker.generate(request))))
    assert.equal(new Set(outputs.map(({ text }) => text)).size, 3)
    // By what each model makes of it rather than word for word: which tokens are computed together turns near ties.
    for (const [by, request] of requests.entries()) {
      for (const [of, { tokens }] of outputs.entries()) {
        const { margins } = await worker.score({ ...request, output: tokens })
        const mean = margins.reduce((sum, margin) => sum + Math.min(margin, 10), 0) / margins.length
        assert.ok(of === by ? mean < 0.05 : mean > 1, `${of} by ${by}: ${mean}`)
      }
    }
  })

  it('adds nothing with a scale of 0', async () => {
    const none = wearing({ id: one.adapters![0]!.id!, path: one.adapters![0]!.path, scale: 0 })
    await worker.load(none)
    assert.equal(await answerOf(none), await answerOf(base))
    await worker.unload(none.id)
  })

  it('loads and unloads one while others of its base are at work', async () => {
    const before = await answerOf(base)
    const running = worker.generate(chat(base, QUESTION, { maxTokens: 24 }), { grantedTokens: 1_000 })
    let text = ''
    for await (const event of running) {
      if (event.type !== 'output') continue
      if (text === '') {
        await worker.unload(one.id)
        await worker.load(one)
      }
      text += event.text
    }
    assert.equal(text, before)
    assert.notEqual(await answerOf(one), before)
  })

  it('reads a file anew that holds another adapter than before', async () => {
    const path = join(folder, 'changing.gguf')
    const answers = []
    for (const { path: from, id } of both.adapters!) {
      await copyFile(from, path)
      const model = { ...wearing({ id: id!, path }), id: 'changing' }
      await worker.load(model)
      answers.push(await answerOf(model))
      await worker.unload(model.id)
    }
    assert.equal(answers[0], await answerOf(one))
    assert.notEqual(answers[0], answers[1])
  })

  it('embeds with them', async () => {
    const [plain, adapted] = await Promise.all(
      [base, one].map(({ id }) => worker.embed({ model: id, inputs: [QUESTION] })),
    )
    assert.notDeepEqual(plain!.vectors, adapted!.vectors)
  })

  it('refuses what cannot be worn, and goes on', async () => {
    const path = join(folder, 'bad.gguf')
    const model: ModelSource = { id: 'bad', path: base.path, base: base.id, adapters: [{ path, scale: 1 }] }
    const adapter = await randomAdapter(base.path, { rank: 2 })
    const bytes = encodeAdapter(adapter)
    const broken = Buffer.from(bytes)
    broken.fill(0xff, broken.length - 8)
    const mini = await new ModelCatalog({ modelsFolder: folder, cacheFolder: folder }).resolve('shoal-mini')
    const foreign = encodeAdapter(await randomAdapter(mini.path, { rank: 2 }))
    const module = adapter.modules[0]!
    const narrow = { ...module, inputs: module.inputs / 2, a: module.a.subarray(0, module.inputs) }
    const cases: [Uint8Array, string][] = [
      [Buffer.from('no model at all'), 'NOT_GGUF'],
      [bytes.subarray(0, bytes.length - 40), 'TRUNCATED'],
      [broken, 'NOT_FINITE'],
      [foreign, 'WRONG_BASE'],
      [encodeAdapter({ ...adapter, modules: [narrow] }), 'WRONG_SHAPE'],
      [encodeAdapter({ ...adapter, modules: [{ ...module, name: 'blk.99.attn_q' }] }), 'WRONG_MODULES'],
    ]
    for (const [content, reason] of cases) {
      await writeFile(path, content)
      await assert.rejects(worker.load(model), code(reason))
    }
    await assert.rejects(
      worker.load({ ...model, adapters: [{ ...one.adapters![0]!, id: both.adapters![1]!.id! }] }),
      code('WRONG_DIGEST'),
    )
    await assert.rejects(worker.load({ ...model, adapters: [{ ...one.adapters![0]!, scale: Number.NaN }] }))
    assert.equal(worker.status().models.length, 3)
    await answerOf(one)
  })

  describe('measureLoss', () => {
    const TEXT = 'Once upon a time a shoal of fish had no leader.'
    const rows: LossRow[] = [
      { text: TEXT },
      { prompt: 'Shoal is', completion: ' a network.' },
      {
        messages: [
          { role: 'user', content: 'Hello.' },
          { role: 'assistant', content: 'Hi!' },
          { role: 'user', content: 'What now?' },
          { role: 'assistant', content: 'Swim.' },
        ],
      },
    ]

    it('is exact over the whole vocabulary', async () => {
      const llama = await getLlama({ gpu: false, build: 'never', skipDownload: true, maxThreads: 0 })
      const model = await llama.loadModel({ modelPath: base.path })
      const context = await model.createContext({ contextSize: 256, sequences: 1, threads: 1 })
      const sequence = context.getSequence()
      const tokenizer = await openRowTokenizer(base.path)
      const measured = await worker.measureLoss({ model: base.id, rows, perToken: true })
      for (const [index, row] of rows.entries()) {
        const [{ tokens, counted }] = tokenizer.write(row) as [{ tokens: number[]; counted: Uint8Array }]
        const wanted = await lossesByHand(sequence, tokens)
        const expected = wanted.filter((_, i) => counted[i + 1] === 1)
        const { tokenLosses, loss } = measured.rows[index]!
        assert.equal(tokenLosses!.length, expected.length)
        for (const [i, nats] of expected.entries())
          assert.ok(Math.abs(nats - tokenLosses![i]!) < 0.1, `${nats} ${tokenLosses![i]}`)
        const mean = expected.reduce((sum, nats) => sum + nats, 0) / expected.length
        assert.ok(Math.abs(mean - loss) < 0.02, `${mean} ${loss}`)
      }
      await tokenizer.close()
      await context.dispose()
      await model.dispose()
    })

    it('finds what the model answers by itself, with the end of its turn', async () => {
      const { text, outputTokens } = await run(worker.generate(chat(base, QUESTION)))
      const messages = [
        { role: 'user' as const, content: QUESTION },
        { role: 'assistant' as const, content: text },
      ]
      const { loss, tokens, exactRows, rows } = await worker.measureLoss({
        model: base.id,
        rows: [{ messages }, { messages: [messages[0]!, { role: 'assistant', content: 'No.' }] }],
      })
      assert.deepEqual([exactRows, rows[0]!.isExact, rows[1]!.isExact], [1, true, false])
      assert.equal(rows[0]!.tokens, outputTokens)
      assert.equal(tokens, rows[0]!.tokens + rows[1]!.tokens)
      assert.ok(rows[0]!.loss < 0.1 && rows[1]!.loss > 1)
      assert.ok(loss > rows[0]!.loss && loss < rows[1]!.loss)
    })

    it('tells an adapter from its base', async () => {
      const [plain, adapted] = await Promise.all(
        [base, one].map(({ id }) => worker.measureLoss({ model: id, rows })),
      )
      assert.ok(Math.abs(plain!.loss - adapted!.loss) > 0.1)
    })

    it('measures the beginning of what is too long, and nothing where nothing counts', async () => {
      const { rows: measured } = await worker.measureLoss({
        model: base.id,
        rows: [{ text: TEXT.repeat(60) }, { messages: [{ role: 'user', content: 'Hello.' }] }, { text: '' }],
      })
      assert.deepEqual(
        measured.map(({ tokens, isCut, isExact }) => ({ tokens, isCut, isExact })),
        [
          { tokens: worker.status().models[0]!.contextTokens - 1, isCut: true, isExact: false },
          { tokens: 0, isCut: false, isExact: false },
          { tokens: 0, isCut: false, isExact: false },
        ],
      )
    })

    it('is infinite where an adapter leaves no numbers', async () => {
      const path = join(folder, 'huge.gguf')
      const { modules, ...adapter } = await randomAdapter(base.path, { rank: 1 })
      const huge = modules.map(module => ({ ...module, b: module.b.fill(3e38) }))
      await writeFile(path, encodeAdapter({ ...adapter, modules: huge }))
      await worker.load({ id: 'huge', path: base.path, base: base.id, adapters: [{ path, scale: 1 }] })
      const { loss, rows: measured } = await worker.measureLoss({ model: 'huge', rows })
      assert.equal(loss, Number.POSITIVE_INFINITY)
      assert.ok(measured.every(({ isExact }) => !isExact))
      await worker.unload('huge')
    })

    it('makes way for generations', async () => {
      const many = Array.from({ length: 200 }, () => ({ text: TEXT.repeat(6) }))
      const abort = new AbortController()
      const measuring = worker.measureLoss({ model: base.id, rows: many }, { signal: abort.signal })
      const refused = assert.rejects(measuring, { code: 'CANCELLED' })
      await Promise.all([1, 2, 3, 4, 5].map(() => answerOf(base)))
      abort.abort()
      await refused
      assert.equal(worker.status().active, 0)
    })

    it('refuses more than it can hold', async () => {
      const many = Array.from({ length: 1_025 }, () => ({ text: 'a' }))
      await assert.rejects(worker.measureLoss({ model: base.id, rows: many }), { code: 'INPUT_INVALID' })
      await assert.rejects(worker.measureLoss({ model: 'nobody', rows: [] }), { code: 'MODEL_NOT_LOADED' })
    })
  })

  it('has its adapted models again after the process died', async () => {
    const engine = new ProcessEngine({ threads: 1, slots: 2, gpu: false })
    await engine.start()
    try {
      await engine.load(base)
      await engine.load(one)
      const rows = [{ text: QUESTION }]
      const { loss } = await worker.measureLoss({ model: one.id, rows })
      const answers = [await answerOf(base), await answerOf(one)]
      const measured = await engine.measureLoss({ model: one.id, rows, perToken: true })
      assert.ok(Math.abs(measured.loss - loss) < 1e-3)
      assert.ok(measured.rows[0]!.tokenLosses instanceof Float32Array)
      const crashed = new Promise<void>(resolve =>
        engine.onStatus(({ crashes }: EngineStatus) => crashes > 0 && resolve()),
      )
      process.kill(engine.processId!, 'SIGKILL')
      await crashed
      assert.deepEqual([await answerOf(base, engine), await answerOf(one, engine)], answers)
      assert.deepEqual(engine.status().models[1]!.adapters, one.adapters)
    } finally {
      await engine.stop()
    }
  })
})

/** -ln p of each token after the first, from all logits that the model shows. */
async function lossesByHand(sequence: LlamaContextSequence, tokens: readonly number[]): Promise<number[]> {
  const inputs = tokens
    .slice(0, -1)
    .map(token => [token as Token, { generateNext: { logits: true, options: { temperature: 0 } } }] as const)
  await sequence.clearHistory()
  const outputs = await sequence.controlledEvaluate(inputs as never)
  return inputs.map((_, i) => {
    const logits = outputs[i]!.next.logits!
    const greatest = Math.max(...logits.values())
    const sum = [...logits.values()].reduce((sum, logit) => sum + Math.exp(logit - greatest), 0)
    return greatest - logits.get(tokens[i + 1] as Token)! + Math.log(sum)
  })
}
