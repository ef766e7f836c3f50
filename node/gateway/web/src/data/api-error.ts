/** What the node, or the way to it, answered instead of what was asked for. */
export class ApiError extends Error {
  /** HTTP status; 0 when nothing was answered. */
  readonly status: number
  readonly code: string
  /** What to do. */
  readonly fix: string | null

  constructor(status: number, code: string, message: string, fix: string | null, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.fix = fix
  }
}

export interface ErrorWords {
  code: string | null
  message: string
  fix: string | null
}

/** An error in words for people. */
export function describeError(error: unknown): ErrorWords {
  const { message, code, fix } = (error ?? {}) as { message?: unknown; code?: unknown; fix?: unknown }
  return {
    code: typeof code === 'string' ? code : null,
    message:
      typeof message === 'string' && message !== '' ? sentence(message) : 'Something unexpected happened.',
    fix: typeof fix === 'string' ? fix : null,
  }
}

/** The node's messages are parts of a line; here they stand alone. */
function sentence(message: string): string {
  const begun = message.charAt(0).toUpperCase() + message.slice(1)
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`
}

/** The node did not answer at all. */
export function unreachable(cause: unknown): ApiError {
  return new ApiError(
    0,
    'NODE_UNREACHABLE',
    'The node does not answer.',
    'See that it runs: shoal serve. This page goes on by itself once it is back.',
    { cause },
  )
}

/** Reads any error body of the gateway: `{error: {code, message, fix}}`, in whichever dialect. */
export async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null)
  const error = ((body as { error?: unknown } | null)?.error ?? body ?? {}) as Record<string, unknown>
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
  return new ApiError(
    response.status,
    text(error.code) ?? text(error.type) ?? `HTTP_${response.status}`,
    text(error.message) ?? `The node answered ${response.status} ${response.statusText}.`,
    text(error.fix),
  )
}
