import { isShoalError, ShoalError, type ShoalErrorOptions } from '../../../protocol/errors.ts'

/** Why the door does not do what it was asked for; a closed set. Each has its HTTP status. */
const STATUS_OF_GATEWAY_ERROR = {
  REQUEST_INVALID: 400,
  /** The model, or the network, cannot do this: images, log-probabilities of a cloud service, … */
  MODEL_CANNOT: 400,
  HOST_REFUSED: 403,
  ORIGIN_REFUSED: 403,
  CSRF_MISSING: 403,
  UNAUTHENTICATED: 401,
  PAYMENT_REQUIRED: 402,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  REQUEST_TOO_LARGE: 413,
  MEDIA_UNSUPPORTED: 415,
  BUDGET_EXCEEDED: 429,
  RATE_LIMITED: 429,
  TOO_MANY_REQUESTS_AT_ONCE: 429,
  /** Nobody reads the answer. */
  CLIENT_GONE: 499,
  INTERNAL: 500,
  GATEWAY_BUSY: 503,
  GATEWAY_STOPPING: 503,
  /** The door cannot be opened as it is set up. */
  GATEWAY_UNPROTECTED: 500,
  GATEWAY_CANNOT_LISTEN: 500,
} as const
export type GatewayErrorCode = keyof typeof STATUS_OF_GATEWAY_ERROR

export interface GatewayErrorOptions extends ShoalErrorOptions {
  /** Sent with the answer, such as `retry-after`. */
  headers?: Readonly<Record<string, string>>
  /** Which part of the request is wrong, as `messages.0.content`. */
  param?: string
}

export class GatewayError extends ShoalError<GatewayErrorCode> {
  override readonly name = 'GatewayError'
  readonly headers: Readonly<Record<string, string>>
  readonly param: string | null

  constructor(code: GatewayErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(code, message, options)
    this.headers = options.headers ?? {}
    this.param = options.param ?? null
  }
}

/** Statuses of what other rooms throw; what is expected and not named here is 422. */
const STATUS_OF_OTHERS: Readonly<Record<string, number>> = {
  MODEL_NOT_OFFERED: 404,
  KIND_NOT_OFFERED: 404,
  MODEL_NOT_FOUND: 404,
  MODEL_NOT_LOADED: 404,
  RECEIPT_UNKNOWN: 404,
  DISPUTE_UNKNOWN: 404,
  ROUND_UNKNOWN: 404,
  VERSION_UNKNOWN: 404,
  DECISION_UNKNOWN: 404,
  DATA_UNKNOWN: 404,
  BLOB_NOT_FOUND: 404,
  TOOL_UNKNOWN: 404,
  TOOL_BAD_REQUEST: 400,
  TOOL_SERVER_FAILED: 502,
  TOOL_LIMIT: 504,
  PROMPT_TOO_LONG: 400,
  SCHEMA_INVALID: 400,
  INPUT_INVALID: 400,
  CONTROL_BAD_REQUEST: 400,
  BAD_EVENT_QUERY: 400,
  GROUP_REFUSED: 429,
  TOO_EXPENSIVE: 402,
  SPENDING_LIMIT: 429,
  WALLET_EMPTY: 402,
  GAS_MONEY_MISSING: 402,
  ENGINE_BUSY: 503,
  ENGINE_UNAVAILABLE: 503,
  ENGINE_CRASHED: 502,
  CHAIN_UNREACHABLE: 503,
  CHANNEL_NOT_OPENED: 503,
  DEPOSITS_PAUSED: 503,
  NO_PROVIDER: 503,
  NOTHING_FITS: 503,
  ALL_PROVIDERS_FAILED: 502,
  TOO_FEW_OPERATORS: 503,
  NO_AGREEMENT: 502,
  DEADLINE_PASSED: 504,
  TIMED_OUT: 504,
  PEER_UNREACHABLE: 503,
  STOPPED: 503,
  CANCELLED: 499,
}

/** The HTTP status that tells this error. */
export function statusOf(error: ShoalError): number {
  if (error instanceof GatewayError) return STATUS_OF_GATEWAY_ERROR[error.code]
  return STATUS_OF_OTHERS[error.code] ?? (error.code === 'INTERNAL' ? 500 : 422)
}

/** What no model of the network does. @param what why it is refused */
export function modelCannot(param: string, what: string): GatewayError {
  return new GatewayError('MODEL_CANNOT', what, { param, fix: `Leave out ${param}.` })
}

/** What a client is told of anything thrown: a defect of ours says no more than that it is one. */
export function publicError(error: unknown): ShoalError {
  if (isShoalError(error)) return error
  return new GatewayError('INTERNAL', 'the node has failed to do this', {
    fix: 'This is a defect; the node log has the details.',
    cause: error,
  })
}

/** In whose form errors are told. */
export type ErrorDialect = 'openai' | 'anthropic' | 'ollama' | 'api'

/** The body of an error as clients of the dialect read it. */
export function errorBody(error: ShoalError, dialect: ErrorDialect): Record<string, unknown> {
  const status = statusOf(error)
  const message = error.fix === undefined ? `${error.message}` : `${error.message}. ${error.fix}`
  switch (dialect) {
    case 'openai':
      return {
        error: {
          message,
          type: openaiTypeOf(status),
          param: error instanceof GatewayError ? error.param : null,
          code: openaiCodeOf(error),
        },
      }
    case 'anthropic':
      return { type: 'error', error: { type: anthropicTypeOf(status), message } }
    case 'ollama':
      return { error: message }
    case 'api':
      return { error: error.toJSON() }
  }
}

function openaiTypeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 402) return 'insufficient_quota'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** Codes that programs know by OpenAI's names; all others keep ours, in lower case. */
const OPENAI_CODES: Readonly<Record<string, string>> = {
  MODEL_NOT_OFFERED: 'model_not_found',
  MODEL_NOT_FOUND: 'model_not_found',
  PROMPT_TOO_LONG: 'context_length_exceeded',
  UNAUTHENTICATED: 'invalid_api_key',
  BUDGET_EXCEEDED: 'insufficient_quota',
  RATE_LIMITED: 'rate_limit_exceeded',
}

function openaiCodeOf(error: ShoalError): string {
  return OPENAI_CODES[error.code] ?? error.code.toLowerCase()
}

function anthropicTypeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 402) return 'billing_error'
  if (status === 403) return 'permission_error'
  if (status === 404) return 'not_found_error'
  if (status === 413) return 'request_too_large'
  if (status === 429) return 'rate_limit_error'
  if (status === 503) return 'overloaded_error'
  if (status === 504) return 'timeout_error'
  return status >= 500 ? 'api_error' : 'invalid_request_error'
}
