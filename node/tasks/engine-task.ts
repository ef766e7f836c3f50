import { hash } from 'node:crypto'
import { EmbeddingRun, type VectorsEvent } from '../../inference/embedding-run.ts'
import {
  type Engine,
  EngineError,
  type GenerateOptions,
  type GenerateRequest,
  type GenerationEvent,
  type SamplingParameters,
} from '../../inference/engine.ts'
import type { Bytes32, ModelId } from '../../protocol/ids.ts'
import type { RefusalCode } from '../../protocol/messages/provider-frame.ts'
import type { TaskRequest } from '../../protocol/messages/task-request.ts'
import { samplingSeed } from '../../protocol/sampling-seed.ts'

/** What of a task an engine is given, with how far it may travel: nothing of offers and payments. */
export type EngineTask = Pick<
  TaskRequest,
  | 'taskId'
  | 'dataClass'
  | 'model'
  | 'input'
  | 'continuation'
  | 'maxTokens'
  | 'sampling'
  | 'stop'
  | 'jsonSchema'
  | 'logprobs'
>

/** A task on an engine: a generation, or an embedding. Iterated once; throws as `Generation` does. */
export interface EngineRun extends AsyncIterable<GenerationEvent | VectorsEvent> {
  grant(totalTokens: number): void
  cancel(): void
}

/**
 * Puts a task to an engine, which computes nothing before iteration begins.
 * @throws {EngineError} SCHEMA_INVALID when its JSON schema is none
 */
export function runOn(
  engine: Pick<Engine, 'generate' | 'embed' | 'countTokens'>,
  task: Omit<EngineTask, 'dataClass'>,
  options: GenerateOptions = {},
): EngineRun {
  const { input, model } = task
  if (input.kind !== 'embedding') return engine.generate(generateRequest(task), options)
  return new EmbeddingRun({ ...options, request: { model, inputs: input.inputs } }, { engine })
}

/**
 * A task that makes text in the engine's words.
 * @throws {EngineError} SCHEMA_INVALID when its JSON schema is none, INPUT_INVALID when it is to embed
 */
export function generateRequest(task: Omit<EngineTask, 'dataClass'>): GenerateRequest {
  const { input, logprobs } = task
  if (input.kind === 'embedding') throw new EngineError('INPUT_INVALID', 'an embedding makes no text')
  return {
    model: task.model,
    input,
    maxTokens: task.maxTokens,
    sampling: engineSampling(task),
    stop: task.stop,
    ...(task.jsonSchema === null ? {} : { jsonSchema: parseSchema(task.jsonSchema) }),
    ...(task.continuation === null ? {} : { continuation: task.continuation }),
    ...(logprobs === undefined ? {} : { logprobs }),
  }
}

/** OpenSSL's, some ten times as fast. */
const sha256 = (bytes: Uint8Array) => hash('sha256', bytes, 'buffer')

function engineSampling({ sampling, taskId }: Pick<EngineTask, 'sampling' | 'taskId'>): SamplingParameters {
  const { temperature, topP, minP, topK, nonce, seedScope } = sampling
  const seed = samplingSeed(nonce, seedScope === 'task' ? taskId : null, sha256)
  return { temperature, topP, minP, topK, seed }
}

function parseSchema(text: string): Record<string, unknown> {
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch {
    schema = null
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw new EngineError('SCHEMA_INVALID', 'the JSON schema is no JSON object')
  return schema as Record<string, unknown>
}

/** sha2-256 of a loaded model's chat template; null where the model has none, or is not loaded. */
export function chatTemplateOf(engine: Pick<Engine, 'status'>, model: ModelId): Bytes32 | null {
  const digest = engine.status().models.find(({ id }) => id === model)?.chatTemplateDigest ?? null
  return digest === null ? null : `0x${digest.slice('sha256:'.length)}`
}

/** The same, undefined where the model is not loaded. */
export function knownTemplate(engine: Pick<Engine, 'status'>, model: ModelId): Bytes32 | null | undefined {
  const isLoaded = engine.status().models.some(({ id }) => id === model)
  return isLoaded ? chatTemplateOf(engine, model) : undefined
}

const REFUSALS: Partial<Record<EngineError['code'], RefusalCode>> = {
  ENGINE_BUSY: 'busy',
  MODEL_NOT_LOADED: 'model_unavailable',
  PROMPT_TOO_LONG: 'prompt_too_long',
  SCHEMA_INVALID: 'schema_unsupported',
  INPUT_INVALID: 'bad_request',
}

/** What an engine's failure before any output is as a refusal. */
export function engineRefusalOf(error: EngineError): RefusalCode {
  return REFUSALS[error.code] ?? 'not_serving'
}
