import { z } from 'zod'
import {
  MAX_LOGPROB_ALTERNATIVES,
  MAX_TOKEN_TEXT_BYTES,
  MAX_TOKENS_PER_FRAME,
} from '../../protocol/limits.ts'
import type { TokenChance, TokenLogprobs } from '../../protocol/messages/provider-frame.ts'
import { EngineError, type GenerateRequest, type StopReason } from '../engine.ts'
import type { RemoteModel } from './service.ts'

/** More stop strings than services take; all are watched for here as well. */
const MAX_UPSTREAM_STOPS = 4

/** A request in the API's words: its path below the service's URL, and its body. */
export interface Phrased {
  path: '/chat/completions' | '/completions'
  body: Record<string, unknown>
}

/**
 * Says a request in the API's words.
 * @throws {EngineError} INPUT_INVALID when the service cannot go on from output made elsewhere; SCHEMA_INVALID
 *   when it cannot be held to a schema
 */
export function phrase(request: GenerateRequest, model: RemoteModel): Phrased {
  const { input, sampling, stop, jsonSchema, continuation } = request
  const text = continuation?.text ?? ''
  const optional: Record<string, unknown> = {
    temperature: sampling.temperature,
    top_p: sampling.topP,
    // A continuation must not repeat the draws of the part before.
    seed: (Number.parseInt(sampling.seed.slice(2, 10), 16) + text.length) % 2 ** 32,
    stream_options: { include_usage: true },
    ...(stop.length === 0 ? {} : { stop: stop.slice(0, MAX_UPSTREAM_STOPS) }),
    ...(jsonSchema === undefined
      ? {}
      : {
          response_format: {
            type: 'json_schema',
            json_schema: { name: 'answer', schema: jsonSchema, strict: true },
          },
        }),
    // Of completions it has another form.
    ...(request.logprobs === undefined || input.kind !== 'chat' || model.omit.includes('logprobs')
      ? {}
      : { logprobs: true, top_logprobs: request.logprobs }),
    // Not of the original API: sent only where they are asked for.
    ...(sampling.topK === 0 ? {} : { top_k: sampling.topK }),
    ...(sampling.minP === 0 ? {} : { min_p: sampling.minP }),
  }
  if (jsonSchema !== undefined && model.omit.includes('response_format'))
    throw new EngineError('SCHEMA_INVALID', 'this service cannot be held to a JSON schema')
  for (const field of model.omit) delete optional[field]
  const common = {
    model: model.upstream,
    stream: true,
    [model.maxTokensField]: request.maxTokens,
    ...optional,
  }
  if (input.kind === 'completion')
    return { path: '/completions', body: { ...common, prompt: input.prompt + text } }
  if (text === '') return { path: '/chat/completions', body: { ...common, messages: input.messages } }
  if (model.continuation === 'never')
    throw new EngineError('INPUT_INVALID', 'this service cannot go on in the middle of an answer')
  const begun = {
    role: 'assistant',
    content: text,
    ...(model.continuation === 'prefix' ? { prefix: true } : {}),
  }
  return {
    path: '/chat/completions',
    body: {
      ...common,
      messages: [...input.messages, begun],
      ...(model.continuation === 'flags'
        ? { continue_final_message: true, add_generation_prompt: false }
        : {}),
    },
  }
}

const count = z.int().min(0).max(1_000_000_000)
const usageSchema = z.object({ prompt_tokens: count, completion_tokens: count.optional() })

interface PartChoice {
  index?: number
  /** Of a chat, in parts or whole. */
  delta?: PartText | null
  message?: PartText | null
  /** Of a completion. */
  text?: string | null
  finish_reason?: string | null
  logprobs?: unknown
}
interface PartText {
  content?: string | null
  refusal?: string | null
}

const MAX_PART_CHOICES = 16

const chanceSchema = z.object({
  token: z.string().max(MAX_TOKEN_TEXT_BYTES),
  logprob: z.number(),
  bytes: z.array(z.int().min(0).max(255)).max(MAX_TOKEN_TEXT_BYTES).nullish(),
})
const logprobsSchema = z.object({
  content: z
    .array(
      chanceSchema.extend({ top_logprobs: z.array(chanceSchema).max(MAX_LOGPROB_ALTERNATIVES).default([]) }),
    )
    .max(MAX_TOKENS_PER_FRAME),
})

/** What one part of an answer says. */
export type Part =
  | {
      kind: 'part'
      text: string
      finish: StopReason | 'filtered' | null
      usage: Usage | null
      /** As far as they can be read; nobody's answer depends on them. */
      logprobs: TokenLogprobs[]
    }
  | { kind: 'error' }
  | { kind: 'malformed' }

