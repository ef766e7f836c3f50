import assert from 'node:assert/strict'
import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { EngineError, type EngineErrorCode } from '../../../../inference/engine.ts'
import {
  type FromEngine,
  fromEngineSchema,
  fromFailure,
  type ToEngine,
  toEngineSchema,
  toFailure,
} from '../../../../inference/llama/ipc-messages.ts'
import { seedOf } from '../../../helpers/seed.ts'

const model = {
  id: `m@sha256:${'a'.repeat(64)}`,
  path: '/models/m.gguf',
  architecture: 'qwen3',
  parameterCount: 918_912,
  quantization: 'Q8_0',
  contextTokens: 1_024,
  slots: 8,
  chatTemplateDigest: null,
  embeddingLength: 128,
  threads: 1,
  measuredTokensPerSecond: 1_900.5,
}
const worn = { adapters: [{ path: '/models/a.gguf', scale: 0.5, id: model.id }], base: model.id }
const sampling = { temperature: 0.8, topP: 0.9, topK: 40, minP: 0, seed: seedOf(7) }
const request = {
  model: model.id,
  input: { kind: 'chat' as const, messages: [{ role: 'user' as const, content: 'hi' }] },
  maxTokens: 10,
  sampling,
  stop: ['\n'],
  jsonSchema: { type: 'object', properties: { a: { type: 'null' } } },
  continuation: { text: 'he', tokens: [1, 2] },
}
const failure = {
  code: 'ENGINE_BUSY' as const,
  message: 'busy',
  fix: null,
  details: { queued: 3, names: ['a'] },
}

const toEngine: ToEngine[] = [
  {
    type: 'start',
    options: { gpu: 'auto', maxContextTokens: 4_096, slots: 2, maxQueued: 0, threads: 1, cacheFolder: '/c' },
  },
  { type: 'start', options: {} },
  { type: 'load', call: 1, source: { id: model.id, path: model.path } },
  { type: 'load', call: 1, source: { ...worn, id: model.id, path: model.path } },
  { type: 'unload', call: 2, model: model.id },
  {
    type: 'measureLoss',
    call: 7,
    request: {
      model: model.id,
      rows: [{ text: 'a' }, { prompt: 'a', completion: 'b' }, { messages: request.input.messages }],
      perToken: true,
    },
  },
  { type: 'embed', call: 3, model: model.id, inputs: ['a'] },
  { type: 'abort', call: 3 },
  { type: 'score', call: 6, request: { ...request, output: [7, 8] } },
  { type: 'generate', generation: 4, request, grantedTokens: null, resumption: null },
  { type: 'generate', generation: 5, request, grantedTokens: 64, resumption: { tokens: [3], text: 'x' } },
  { type: 'grant', generation: 4, totalTokens: 128 },
  { type: 'cancel', generation: 4 },
  { type: 'ping', ping: 1 },
]

const fromEngine: FromEngine[] = [
  { type: 'ready', backend: { kind: 'cuda', devices: ['a GPU'], release: 'b1' } },
  { type: 'unavailable', failure },
  { type: 'loaded', call: 1, model },
  { type: 'loaded', call: 1, model: { ...model, ...worn } },
  { type: 'unloaded', call: 1 },
  { type: 'embedded', call: 1, vectors: [Float32Array.of(1, 2)], inputTokens: 3 },
  {
    type: 'scored',
    call: 6,
    computedTokens: 5,
    output: {
      promptTokens: 3,
      promptDigest: `0x${'1'.repeat(64)}`,
      margins: Float32Array.of(0, Number.POSITIVE_INFINITY),
      logProbs: Float32Array.of(-1, Number.NEGATIVE_INFINITY),
      states: Uint8Array.of(0, 3),
      endsTurn: true,
      ending: { tokens: 2, reason: 'stop' },
      text: 'a',
      elapsedMs: 2.5,
      computedTokens: 4,
    },
  },
  {
    type: 'measured',
    call: 7,
    computedTokens: 9,
    output: {
      ...{ loss: 1.5, tokens: 2, exactRows: 1, elapsedMs: 2.5, computedTokens: 4 },
      rows: [
        { loss: 0.5, tokens: 1, isExact: true, isCut: false, tokenLosses: Float32Array.of(0.5) },
        { loss: Number.POSITIVE_INFINITY, tokens: 1, isExact: false, isCut: true },
      ],
    },
  },
  { type: 'refused', call: 1, failure },
  {
    type: 'events',
    computedTokens: 12,
    items: [
      { generation: 1, event: { type: 'start', promptTokens: 3, promptDigest: null } },
      { generation: 1, event: { type: 'prefill', promptTokens: 3 } },
      { generation: 1, event: { type: 'output', tokens: [1], text: 'a' } },
      { generation: 1, event: { type: 'end', reason: 'stop_string', promptTokens: 3, outputTokens: 1 } },
      { generation: 2, event: { type: 'failed', failure } },
    ],
  },
  { type: 'pong', ping: 1, computedTokens: 12, isComputing: true },
  { type: 'log', level: 'warn', message: 'm' },
]

describe('engine process messages', () => {
  it('cross as they are', () => {
    for (const message of toEngine)
      assert.deepEqual(toEngineSchema.parse(deserialize(serialize(message))), message)
    for (const message of fromEngine)
      assert.deepEqual(fromEngineSchema.parse(deserialize(serialize(message))), message)
  })

  it('are refused when anything is missing, more or other', () => {
    for (const [schema, messages] of [
      [toEngineSchema, toEngine],
      [fromEngineSchema, fromEngine],
    ] as const) {
      for (const message of messages) {
        assert.equal(
          schema.safeParse({ ...message, surprise: 1 }).success,
          false,
          `${message.type} with more`,
        )
        assert.equal(schema.safeParse({ ...message, type: 'other' }).success, false)
        for (const key of Object.keys(message)) {
          const { [key]: _, ...rest } = message as Record<string, unknown>
          assert.equal(schema.safeParse(rest).success, false, `${message.type} without ${key}`)
        }
      }
    }
  })

  it('are refused when they are anything at all', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        assert.equal(toEngineSchema.safeParse(value).success, false)
        assert.equal(fromEngineSchema.safeParse(value).success, false)
      }),
    )
  })
})

describe('failures', () => {
  it('carry an engine error over', () => {
    const codes: EngineErrorCode[] = ['PROMPT_TOO_LONG', 'SCHEMA_INVALID', 'CANCELLED']
    for (const code of codes) {
      const error = new EngineError(code, 'a message', {
        fix: 'a fix',
        details: { n: 1, list: ['a'], none: null },
      })
      const crossed = fromFailure(deserialize(serialize(toFailure(error))))
      assert.ok(crossed instanceof EngineError)
      assert.deepEqual(crossed.toJSON(), error.toJSON())
    }
  })

  it('make a failure of any other error', () => {
    assert.equal(toFailure(new TypeError('oops')).code, 'ENGINE_CRASHED')
    assert.match(toFailure(new TypeError('oops')).message, /oops/)
    assert.match(toFailure('text').message, /text/)
  })
})
