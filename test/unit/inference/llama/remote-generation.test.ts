import assert from 'node:assert/strict'
import { EngineError, type GenerationEvent } from '../../../../inference/engine.ts'
import type { IpcGenerationEvent, ToEngine } from '../../../../inference/llama/ipc-messages.ts'
import { RemoteGeneration } from '../../../../inference/llama/remote-generation.ts'
import { seedOf } from '../../../helpers/seed.ts'

const request = {
  model: 'm',
  input: { kind: 'completion' as const, prompt: 'p' },
  maxTokens: 10,
  sampling: { temperature: 0, topP: 1, topK: 0, minP: 0, seed: seedOf(1) },
  stop: [],
}
const output = (...tokens: number[]): IpcGenerationEvent => ({
  type: 'output',
  tokens,
  text: tokens.join(''),
})

function setUp(options: { grantedTokens?: number; signal?: AbortSignal } = {}) {
  const log: string[] = []
  const sent: ToEngine[] = []
  const generation = new RemoteGeneration(
    { id: 7, request, generate: options },
    {
      link: {
        open: () => log.push('open'),
        send: message => sent.push(message),
        close: () => log.push('close'),
      },
    },
  )
  return { generation, log, sent }
}

async function collect(generation: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = []
  for await (const event of generation) events.push(event)
  return events
}

