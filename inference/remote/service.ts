/** What a service takes of a request that not all of them know; `omit` leaves them out. */
export const OPTIONAL_FIELDS = [
  'seed',
  'stop',
  'temperature',
  'top_p',
  'stream_options',
  'response_format',
  'logprobs',
] as const
export type OptionalField = (typeof OPTIONAL_FIELDS)[number]

/**
 * How a chat is gone on with in the middle of an answer, the beginning being the last message: `never`: not at
 * all. `plain`: the service does so by itself. `prefix`: with `prefix: true` in that message. `flags`: with
 * `continue_final_message: true` and `add_generation_prompt: false` in the request.
 */
export const CONTINUATIONS = ['never', 'plain', 'prefix', 'flags'] as const
export type ContinuationStyle = (typeof CONTINUATIONS)[number]

/** A model of a service. */
export interface RemoteModel {
  /** `name@sha256:<64 hex>`; the digest stands for the service and its name for the model, since there is no file. */
  id: string
  /** What the service calls it. */
  upstream: string
  /** Tokens of prompt and output together. */
  contextTokens: number
  /** 0 where it is not known. */
  parameterCount: number
  /** As the operator says; 0 where that is not known. */
  tokensPerSecond: number
  maxTokensField: 'max_tokens' | 'max_completion_tokens'
  continuation: ContinuationStyle
  omit: readonly OptionalField[]
}

/** A service with an OpenAI-compatible API. */
export interface RemoteService {
  name: string
  /** Up to and with the version, without a slash at the end. */
  url: string
  /** Header the key goes into as it is; null for `Authorization: Bearer`. */
  keyHeader: string | null
  models: readonly RemoteModel[]
  /** Requests at once; further ones wait. */
  maxConcurrent: number
  /** Until an answer begins, and between its parts. */
  answerTimeoutMs: number
  stallTimeoutMs: number
}
