import { errorOf, unreachable } from './api-error.ts'

/** The one way from the page to its node: same origin, session cookie, and the header that cross-site forms lack. */

/** Name of the header by which the gateway knows its own page. */
const CSRF_HEADER = 'shoal-csrf'

let csrf: string | null = null

/** As `/api/me` said. */
export function setCsrf(token: string | null): void {
  csrf = token
}

export interface RequestOptions {
  signal?: AbortSignal
  headers?: Record<string, string>
}

/**
 * Sends one request.
 * @returns the answer, its body not read yet; always a good one
 * @throws {ApiError} what the node said instead, or NODE_UNREACHABLE
 */
export async function send(
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  options: RequestOptions = {},
): Promise<Response> {
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(csrf === null || method === 'GET' ? {} : { [CSRF_HEADER]: csrf }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }
  let response: Response
  try {
    response = await fetch(path, init)
  } catch (error) {
    if (options.signal?.aborted === true) throw error
    throw unreachable(error)
  }
  if (!response.ok) throw await errorOf(response)
  return response
}

/** @throws {ApiError} */
export async function getJson<T>(path: string, options?: RequestOptions): Promise<T> {
  return (await (await send('GET', path, undefined, options)).json()) as T
}

/** @throws {ApiError} */
export async function postJson<T>(path: string, body: unknown = {}, options?: RequestOptions): Promise<T> {
  return requestJson('POST', path, body, options)
}

/** @returns null where the answer has no body; @throws {ApiError} */
export async function requestJson<T>(
  method: Parameters<typeof send>[0],
  path: string,
  body?: unknown,
  options?: RequestOptions,
): Promise<T> {
  const response = await send(method, path, body, options)
  const text = await response.text()
  return (text === '' ? null : JSON.parse(text)) as T
}
