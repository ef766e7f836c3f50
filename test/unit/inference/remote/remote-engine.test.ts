import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import type { GenerateRequest, GenerationEvent } from '../../../../inference/engine.ts'
import { RemoteEngine } from '../../../../inference/remote/remote-engine.ts'
import { Secret } from '../../../../inference/remote/secret.ts'
import type { RemoteModel } from '../../../../inference/remote/service.ts'
import { UpstreamError } from '../../../../inference/remote/upstream-error.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import {
  breaks,
  OpenAiServer,
  part,
  refuses,
  says,
  saysAndStalls,
  silent,
  streamed,
} from '../../../helpers/openai-server.ts'
import { waitUntil } from '../../../helpers/wait.ts'

const KEY = 'sk-only-for-the-header'
const ID = `big@sha256:${'ab'.repeat(32)}`
const MODEL: RemoteModel = {
  id: ID,
  upstream: 'vendor/big-1',
  contextTokens: 8_192,
  parameterCount: 0,
  tokensPerSecond: 50,
  maxTokensField: 'max_tokens',
  continuation: 'never',
  omit: [],
}
const REQUEST: GenerateRequest = {
  model: ID,
  input: { kind: 'chat', messages: [{ role: 'user', content: 'How many fish?' }] },
  maxTokens: 32,
  sampling: { temperature: 0.5, topP: 0.9, topK: 0, minP: 0, seed: `0x00000007${'ab'.repeat(28)}` },
  stop: [],
}

