import { EngineError, type GenerateRequest, type SamplingParameters } from '../../inference/engine.ts'
import { MAX_CANDIDATES } from '../../inference/sampling/sampler.ts'
import type { RefusalCode } from '../../protocol/messages/provider-frame.ts'
import type { TaskRequest } from '../../protocol/messages/task-request.ts'
import { nonceOfSeed, samplingSeed } from '../../protocol/sampling-seed.ts'

/** What of a task an engine is given, with how far it may travel: nothing of offers and payments. */
export type EngineTask = Pick<
  TaskRequest,
  'dataClass' | 'model' | 'input' | 'continuation' | 'maxTokens' | 'sampling' | 'stop' | 'jsonSchema'
>

/**
 * A task in the engine's words.
 * @throws {EngineError} SCHEMA_INVALID when its JSON schema is none
 */
export function generateRequest(task: Omit<EngineTask, 'dataClass'>): GenerateRequest {
  return {
    model: task.model,
    input: task.input,
    maxTokens: task.maxTokens,
    sampling: engineSampling(task.sampling),
    stop: task.stop,
    ...(task.jsonSchema === null ? {} : { jsonSchema: parseSchema(task.jsonSchema) }),
    ...(task.continuation === null ? {} : { continuation: task.continuation }),
  }
}

function engineSampling({ seed, topK, ...rest }: EngineTask['sampling']): SamplingParameters {
  return { ...rest, topK: Math.min(topK, MAX_CANDIDATES), seed: samplingSeed(nonceOfSeed(seed), null) }
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
