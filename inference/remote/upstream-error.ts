import { z } from 'zod'
import type { ErrorDetails } from '../../protocol/errors.ts'
import { EngineError, type EngineErrorCode } from '../engine.ts'
import type { Secret } from './secret.ts'

/** What went wrong at a service; a closed set. */
export type UpstreamFault =
  /** It does not take our key. */
  | 'unauthorised'
  /** The account has nothing left. */
  | 'quota'
  | 'rate_limited'
  /** It fails, or says that it has too much to do. */
  | 'overloaded'
  | 'unreachable'
  /** It did not begin to answer in time. */
  | 'timed_out'
  /** It began to answer and fell silent. */
  | 'stalled'
  /** What it says is not what such services say. */
  | 'malformed'
  /** It sends us elsewhere, where neither key nor prompt goes. */
  | 'redirected'
  /** It does not know the model. */
  | 'not_found'
  | 'too_long'
  /** It does not take the request as it is. */
  | 'refused'
  /** Its filter does not let the prompt or the answer through. */
  | 'filtered'

const CODES: Record<UpstreamFault, EngineErrorCode> = {
  unauthorised: 'ENGINE_UNAVAILABLE',
  quota: 'ENGINE_UNAVAILABLE',
  rate_limited: 'ENGINE_BUSY',
  overloaded: 'ENGINE_UNAVAILABLE',
  unreachable: 'ENGINE_UNAVAILABLE',
  timed_out: 'ENGINE_CRASHED',
  stalled: 'ENGINE_CRASHED',
  malformed: 'ENGINE_CRASHED',
  redirected: 'ENGINE_UNAVAILABLE',
  not_found: 'MODEL_NOT_LOADED',
  too_long: 'PROMPT_TOO_LONG',
  refused: 'INPUT_INVALID',
  filtered: 'INPUT_INVALID',
}

const MESSAGES: Record<UpstreamFault, string> = {
  unauthorised: 'does not take the key',
  quota: 'says that the account has nothing left',
  rate_limited: 'takes no more requests for now',
  overloaded: 'is overloaded or fails',
  unreachable: 'cannot be reached',
  timed_out: 'did not begin to answer in time',
  stalled: 'fell silent in the middle of an answer',
  malformed: 'answered something else than such services do',
  redirected: 'redirects to another address, which is not followed',
  not_found: 'does not know the model',
  too_long: 'cannot read so long a prompt',
  refused: 'does not take the request',
  filtered: 'does not let this prompt or its answer through',
}

const FIXES: Partial<Record<UpstreamFault, string>> = {
  unauthorised: 'Check the key that the file of cloud.services names for it.',
  quota: 'Put money into the account, or take the service out of the file of cloud.services.',
  unreachable: 'Check its url in the file of cloud.services, and the connection.',
  redirected: 'Write the address it redirects to into the file of cloud.services, if it is the right one.',
  not_found: "Correct the model's name in the file of cloud.services.",
  refused:
    'See whether it knows all fields of a request; "omit" in the file of cloud.services leaves some out.',
}

/** Services that may yet answer if they are asked again. */
const WORTH_ANOTHER_TRY: ReadonlySet<UpstreamFault> = new Set(['rate_limited', 'overloaded', 'unreachable'])

/** A failure of a service. Has nothing of what it said but a code of its own, since that could hold anything. */
export class UpstreamError extends EngineError {
  readonly fault: UpstreamFault
  /** How long it asks to be left alone, ms; null when it does not. */
  readonly retryAfterMs: number | null

  constructor(
    service: string,
    fault: UpstreamFault,
    options: { status?: number; upstreamCode?: string; retryAfterMs?: number | null } = {},
  ) {
    const { status, upstreamCode, retryAfterMs = null } = options
    const details: ErrorDetails = {
      service,
      fault,
      ...(status === undefined ? {} : { status }),
      ...(upstreamCode === undefined ? {} : { upstreamCode }),
      ...(retryAfterMs === null ? {} : { retryAfterMs }),
    }
    const fix = FIXES[fault]
    super(CODES[fault], `the service ${service} ${MESSAGES[fault]}`, {
      ...(fix === undefined ? {} : { fix }),
      details,
    })
    this.fault = fault
    this.retryAfterMs = retryAfterMs
  }

  get isWorthAnotherTry(): boolean {
    return WORTH_ANOTHER_TRY.has(this.fault)
  }
}

const errorBodySchema = z.object({
  error: z.union([
    z.object({
      code: z.union([z.string(), z.number()]).nullish(),
      type: z.string().nullish(),
      message: z.string().nullish(),
    }),
    z.string(),
  ]),
})

/** A service's own word for what went wrong, as far as it is a word and not the key. */
const WORD = /^[A-Za-z0-9_.-]{1,64}$/

/**
 * What an answer that is an error means.
 * @param body as text; what is no JSON or none of the usual is passed over
 */
export function errorOf(
  answer: { service: string; status: number; body: string; retryAfterMs: number | null },
  key: Secret | null,
): UpstreamError {
  const { service, status, retryAfterMs } = answer
  const { word, text } = wordsOf(answer.body)
  const fault = faultOf(status, word, text)
  const isShowable = WORD.test(word) && !isOfKey(word, key)
  return new UpstreamError(service, fault, {
    status,
    ...(isShowable ? { upstreamCode: word } : {}),
    retryAfterMs,
  })
}

function isOfKey(word: string, key: Secret | null): boolean {
  const value = key?.reveal() ?? ''
  return value !== '' && (value.includes(word) || word.includes(value))
}

function faultOf(status: number, word: string, text: string): UpstreamFault {
  if (/insufficient_quota|billing|insufficient_credits/i.test(word) || status === 402) return 'quota'
  if (/context_length|context_window|too_long/i.test(word)) return 'too_long'
  if (/content_filter|content_policy/i.test(word)) return 'filtered'
  if (status === 401 || status === 403) return 'unauthorised'
  if (status === 404) return 'not_found'
  if (status === 429) return 'rate_limited'
  if (status === 413) return 'too_long'
  if (status === 408 || status === 409 || status >= 500) return 'overloaded'
  if (status >= 300 && status < 400) return 'redirected'
  if (status >= 400) {
    return /context (length|window|size)|maximum context|prompt is too long|too many tokens/i.test(text)
      ? 'too_long'
      : 'refused'
  }
  return 'malformed'
}

function wordsOf(body: string): { word: string; text: string } {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return { word: '', text: '' }
  }
  const parsed = errorBodySchema.safeParse(value)
  if (!parsed.success) return { word: '', text: '' }
  const { error } = parsed.data
  if (typeof error === 'string') return { word: '', text: error }
  const word = typeof error.code === 'string' ? error.code : (error.type ?? '')
  return { word, text: error.message ?? '' }
}

/** An error that the middle of an answer tells: its code stands for the status. */
export function errorInStream(service: string, body: string, key: Secret | null): UpstreamError {
  const error: unknown = (JSON.parse(body) as { error?: unknown }).error
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : null
  const status = typeof code === 'number' && code >= 400 && code < 600 ? code : 500
  return errorOf({ service, status, body, retryAfterMs: null }, key)
}