describe('a remote engine', () => {
  const server = new OpenAiServer()
  let clock: ManualClock
  let engine: RemoteEngine
  const troubles: UpstreamError[] = []

  before(() => server.start())
  after(() => server.stop())
  beforeEach(async () => {
    server.asked.length = 0
    troubles.length = 0
    await use()
  })
  afterEach(() => engine.stop())

  async function use(
    model: Partial<RemoteModel> = {},
    service: { keyHeader?: string; maxConcurrent?: number; url?: string } = {},
  ): Promise<void> {
    await engine?.stop()
    clock = new ManualClock()
    engine = new RemoteEngine(
      {
        service: {
          name: 'vendor',
          url: server.url,
          keyHeader: null,
          models: [{ ...MODEL, ...model }],
          maxConcurrent: 2,
          answerTimeoutMs: 30_000,
          stallTimeoutMs: 20_000,
          ...service,
        },
      },
      { key: new Secret(KEY), timing: clock, random: () => 0.5, onTrouble: error => troubles.push(error) },
    )
    await engine.start()
  }

  async function collect(request: Partial<GenerateRequest> = {}): Promise<GenerationEvent[]> {
    const events: GenerationEvent[] = []
    for await (const event of engine.generate({ ...REQUEST, ...request })) events.push(event)
    return events
  }

  const textOf = (events: readonly GenerationEvent[]) =>
    events.map(event => (event.type === 'output' ? event.text : '')).join('')

  /** Runs a generation that must fail, letting time pass until it has. @returns the fault */
  async function failure(request: Partial<GenerateRequest> = {}): Promise<UpstreamError> {
    let ended = false
    const failed = collect(request).then(
      events => assert.fail(`it ended with ${textOf(events)}`),
      (error: unknown) => error,
    )
    void failed.finally(() => {
      ended = true
    })
    await waitUntil('it has failed', async () => {
      await clock.advance(500)
      return ended
    })
    const error = await failed
    assert.ok(error instanceof UpstreamError, String(error))
    return error
  }

  it('refuses to check an output: a service shows no candidates', async () => {
    await assert.rejects(engine.score(), { code: 'ENGINE_UNAVAILABLE' })
  })

  it('says a chat in the words of the API and tells the answer as it comes', async () => {
    const events = await collect({ stop: ['\n\n'] })
    const { url, headers, body } = server.asked[0]!
    assert.equal(url, '/v1/chat/completions')
    assert.equal(headers.authorization, `Bearer ${KEY}`)
    assert.deepEqual(body, {
      model: 'vendor/big-1',
      messages: [{ role: 'user', content: 'How many fish?' }],
      max_tokens: 32,
      temperature: 0.5,
      top_p: 0.9,
      seed: 7,
      stop: ['\n\n'],
      stream: true,
      stream_options: { include_usage: true },
    })
    assert.deepEqual(
      events.map(({ type }) => type),
      ['start', 'prefill', 'output', 'output', 'output', 'end'],
    )
    assert.equal(textOf(events), 'four fish swim')
    assert.deepEqual(events.at(-1), { type: 'end', reason: 'stop', promptTokens: 12, outputTokens: 3 })
    assert.equal(engine.status().computedTokens, 15)
  })

  it('says completions, schemas, other fields and another header where they are wanted', async () => {
    await use(
      { maxTokensField: 'max_completion_tokens', omit: ['seed', 'temperature', 'stream_options'] },
      { keyHeader: 'api-key' },
    )
    await collect({
      input: { kind: 'completion', prompt: 'One, two,' },
      continuation: { text: ' three,' },
      jsonSchema: { type: 'array' },
      sampling: { ...REQUEST.sampling, topK: 5, minP: 0.1 },
    })
    const { url, headers, body } = server.asked[0]!
    assert.equal(url, '/v1/completions')
    assert.equal(headers['api-key'], KEY)
    assert.equal(headers.authorization, undefined)
    assert.deepEqual(body, {
      model: 'vendor/big-1',
      prompt: 'One, two, three,',
      max_completion_tokens: 32,
      top_p: 0.9,
      top_k: 5,
      min_p: 0.1,
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: { type: 'array' }, strict: true },
      },
      stream: true,
    })
  })

  it('asks for log-probabilities where they are wanted, and tells them as they come', async () => {
    const chance = (token: string, logprob: number) => ({ token, logprob, bytes: [...Buffer.from(token)] })
    const said = (text: string, logprobs: unknown) => {
      const choice = { index: 0, delta: { content: text }, logprobs, finish_reason: null }
      return `data: ${JSON.stringify({ choices: [choice] })}\n\n`
    }
    const answer = (response: ServerResponse) => {
      response.setHeader('content-type', 'text/event-stream')
      const top_logprobs = [chance('Ja', -0.25), { token: 'No', logprob: -9_999 }]
      response.write(said('Ja', { content: [{ ...chance('Ja', -0.25), top_logprobs }] }))
      response.write(said('!', { content: 'of no known form' }))
      response.end(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
      )
    }
    server.next(answer)
    const events = await collect({ logprobs: 2 })
    const { logprobs, top_logprobs } = server.asked[0]!.body
    assert.deepEqual([logprobs, top_logprobs], [true, 2])
    const ja = { bytes: Uint8Array.from(Buffer.from('Ja')), logprob: -0.25 }
    assert.deepEqual(
      events
        .flatMap(event => (event.type === 'output' ? (event.logprobs ?? []) : []))
        .map(told => ({
          ...told,
          bytes: Uint8Array.from(told.bytes),
          top: told.top.map(other => ({ ...other, bytes: Uint8Array.from(other.bytes) })),
        })),
      [{ ...ja, top: [ja, { bytes: Uint8Array.from(Buffer.from('No')), logprob: -1_000 }] }],
    )
    assert.equal(textOf(events), 'Ja!')
    await use({ omit: ['logprobs'] })
    await collect({ logprobs: 2 })
    assert.equal(server.asked.at(-1)!.body.logprobs, undefined)
  })

  it('goes on in the middle of a chat only as the service can', async () => {
    const continuation = { text: 'Four' }
    await assert.rejects(collect({ continuation }), { code: 'INPUT_INVALID' })
    assert.equal(server.asked.length, 0)
    await use({ continuation: 'prefix' })
    await collect({ continuation })
    assert.deepEqual((server.asked[0]!.body.messages as unknown[]).at(-1), {
      role: 'assistant',
      content: 'Four',
      prefix: true,
    })
    await use({ continuation: 'flags' })
    await collect({ continuation })
    assert.equal(server.asked[1]!.body.continue_final_message, true)
    assert.equal(server.asked[1]!.body.add_generation_prompt, false)
  })

  it('ends at a stop string by itself, wherever the parts are cut', async () => {
    server.next(streamed(['one T', 'HE E', 'ND two']))
    const events = await collect({ stop: ['THE END'] })
    assert.equal(textOf(events), 'one ')
    const end = events.at(-1)
    assert.equal(end?.type === 'end' && end.reason, 'stop_string')
  })

  it('tells why an answer ended', async () => {
    server.next(streamed(['a'], { finish: 'length' }))
    const end = (await collect()).at(-1)
    assert.equal(end?.type === 'end' && end.reason, 'length')
    server.next(streamed(['a'], { finish: 'content_filter' }))
    assert.equal((await failure()).fault, 'filtered')
    server.next(streamed(['a'], { finish: 'tool_calls' }))
    assert.equal((await failure()).fault, 'malformed')
  })

  for (const [what, usage] of [
    ['no usage', null],
    ['usage that cannot be', { prompt_tokens: -5, completion_tokens: 'many' }],
  ] as const) {
    it(`counts by itself where there is ${what}`, async () => {
      server.next(streamed(['eight letters', ' and more'], { usage }))
      const end = (await collect()).at(-1)
      assert.deepEqual(end, { type: 'end', reason: 'stop', promptTokens: 8, outputTokens: 7 })
    })
  }

  it('does not wait long for a usage that never comes', async () => {
    server.next(saysAndStalls(asked => `data: ${part(asked, 'all', 'stop')}\n\n`))
    const events: GenerationEvent[] = []
    const reading = (async () => {
      for await (const event of engine.generate(REQUEST)) events.push(event)
    })()
    await waitUntil('the text is there', () => textOf(events) === 'all')
    await waitUntil('it has ended', async () => {
      await clock.advance(500)
      return events.at(-1)?.type === 'end'
    })
    await reading
  })

  it('takes a whole answer from a service that does not stream', async () => {
    server.next(
      refuses(200, {
        choices: [{ message: { role: 'assistant', content: 'whole' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 3, completion_tokens: 1 },
      }),
    )
    const events = await collect()
    assert.equal(textOf(events), 'whole')
    assert.deepEqual(events.at(-1), { type: 'end', reason: 'stop', promptTokens: 3, outputTokens: 1 })
  })

  describe('when the service', () => {
    const asked = { url: '/v1/chat/completions' } as Parameters<typeof part>[0]
    const cases: [string, Parameters<OpenAiServer['next']>, UpstreamError['fault'], string][] = [
      [
        'refuses the key',
        [refuses(401, { error: { code: 'invalid_api_key' } })],
        'unauthorised',
        'ENGINE_UNAVAILABLE',
      ],
      ['forbids it', [refuses(403, 'nothing of JSON')], 'unauthorised', 'ENGINE_UNAVAILABLE'],
      [
        'wants money',
        [refuses(429, { error: { code: 'insufficient_quota' } })],
        'quota',
        'ENGINE_UNAVAILABLE',
      ],
      ['does not know the model', [refuses(404, {})], 'not_found', 'MODEL_NOT_LOADED'],
      [
        'finds the prompt too long',
        [refuses(400, { error: { message: "This model's maximum context length is 10 tokens" } })],
        'too_long',
        'PROMPT_TOO_LONG',
      ],
      ['does not take the request', [refuses(422, { error: 'unknown field' })], 'refused', 'INPUT_INVALID'],
      [
        'redirects',
        [refuses(307, '', { location: 'http://127.0.0.1:1/v1' })],
        'redirected',
        'ENGINE_UNAVAILABLE',
      ],
      ['answers nothing with 200', [says('')], 'malformed', 'ENGINE_CRASHED'],
      ['answers an empty object with 200', [refuses(200, {})], 'malformed', 'ENGINE_CRASHED'],
      [
        'answers an error with 200',
        [refuses(200, { error: { message: 'no' } })],
        'overloaded',
        'ENGINE_UNAVAILABLE',
      ],
      [
        'says an error in the middle',
        [says(`data: ${part(asked, 'a')}\n\ndata: {"error":{"code":429}}\n\n`)],
        'rate_limited',
        'ENGINE_BUSY',
      ],
      [
        'says an error after its end',
        [says(`data: ${part(asked, 'a', 'stop')}\n\ndata: {"error":{"code":429}}\n\n`)],
        'rate_limited',
        'ENGINE_BUSY',
      ],
      [
        'says no JSON after its end',
        [says(`data: ${part(asked, 'a', 'stop')}\n\ndata: {"choices": [\n\n`)],
        'malformed',
        'ENGINE_CRASHED',
      ],
      ['breaks off', [says(`data: ${part(asked, 'a')}\n\n`)], 'malformed', 'ENGINE_CRASHED'],
      [
        'is done without an end',
        [says(`data: ${part(asked, 'a')}\n\ndata: [DONE]\n\n`)],
        'malformed',
        'ENGINE_CRASHED',
      ],
      ['says no JSON', [says('data: {"choices": [\n\n')], 'malformed', 'ENGINE_CRASHED'],
      [
        'says other JSON',
        [says('data: {"choices": [{"delta": {"content": 5}}]}\n\n')],
        'malformed',
        'ENGINE_CRASHED',
      ],
      [
        'says a page of HTML',
        [refuses(200, '<html>', { 'content-type': 'text/html' })],
        'malformed',
        'ENGINE_CRASHED',
      ],
      [
        'says what is not UTF-8',
        [says(Uint8Array.of(0x64, 0xff, 0xfe, 0x0a))],
        'malformed',
        'ENGINE_CRASHED',
      ],
      ['says a line without end', [says(`data: ${'x'.repeat(1_100_000)}`)], 'malformed', 'ENGINE_CRASHED'],
      [
        'says more than was asked for',
        [streamed(Array<string>(8).fill('x'.repeat(8_192)))],
        'malformed',
        'ENGINE_CRASHED',
      ],
      [
        'talks on without saying anything',
        [streamed(Array<string>(2_000).fill(''))],
        'malformed',
        'ENGINE_CRASHED',
      ],
      ['never answers', [silent], 'timed_out', 'ENGINE_CRASHED'],
      [
        'falls silent',
        [saysAndStalls(asked => `data: ${part(asked, 'a')}\n\n`)],
        'stalled',
        'ENGINE_CRASHED',
      ],
      [
        'begins an error and falls silent',
        [response => response.writeHead(400).write('{"err')],
        'refused',
        'INPUT_INVALID',
      ],
    ]
    for (const [what, answers, fault, code] of cases) {
      it(`${what}, it fails and is not asked again`, async () => {
        server.next(...answers)
        const error = await failure({ maxTokens: 4 })
        assert.equal(error.fault, fault)
        assert.equal(error.code, code)
        assert.equal(server.asked.length, 1)
        assert.deepEqual(troubles, [error])
      })
    }
  })

  it('asks again where that may help, later each time', async () => {
    for (const [first, second] of [
      [refuses(500, {}), refuses(503, {})],
      [breaks, refuses(529, {})],
      [refuses(429, {}), breaks],
    ] as const) {
      server.asked.length = 0
      server.next(first, second)
      let ended = false
      const reading = collect().finally(() => {
        ended = true
      })
      // Half of at most 250 ms, then half of at most 500 ms.
      await waitUntil('the first wait', () => clock.pendingMs().includes(125))
      await clock.advance(125)
      await waitUntil('the second wait', () => clock.pendingMs().includes(250))
      await clock.advance(250)
      await waitUntil('it has ended', () => ended)
      assert.equal(textOf(await reading), 'four fish swim')
      assert.equal(server.asked.length, 3)
    }
    server.next(refuses(500, {}), refuses(500, {}), refuses(500, {}))
    assert.equal((await failure()).fault, 'overloaded')
  })

  it('waits as long as it is asked to, and gives up where that is too long', async () => {
    for (const [headers, waitMs] of [
      [{ 'retry-after': '2' }, 2_000],
      [{ 'retry-after-ms': '700', 'retry-after': '9' }, 700],
      [{ 'retry-after': new Date(clock.nowMs() + 3_000).toUTCString() }, 3_000],
    ] as const) {
      server.next(refuses(429, {}, headers))
      let ended = false
      const reading = collect().finally(() => {
        ended = true
      })
      await waitUntil('it waits', () => clock.pendingMs().some(ms => Math.abs(ms - waitMs) <= 1_000))
      await clock.advance(waitMs)
      await waitUntil('it has ended', () => ended)
      await reading
      await use()
    }
    const free: number[] = []
    engine.onStatus(({ freeSlots }) => free.push(freeSlots))
    server.asked.length = 0
    server.next(refuses(429, {}, { 'retry-after': '60' }))
    const error = await failure()
    assert.equal(error.code, 'ENGINE_BUSY')
    assert.equal(error.retryAfterMs, 60_000)
    assert.equal(server.asked.length, 1)
    assert.equal(engine.status().freeSlots, 0)
    await clock.advance(60_000)
    assert.equal(free.at(-1), 2)
  })

  it('cancels upstream, before and in the middle of an answer', async () => {
    server.next(
      saysAndStalls(asked => `data: ${part(asked, 'a')}\n\n`),
      silent,
    )
    const generation = engine.generate(REQUEST)
    await assert.rejects(
      async () => {
        for await (const { type } of generation) if (type === 'output') generation.cancel()
      },
      { code: 'CANCELLED' },
    )
    const signal = new AbortController()
    const waiting = (async () => {
      for await (const _ of engine.generate(REQUEST, { signal: signal.signal }));
    })()
    await waitUntil('it is asked', () => server.asked.length === 2)
    signal.abort()
    await assert.rejects(waiting, { code: 'CANCELLED' })
    await Promise.all(server.asked.map(({ closed }) => closed))
    assert.equal(engine.status().active, 0)
  })

  it('frees its place when the reader goes away early', async () => {
    for await (const { type } of engine.generate(REQUEST)) if (type === 'output') break
    assert.equal(engine.status().active, 0)
    await server.asked[0]!.closed
  })

  it('begins only what is granted as a whole', async () => {
    const generation = engine.generate(REQUEST, { grantedTokens: 10 })
    const events = generation[Symbol.asyncIterator]()
    const { value } = await events.next()
    assert.ok(value.type === 'start')
    const next = events.next()
    generation.grant(value.promptTokens + 31)
    await clock.advance(1_000)
    assert.equal(server.asked.length, 0)
    generation.grant(value.promptTokens + 32)
    await next
    assert.equal(server.asked.length, 1)
    await events.return?.()
  })

  it('runs so many at once, lets a bounded number wait, and stops at once', async () => {
    await use({}, { maxConcurrent: 1 })
    server.next(silent)
    const running = Array.from({ length: 9 }, () => collect())
    const ends = Promise.allSettled(running)
    await waitUntil('one is asked', () => server.asked.length === 1)
    assert.deepEqual([engine.status().active, engine.status().queued, engine.status().freeSlots], [1, 8, 0])
    await assert.rejects(collect(), { code: 'ENGINE_BUSY' })
    await engine.stop()
    for (const end of await ends) assert.equal(end.status === 'rejected' && end.reason.code, 'CANCELLED')
    await assert.rejects(collect(), { code: 'ENGINE_UNAVAILABLE' })
    assert.equal(server.asked.length, 1)
  })

  it('gives a place to whoever waited longest', async () => {
    await use({}, { maxConcurrent: 1 })
    const order: string[] = []
    await Promise.all(
      ['a', 'b', 'c'].map(name =>
        collect({ input: { kind: 'completion', prompt: name } }).then(() => order.push(name)),
      ),
    )
    assert.deepEqual(order, ['a', 'b', 'c'])
    assert.equal(engine.status().active, 0)
  })

  it('embeds', async () => {
    server.next(
      refuses(200, {
        data: [
          { index: 1, embedding: [0, 1] },
          { index: 0, embedding: [1, 0] },
        ],
        usage: { prompt_tokens: 6 },
      }),
      refuses(200, { data: [{ index: 5, embedding: [1] }] }),
      refuses(200, 'no JSON'),
    )
    const { vectors, inputTokens } = await engine.embed({ model: ID, inputs: ['a', 'b'] })
    assert.deepEqual(vectors, [Float32Array.of(1, 0), Float32Array.of(0, 1)])
    assert.equal(inputTokens, 6)
    for (const _ of [1, 2])
      await assert.rejects(engine.embed({ model: ID, inputs: ['a'] }), { fault: 'malformed' })
  })

  it('leaves nothing with a signal that outlives its requests', async () => {
    const { signal } = new AbortController()
    const listeners = () => getEventListeners(signal, 'abort').length
    server.next(streamed(['a']), refuses(200, { data: [{ index: 0, embedding: [1] }] }), refuses(400, 'no'))
    for await (const _ of engine.generate(REQUEST, { signal }));
    assert.equal(listeners(), 0)
    await engine.embed({ model: ID, inputs: ['a'] }, { signal })
    assert.equal(listeners(), 0)
    await assert.rejects(engine.embed({ model: ID, inputs: ['a'] }, { signal }), UpstreamError)
    assert.equal(listeners(), 0)
  })

  it('knows the models it is configured for, and no others', async () => {
    const [model] = engine.status().models
    assert.deepEqual(model, await engine.load({ id: ID, path: '' }))
    await assert.rejects(engine.load({ id: `other@sha256:${'00'.repeat(32)}`, path: '' }), {
      code: 'MODEL_INVALID',
    })
    await engine.unload(ID)
    await assert.rejects(collect(), { code: 'MODEL_NOT_LOADED' })
    assert.deepEqual(engine.status().models, [])
  })

  it('never shows its key, whatever the service makes of it', async () => {
    const bodies = [
      { error: { message: `Incorrect API key provided: ${KEY}`, code: KEY, type: KEY } },
      { error: { message: 'x', code: KEY.slice(0, 12) } },
      `<html>${KEY}</html>`,
    ]
    const shown: string[] = []
    for (const body of bodies) {
      server.next(refuses(401, body))
      const error = await failure()
      shown.push(inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error), String(error.stack))
    }
    await use({}, { url: 'http://127.0.0.1:9' })
    const unreachable = await failure()
    shown.push(inspect(unreachable, { depth: 10 }), inspect(engine, { depth: 10, showHidden: true }))
    for (const text of shown) assert.ok(!text.includes(KEY.slice(0, 12)), text)
  })
})
