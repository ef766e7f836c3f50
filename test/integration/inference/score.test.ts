import assert from 'node:assert/strict'
import type {
  GenerateRequest,
  LoadedModel,
  ModelSource,
  SamplingParameters,
  ScoredOutput,
} from '../../../inference/engine.ts'
import { LlamaWorker } from '../../../inference/llama/worker.ts'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { seedOf } from '../../helpers/seed.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { chat, greedy, QUESTION, run } from './nano.ts'

/** Of texts that the embedded models do not know by heart. */
const PROMPTS = ['Once upon', 'q7 zebra lamp', 'The kettle that', 'blue 91 fork', 'he said to her']
const warm = (seed: number): SamplingParameters => ({ ...greedy, temperature: 1.2, seed: seedOf(seed) })

/** Mean margin with each at most 3, and the share of tokens that won. */
function summary(scores: readonly ScoredOutput[]) {
  const margins = scores.flatMap(({ margins }) => [...margins])
  const wins = scores.flatMap(({ states }) => [...states]).filter(state => state === 0)
  return {
    meanMargin: margins.reduce((sum, margin) => sum + Math.min(margin, 3), 0) / margins.length,
    matchRate: wins.length / margins.length,
  }
}

describe('Engine.score', () => {
  const folders = new TemporaryFolders()
  let worker: LlamaWorker
  let single: LlamaWorker
  let model: ModelSource
  let other: ModelSource
  let loaded: LoadedModel

  before(async () => {
    const folder = await folders.make()
    const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
    model = await catalog.resolve('shoal-nano')
    other = await catalog.resolve('shoal-mini')
    worker = new LlamaWorker({ threads: 1, slots: 4, gpu: false })
    single = new LlamaWorker({ threads: 1, slots: 1, gpu: false })
    await Promise.all([worker.start(), single.start()])
    loaded = await worker.load(model)
    await Promise.all([worker.load(other), single.load(model)])
  })

  after(async () => {
    await Promise.all([worker.stop(), single.stop()])
    await folders.remove()
  })

  const completion = (
    prompt: string,
    sampling: SamplingParameters,
    changes: Partial<GenerateRequest> = {},
  ) => ({
    ...{ model: model.id, input: { kind: 'completion' as const, prompt }, maxTokens: 60 },
    ...{ sampling, stop: [], ...changes },
  })
  const score = (request: GenerateRequest, output: readonly number[]) => worker.score({ ...request, output })

  it('finds that an honest output won everywhere, whatever ran beside it', async () => {
    for (const sampling of [() => greedy, warm]) {
      const requests = PROMPTS.map((prompt, seed) => completion(prompt, sampling(seed)))
      const outputs = await Promise.all(requests.map(request => run(worker.generate(request))))
      const scores = await Promise.all(requests.map((request, i) => score(request, outputs[i]!.tokens)))
      const { meanMargin, matchRate } = summary(scores)
      assert.ok(meanMargin < 0.01 && matchRate > 0.98, `${meanMargin} ${matchRate}`)
      for (const [i, { text, tokens, reason, promptTokens, events }] of outputs.entries()) {
        const scored = scores[i]!
        assert.deepEqual(scored.ending, { tokens: tokens.length, reason })
        assert.equal(scored.text, text)
        assert.equal(scored.endsTurn, reason === 'stop')
        assert.equal(scored.promptTokens, promptTokens)
        assert.ok(events[0]?.type === 'start' && events[0].promptDigest === scored.promptDigest)
        assert.equal(scored.computedTokens, promptTokens + tokens.length - 1)
        assert.ok([...scored.logProbs].every(logProb => logProb <= 0 && Number.isFinite(logProb)))
      }
    }
  })

  it('finds another seed, another model, another prompt and another temperature worse', async () => {
    const requests = PROMPTS.map((prompt, seed) => completion(prompt, warm(seed)))
    const outputs = await Promise.all(requests.map(request => run(worker.generate(request))))
    const claimed = async (
      claim: (request: GenerateRequest, prompt: string, i: number) => GenerateRequest,
    ) => {
      const scores = await Promise.all(
        requests.map((request, i) => score(claim(request, PROMPTS[i]!, i), outputs[i]!.tokens)),
      )
      const { meanMargin, matchRate } = summary(scores)
      return meanMargin > 0.05 && matchRate < 0.97
    }
    assert.ok(!(await claimed(request => request)))
    assert.ok(await claimed((request, _, i) => ({ ...request, sampling: warm(i + 100) })), 'seed')
    assert.ok(await claimed(request => ({ ...request, model: other.id })), 'model')
    assert.ok(await claimed((_, prompt, i) => completion(`Be brief. ${prompt}`, warm(i))), 'prompt')
    assert.ok(
      await claimed(request => ({ ...request, sampling: { ...request.sampling, temperature: 0.2 } })),
      'temperature',
    )
  })

  it('gives the same to the last bit each time', async () => {
    const request = completion('Once upon', warm(5), { maxTokens: 200 })
    const { tokens } = await run(worker.generate(request))
    const first = await score(request, tokens)
    await run(worker.generate(completion('Something else', warm(5))))
    const again = await score(request, tokens)
    assert.deepEqual([again.margins, again.logProbs], [first.margins, first.logProbs])
  })

  it('judges the rest of a continued answer as part of the whole', async () => {
    const request = completion('q7 zebra lamp', warm(3))
    const whole = await run(worker.generate(request))
    const tokens = whole.tokens.slice(0, 12)
    const begun = await run(worker.generate({ ...request, maxTokens: 12 }))
    const rest = { ...request, maxTokens: 48, continuation: { text: begun.text, tokens } }
    const continued = await run(worker.generate(rest))
    // The draws go on where they were, so that the whole is an answer that one engine could have made.
    assert.ok(summary([await score(request, [...tokens, ...continued.tokens])]).matchRate > 0.95)
    const scored = await score(rest, continued.tokens)
    assert.ok(summary([scored]).matchRate > 0.95)
    assert.equal(scored.text, continued.text)
    assert.equal(scored.promptTokens, continued.promptTokens)
  })

  it('says where an output ends by its own rules', async () => {
    const request = chat(model, QUESTION)
    const { tokens, text } = await run(worker.generate(request))
    const ending = async (changes: Partial<GenerateRequest>, output: readonly number[]) => {
      const scored = await score({ ...request, ...changes }, output)
      return [scored.ending?.tokens ?? null, scored.ending?.reason ?? null, scored.endsTurn, scored.text]
    }
    const end = tokens.length
    assert.deepEqual(await ending({}, tokens), [end, 'stop', true, text])
    assert.deepEqual(await ending({}, [...tokens, ...tokens.slice(0, 3)]), [end, 'stop', false, text])
    const cut = await run(worker.generate({ ...request, maxTokens: 5 }))
    assert.deepEqual(await ending({}, tokens.slice(0, 5)), [null, null, false, cut.text])
    assert.deepEqual(await ending({ maxTokens: 5 }, tokens.slice(0, 7)), [5, 'length', false, cut.text])
    const stop = [text.slice(10, 16)]
    const stopped = await run(worker.generate({ ...request, stop }))
    assert.deepEqual(await ending({ stop }, stopped.tokens), [
      stopped.tokens.length,
      'stop_string',
      false,
      stopped.text,
    ])
    assert.deepEqual(await ending({}, []), [null, null, false, ''])
  })

  it('counts tokens that the model does not have as absent, with all after them', async () => {
    const request = completion('Once upon', warm(1))
    const { tokens } = await run(worker.generate(request))
    const { states, margins, logProbs } = await score(request, [
      ...tokens.slice(0, 4),
      1e6,
      ...tokens.slice(4),
    ])
    assert.deepEqual([...states.slice(0, 6)], [0, 0, 0, 0, 3, 3])
    assert.equal(margins[4], Number.POSITIVE_INFINITY)
    assert.equal(logProbs.at(-1), Number.NEGATIVE_INFINITY)
  })

  it('holds an output to the JSON it was held to', async () => {
    const jsonSchema = {
      type: 'object',
      properties: { name: { type: 'string', maxLength: 12 }, age: { type: 'integer' } },
      required: ['name', 'age'],
    }
    for (const sampling of [greedy, { ...warm(4), temperature: 1.5 }]) {
      const request = chat(model, 'Anna is 31 years old.', { jsonSchema, sampling })
      const { tokens, text } = await run(worker.generate(request))
      assert.equal(typeof JSON.parse(text).age, 'number')
      const honest = await score(request, tokens)
      assert.ok(summary([honest]).matchRate > 0.95)
      const { tokens: free } = await run(worker.generate({ ...request, jsonSchema: { type: 'integer' } }))
      assert.equal((await score(request, free)).states[0], 3)
    }
  })

  it('gives its slot to a generation that waits, and is done after it', async () => {
    const output = (await run(single.generate(completion('Once upon', greedy)))).tokens
    const prompt = 'one two three four five six seven eight nine ten '.repeat(4)
    const order: string[] = []
    const scored = single.score({ ...completion(prompt, greedy), output }).then(() => order.push('score'))
    const generated = run(single.generate(completion('he said to her', greedy, { maxTokens: 3 }))).then(() =>
      order.push('generation'),
    )
    await Promise.all([scored, generated])
    assert.deepEqual(order, ['generation', 'score'])
    assert.deepEqual([single.status().active, single.status().freeSlots], [0, 1])
  })

  it('can be cancelled, waiting or running', async () => {
    const request = completion('Once upon', greedy)
    const { tokens: output } = await run(single.generate(request))
    const controllers = [new AbortController(), new AbortController(), new AbortController()]
    const scores = controllers.map(({ signal }) =>
      assert.rejects(single.score({ ...request, output }, { signal }), { code: 'CANCELLED' }),
    )
    for (const controller of controllers) controller.abort()
    await Promise.all(scores)
    await assert.rejects(single.score({ ...request, output }, { signal: AbortSignal.abort() }), {
      code: 'CANCELLED',
    })
    assert.equal(single.status().freeSlots, 1)
  })

  it('refuses what it cannot judge', async () => {
    const request = completion('Once upon', greedy)
    const refused = (changes: Partial<GenerateRequest>, output: number[], code: string) =>
      assert.rejects(score({ ...request, ...changes }, output), { code })
    await refused({ model: `none@sha256:${'0'.repeat(64)}` }, [1], 'MODEL_NOT_LOADED')
    await refused({}, new Array(loaded.contextTokens).fill(5), 'PROMPT_TOO_LONG')
    await refused({ sampling: { ...greedy, topK: 65 } }, [1], 'INPUT_INVALID')
    await refused({ jsonSchema: { type: 'nothing' } }, [1], 'SCHEMA_INVALID')
    assert.equal(worker.status().active, 0)
  })
})