export interface Usage {
  promptTokens: number
  outputTokens: number
}

const FINISH: Readonly<Record<string, StopReason | 'filtered'>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop_string',
  length: 'length',
  max_tokens: 'length',
  content_filter: 'filtered',
}

/** Reads one part of an answer, or a whole one. */
export function readPart(data: string): Part {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return { kind: 'malformed' }
  }
  if (typeof value === 'object' && value !== null && 'error' in value && value.error !== null)
    return { kind: 'error' }
  const read = readChoices(value)
  if (read === null) return { kind: 'malformed' }
  const usage = readUsage(read.usage)
  const choice = read.choices.find(({ index = 0 }) => index === 0)
  if (choice === undefined) return { kind: 'part', text: '', finish: null, usage, logprobs: [] }
  const { delta, message, finish_reason } = choice
  if (delta?.refusal || message?.refusal)
    return { kind: 'part', text: '', finish: 'filtered', usage, logprobs: [] }
  const finish = finish_reason ? FINISH[finish_reason] : null
  // Ended for a reason that is no end of a text: a call of tools, an error.
  if (finish === undefined) return { kind: 'malformed' }
  const text = delta?.content ?? message?.content ?? choice.text ?? ''
  return { kind: 'part', text, finish, usage, logprobs: readLogprobs(choice.logprobs) }
}

/** By hand, as there is one of them for each token: a schema takes as long as all else that is done with it. */
function readChoices(value: unknown): { choices: PartChoice[]; usage: unknown } | null {
  if (typeof value !== 'object' || value === null || !('choices' in value)) return null
  const { choices } = value
  if (!Array.isArray(choices) || choices.length > MAX_PART_CHOICES || !choices.every(isPartChoice))
    return null
  return { choices, usage: 'usage' in value ? value.usage : undefined }
}

function isPartChoice(value: unknown): value is PartChoice {
  if (typeof value !== 'object' || value === null) return false
  const { index, delta, message, text, finish_reason } = value as Record<keyof PartChoice, unknown>
  return (
    (index === undefined || Number.isSafeInteger(index)) &&
    isPartText(delta) &&
    isPartText(message) &&
    isStringOrNone(text) &&
    isStringOrNone(finish_reason)
  )
}

function isPartText(value: unknown): value is PartText | null | undefined {
  if (value === undefined || value === null) return true
  if (typeof value !== 'object') return false
  const { content, refusal } = value as Record<keyof PartText, unknown>
  return isStringOrNone(content) && isStringOrNone(refusal)
}

function isStringOrNone(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string'
}

function readLogprobs(value: unknown): TokenLogprobs[] {
  const parsed = value == null ? null : logprobsSchema.safeParse(value)
  if (parsed?.success !== true) return []
  return parsed.data.content.map(({ top_logprobs, ...own }) => ({
    ...chanceOf(own),
    top: top_logprobs.map(chanceOf),
  }))
}

/** Services say -9999 of what is as good as never. */
const MIN_LOGPROB = -1_000

function chanceOf({ token, bytes, logprob }: z.output<typeof chanceSchema>): TokenChance {
  return {
    bytes: bytes == null ? Buffer.from(token) : Uint8Array.from(bytes),
    logprob: Math.max(MIN_LOGPROB, Math.min(0, logprob)),
  }
}

/** Null where there is none or it cannot be believed; the tokens are counted here then. */
function readUsage(value: unknown): Usage | null {
  // As in every part but the last: to make an error of it would take longer than all else.
  if (value === undefined || value === null) return null
  const parsed = usageSchema.safeParse(value)
  if (!parsed.success) return null
  const { prompt_tokens, completion_tokens = 0 } = parsed.data
  return { promptTokens: prompt_tokens, outputTokens: completion_tokens }
}

export const embeddingsSchema = z.object({
  data: z.array(z.object({ index: count.optional(), embedding: z.array(z.number()).min(1).max(65_536) })),
  usage: usageSchema.optional(),
})

/** Of English and code, on average over the vocabularies in use. */
const BYTES_PER_TOKEN = 4
/** Of a chat's template, for each message. */
const TOKENS_PER_MESSAGE = 4

/** About how many tokens a text is, at least one where there is any. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)
}

/** About how many tokens a prompt is, what it is to go on from included. */
export function estimatePromptTokens({ input, continuation }: GenerateRequest): number {
  const texts = input.kind === 'chat' ? input.messages.map(({ content }) => content) : [input.prompt]
  const tokens = texts.reduce((sum, text) => sum + estimateTokens(text), 0)
  const template = input.kind === 'chat' ? TOKENS_PER_MESSAGE * texts.length : 0
  return Math.max(1, tokens + template + estimateTokens(continuation?.text ?? ''))
}