describe('RemoteGeneration', () => {
  it('does nothing before it is iterated', () => {
    const { generation, log, sent } = setUp()
    generation.grant(5)
    generation.cancel()
    assert.deepEqual([log, sent], [[], []])
  })

  it('passes events on and ends with the end', async () => {
    const { generation, log } = setUp()
    const events = collect(generation)
    generation.receive({ type: 'start', promptTokens: 3, promptDigest: null })
    generation.receive({ type: 'prefill', promptTokens: 3 })
    generation.receive(output(1))
    generation.receive({ type: 'end', reason: 'stop', promptTokens: 3, outputTokens: 1 })
    assert.deepEqual(
      (await events).map(event => event.type),
      ['start', 'prefill', 'output', 'end'],
    )
    assert.deepEqual(log, ['open', 'close'])
  })

  it('keeps what is told of tokens beside them', async () => {
    const { generation } = setUp()
    const iterator = generation[Symbol.asyncIterator]()
    const first = iterator.next()
    generation.receive({ type: 'start', promptTokens: 3, promptDigest: null })
    await first
    const chance = (token: number) => ({ bytes: Uint8Array.of(token), logprob: -token, top: [] })
    for (const token of [1, 2, 3])
      generation.receive({ type: 'output', tokens: [token], text: '', logprobs: [chance(token)] })
    const { value } = await iterator.next()
    assert.ok(value?.type === 'output')
    assert.deepEqual([value.tokens, value.logprobs], [[1, 2, 3], [1, 2, 3].map(chance)])
  })

  it('joins output that nobody has taken', async () => {
    const { generation } = setUp()
    const iterator = generation[Symbol.asyncIterator]()
    const first = iterator.next()
    generation.receive({ type: 'start', promptTokens: 3, promptDigest: null })
    await first
    for (let token = 0; token < 1_000; token++) generation.receive(output(token))
    generation.receive({ type: 'end', reason: 'length', promptTokens: 3, outputTokens: 1_000 })
    const joined = await iterator.next()
    assert.ok(joined.value?.type === 'output')
    assert.equal(joined.value.tokens.length, 1_000)
    assert.deepEqual((await iterator.next()).value, {
      type: 'end',
      reason: 'length',
      promptTokens: 3,
      outputTokens: 1_000,
    })
  })

  it('goes on in another process without gap or repetition', async () => {
    const { generation } = setUp({ grantedTokens: 50 })
    const events = collect(generation)
    generation.receive({ type: 'start', promptTokens: 3, promptDigest: null })
    generation.receive({ type: 'prefill', promptTokens: 3 })
    generation.receive(output(1, 2))
    const message = generation.toMessage()
    assert.ok(message.type === 'generate')
    assert.deepEqual(message.resumption, { tokens: [1, 2], text: '12' })
    assert.equal(message.grantedTokens, 50)
    generation.receive({ type: 'start', promptTokens: 5, promptDigest: null })
    generation.receive({ type: 'prefill', promptTokens: 5 })
    generation.receive(output(3))
    generation.receive({ type: 'end', reason: 'stop', promptTokens: 5, outputTokens: 1 })
    assert.deepEqual(await events, [
      { type: 'start', promptTokens: 3, promptDigest: null },
      { type: 'prefill', promptTokens: 3 },
      { type: 'output', tokens: [1, 2, 3], text: '123' },
      { type: 'end', reason: 'stop', promptTokens: 3, outputTokens: 3 },
    ])
  })

  it('reports a prompt once, however often it is computed', async () => {
    const { generation } = setUp()
    const iterator = generation[Symbol.asyncIterator]()
    const first = iterator.next()
    generation.receive({ type: 'start', promptTokens: 100, promptDigest: null })
    await first
    generation.receive({ type: 'prefill', promptTokens: 64 })
    assert.deepEqual((await iterator.next()).value, { type: 'prefill', promptTokens: 64 })
    generation.receive({ type: 'start', promptTokens: 100, promptDigest: null })
    generation.receive({ type: 'prefill', promptTokens: 32 })
    generation.receive({ type: 'prefill', promptTokens: 100 })
    assert.deepEqual((await iterator.next()).value, { type: 'prefill', promptTokens: 100 })
  })

  it('sends the newest grant, also to a process that comes later', async () => {
    const { generation, sent } = setUp({ grantedTokens: 8 })
    const first = generation[Symbol.asyncIterator]().next()
    generation.grant(20)
    generation.grant(10)
    assert.deepEqual(sent, [{ type: 'grant', generation: 7, totalTokens: 20 }])
    const message = generation.toMessage()
    assert.ok(message.type === 'generate')
    assert.equal(message.grantedTokens, 20)
    generation.receive({ type: 'start', promptTokens: 1, promptDigest: null })
    await first
  })

  it('throws what the engine reports after what it made', async () => {
    const { generation, log } = setUp()
    const iterator = generation[Symbol.asyncIterator]()
    const first = iterator.next()
    generation.receive({ type: 'start', promptTokens: 3, promptDigest: null })
    generation.receive(output(1))
    const failure = { code: 'ENGINE_CRASHED' as const, message: 'm', fix: null, details: {} }
    generation.receive({ type: 'failed', failure })
    await first
    assert.equal((await iterator.next()).value?.type, 'output')
    await assert.rejects(iterator.next(), { code: 'ENGINE_CRASHED' })
    assert.deepEqual(log, ['open', 'close'])
  })

  it('tells the engine at once when it is cancelled', async () => {
    const { generation, sent, log } = setUp()
    const events = collect(generation)
    generation.receive({ type: 'start', promptTokens: 3, promptDigest: null })
    generation.cancel()
    generation.cancel()
    assert.deepEqual(sent, [{ type: 'cancel', generation: 7 }])
    assert.deepEqual(log, ['open', 'close'])
    generation.receive(output(1))
    await assert.rejects(events, { code: 'CANCELLED' })
    assert.equal(sent.length, 1)
  })

  it('is cancelled by its signal, before and after it began', async () => {
    const before = setUp({ signal: AbortSignal.abort() })
    await assert.rejects(collect(before.generation), { code: 'CANCELLED' })
    assert.deepEqual(before.log, [])
    const controller = new AbortController()
    const after = setUp({ signal: controller.signal })
    const events = collect(after.generation)
    controller.abort()
    await assert.rejects(events, { code: 'CANCELLED' })
    assert.deepEqual(after.log, ['open', 'close'])
  })

  it('is cancelled by leaving the loop', async () => {
    const { generation, sent, log } = setUp()
    const left = (async () => {
      for await (const _ of generation) break
    })()
    generation.receive({ type: 'start', promptTokens: 3, promptDigest: null })
    await left
    assert.deepEqual(sent, [{ type: 'cancel', generation: 7 }])
    assert.deepEqual(log, ['open', 'close'])
  })

  it('can be iterated once', async () => {
    const { generation } = setUp()
    const first = generation[Symbol.asyncIterator]().next()
    generation.receive({ type: 'start', promptTokens: 3, promptDigest: null })
    await first
    await assert.rejects(collect(generation), TypeError)
  })

  it('throws what its link refuses, and closes nothing', async () => {
    const generation = new RemoteGeneration(
      { id: 1, request, generate: {} },
      {
        link: {
          open: () => {
            throw new EngineError('ENGINE_BUSY', 'busy')
          },
          send: () => {},
          close: () => {},
        },
      },
    )
    await assert.rejects(collect(generation), { code: 'ENGINE_BUSY' })
  })
})
