import { z } from 'zod'
import type { TokenLogprobs } from '../../protocol/messages/provider-frame.ts'
import {
  type Continuation,
  EngineError,
  type EngineErrorCode,
  type GenerateRequest,
  type LoadedModel,
  type LossRequest,
  type LossRow,
  type MeasuredLoss,
  type ModelSource,
  type ScoredOutput,
} from '../engine.ts'

/**
 * What the node and its engine process say to each other. Both sides are ours and of one release,
 * so a message that does not fit is a defect: the receiver ends the process rather than guess.
 */

const tokenIds = z.array(z.int().nonnegative())
const count = z.int().nonnegative()
const id = z.int().positive()

const options = z.strictObject({
  gpu: z.union([z.literal('auto'), z.literal(false)]).optional(),
  maxContextTokens: z.int().positive().optional(),
  slots: z.int().positive().optional(),
  maxQueued: count.optional(),
  threads: z.int().positive().optional(),
  cacheFolder: z.string().optional(),
})

const sourceFields = {
  id: z.string(),
  path: z.string(),
  adapters: z
    .array(z.strictObject({ path: z.string(), scale: z.number(), id: z.string().optional() }))
    .optional(),
  base: z.string().optional(),
}
const source = z.strictObject(sourceFields)

const written = z.strictObject({ text: z.string(), tokens: tokenIds })

const messages = z.array(
  z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }),
)

const request = z.strictObject({
  model: z.string(),
  input: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('chat'), messages }),
    z.strictObject({ kind: z.literal('completion'), prompt: z.string() }),
  ]),
  maxTokens: count,
  sampling: z.strictObject({
    temperature: z.number(),
    topP: z.number(),
    topK: z.number(),
    minP: z.number(),
    seed: z.string(),
  }),
  stop: z.array(z.string()),
  jsonSchema: z.record(z.string(), z.unknown()).optional(),
  continuation: z.strictObject({ text: z.string(), tokens: tokenIds.optional() }).optional(),
  logprobs: count.optional(),
})

const lossRequest = z.strictObject({
  model: z.string(),
  rows: z.array(
    z.union([
      z.strictObject({ messages }),
      z.strictObject({ prompt: z.string(), completion: z.string() }),
      z.strictObject({ text: z.string() }),
    ]),
  ),
  perToken: z.boolean().optional(),
})

/** From the node to its engine process. `call` and `generation` are numbers the node chose. */
export const toEngineSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start'), options }),
  z.strictObject({ type: z.literal('load'), call: id, source }),
  z.strictObject({ type: z.literal('unload'), call: id, model: z.string() }),
  z.strictObject({ type: z.literal('embed'), call: id, model: z.string(), inputs: z.array(z.string()) }),
  z.strictObject({
    type: z.literal('countTokens'),
    call: id,
    model: z.string(),
    inputs: z.array(z.string()),
  }),
  z.strictObject({
    type: z.literal('score'),
    call: id,
    request: z.strictObject({ ...request.shape, output: tokenIds }),
  }),
  z.strictObject({ type: z.literal('measureLoss'), call: id, request: lossRequest }),
  /** Aborts a `load`, an `embed`, a `countTokens`, a `score` or a `measureLoss`. */
  z.strictObject({ type: z.literal('abort'), call: id }),
  z.strictObject({
    type: z.literal('generate'),
    generation: id,
    request,
    /** Null: no limit. */
    grantedTokens: z.nullable(z.number()),
    resumption: z.nullable(written),
  }),
  z.strictObject({ type: z.literal('grant'), generation: id, totalTokens: z.number() }),
  z.strictObject({ type: z.literal('cancel'), generation: id }),
  z.strictObject({ type: z.literal('ping'), ping: count }),
])
export type ToEngine = z.infer<typeof toEngineSchema>

const backend = z.strictObject({
  kind: z.enum(['cpu', 'cuda', 'vulkan', 'metal']),
  devices: z.array(z.string()),
  release: z.string(),
})

const loadedModel: z.ZodType<LoadedModel> = z.strictObject({
  ...sourceFields,
  architecture: z.string(),
  parameterCount: z.number().nonnegative(),
  quantization: z.string(),
  contextTokens: count,
  slots: count,
  chatTemplateDigest: z.nullable(z.string()),
  embeddingLength: count,
  isForEmbedding: z.boolean().optional(),
  threads: count,
  measuredTokensPerSecond: z.number(),
})

const errorCodes = [
  'MODEL_INVALID',
  'MODEL_NOT_LOADED',
  'MODEL_TOO_LARGE',
  'INPUT_INVALID',
  'PROMPT_TOO_LONG',
  'SCHEMA_INVALID',
  'ENGINE_BUSY',
  'ENGINE_CRASHED',
  'ENGINE_UNAVAILABLE',
  'CANCELLED',
] as const satisfies readonly EngineErrorCode[]

const failure = z.strictObject({
  code: z.enum(errorCodes),
  message: z.string(),
  fix: z.nullable(z.string()),
  details: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]),
  ),
})
export type IpcFailure = z.infer<typeof failure>

const stopReason = z.enum(['stop', 'stop_string', 'length'])

/** Made by ours in great numbers: what is in it is not looked at again. */
const tokenLogprobs = z.custom<TokenLogprobs>(value => typeof value === 'object' && value !== null)

const generationEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('start'), promptTokens: count, promptDigest: z.nullable(z.string()) }),
  z.strictObject({ type: z.literal('prefill'), promptTokens: count }),
  z.strictObject({
    type: z.literal('output'),
    tokens: tokenIds,
    text: z.string(),
    logprobs: z.array(tokenLogprobs).optional(),
  }),
  z.strictObject({
    type: z.literal('end'),
    reason: stopReason,
    promptTokens: count,
    outputTokens: count,
  }),
  z.strictObject({ type: z.literal('failed'), failure }),
])
/** An event of a generation, or why there will be no more. */
export type IpcGenerationEvent = z.infer<typeof generationEvent>
export type IpcOutputEvent = Extract<IpcGenerationEvent, { type: 'output' }>

const floats = z.custom<Float32Array>(value => value instanceof Float32Array)

const scoredOutput: z.ZodType<ScoredOutput> = z.strictObject({
  promptTokens: count,
  promptDigest: z.string(),
  margins: floats,
  logProbs: floats,
  states: z.custom<Uint8Array>(value => value instanceof Uint8Array),
  gaps: floats.optional(),
  endsTurn: z.boolean(),
  ending: z.nullable(z.strictObject({ tokens: count, reason: stopReason })),
  text: z.string(),
  elapsedMs: z.number(),
  computedTokens: count,
})

/** zod's numbers are finite. */
const nats = z.custom<number>(value => typeof value === 'number' && value >= 0)

const measuredLoss: z.ZodType<MeasuredLoss> = z.strictObject({
  loss: nats,
  tokens: count,
  exactRows: count,
  rows: z.array(
    z.strictObject({
      loss: nats,
      tokens: count,
      isExact: z.boolean(),
      isCut: z.boolean(),
      tokenLosses: floats.optional(),
    }),
  ),
  elapsedMs: z.number(),
  computedTokens: count,
})

const generationItem = z.strictObject({ generation: id, event: generationEvent })
export type IpcGenerationItem = z.infer<typeof generationItem>

/** From the engine process to the node. */
export const fromEngineSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready'), backend }),
  z.strictObject({ type: z.literal('unavailable'), failure }),
  z.strictObject({ type: z.literal('loaded'), call: id, model: loadedModel }),
  z.strictObject({ type: z.literal('unloaded'), call: id }),
  z.strictObject({
    type: z.literal('embedded'),
    call: id,
    vectors: z.array(floats),
    inputTokens: count,
  }),
  z.strictObject({ type: z.literal('counted'), call: id, tokens: tokenIds }),
  z.strictObject({ type: z.literal('scored'), call: id, computedTokens: count, output: scoredOutput }),
  z.strictObject({ type: z.literal('measured'), call: id, computedTokens: count, output: measuredLoss }),
  z.strictObject({ type: z.literal('refused'), call: id, failure }),
  z.strictObject({ type: z.literal('events'), computedTokens: count, items: z.array(generationItem).min(1) }),
  z.strictObject({ type: z.literal('pong'), ping: count, computedTokens: count, isComputing: z.boolean() }),
  z.strictObject({ type: z.literal('log'), level: z.enum(['debug', 'warn', 'error']), message: z.string() }),
])
export type FromEngine = z.infer<typeof fromEngineSchema>

/** A request as it crosses. */
export function ipcRequest({
  continuation,
  model,
  input,
  maxTokens,
  sampling,
  stop,
  jsonSchema,
  logprobs,
}: GenerateRequest): z.infer<typeof request> {
  return {
    model,
    input: input.kind === 'chat' ? { kind: 'chat', messages: [...input.messages] } : { ...input },
    maxTokens,
    sampling,
    stop: [...stop],
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
    ...(continuation === undefined ? {} : { continuation: ipcContinuation(continuation) }),
    ...(logprobs === undefined ? {} : { logprobs }),
  }
}

/** A model as it crosses. */
export function ipcSource({ id, path, adapters, base }: ModelSource): z.infer<typeof source> {
  return {
    id,
    path,
    ...(adapters === undefined ? {} : { adapters: adapters.map(adapter => ({ ...adapter })) }),
    ...(base === undefined ? {} : { base }),
  }
}

/** A measurement as it crosses. */
export function ipcLossRequest({ model, rows, perToken }: LossRequest): z.infer<typeof lossRequest> {
  return { model, rows: rows.map(ipcRow), ...(perToken === undefined ? {} : { perToken }) }
}

function ipcRow(row: LossRow): z.infer<typeof lossRequest>['rows'][number] {
  if ('messages' in row) return { messages: row.messages.map(({ role, content }) => ({ role, content })) }
  return 'text' in row ? { text: row.text } : { prompt: row.prompt, completion: row.completion }
}

function ipcContinuation({ text, tokens }: Continuation) {
  return tokens === undefined ? { text } : { text, tokens: [...tokens] }
}

/** An error as it crosses; one that nobody expected becomes ENGINE_CRASHED with its message. */
export function toFailure(error: unknown): IpcFailure {
  if (error instanceof EngineError) {
    const details = Object.entries(error.details).map(([key, value]) => [
      key,
      Array.isArray(value) ? [...value] : value,
    ])
    return {
      code: error.code,
      message: error.message,
      fix: error.fix ?? null,
      details: Object.fromEntries(details),
    }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'ENGINE_CRASHED', message: `the engine failed: ${message}`, fix: null, details: {} }
}

export function fromFailure(failure: IpcFailure): EngineError {
  return new EngineError(failure.code, failure.message, {
    ...(failure.fix === null ? {} : { fix: failure.fix }),
    details: failure.details,
  })
}
