import { ModelError } from './errors.ts'

const REDIRECTS = new Set([301, 302, 303, 307, 308])
const MAX_REDIRECTS = 10

export interface FollowedResponse {
  response: Response
  /** Headers of the answers on the way, the first first; the hub tells a file's digest there. */
  hops: Headers[]
}

export interface RequestOptions {
  url: string
  headers: Readonly<Record<string, string>>
  /** Sent to the origin of `url` alone. */
  token: string | null
  signal: AbortSignal
}

/**
 * GET with redirects followed by hand: a token stays with the origin it is for, and a secure
 * connection never becomes an open one.
 * @throws {ModelError} DOWNLOAD_FAILED when the redirects lead nowhere
 */
export async function followRedirects(
  fetch: typeof globalThis.fetch,
  options: RequestOptions,
): Promise<FollowedResponse> {
  const origin = new URL(options.url).origin
  const hops: Headers[] = []
  let url = new URL(options.url)
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers = new Headers({ 'user-agent': 'shoal', 'accept-encoding': 'identity', ...options.headers })
    if (options.token !== null && url.origin === origin)
      headers.set('authorization', `Bearer ${options.token}`)
    const response = await fetch(url, { headers, redirect: 'manual', signal: options.signal })
    const location = response.headers.get('location')
    if (!REDIRECTS.has(response.status) || location === null) return { response, hops }
    await response.body?.cancel()
    hops.push(response.headers)
    const next = URL.canParse(location, url) ? new URL(location, url) : null
    const isAllowed =
      next !== null && (next.protocol === 'https:' || (next.protocol === 'http:' && url.protocol === 'http:'))
    if (!isAllowed) {
      throw new ModelError(
        'DOWNLOAD_FAILED',
        `${displayUrl(url.href)} redirects to an address that is not secure`,
        {
          fix: 'Name the model by the address the file really has.',
        },
      )
    }
    url = next
  }
  throw new ModelError('DOWNLOAD_FAILED', `${displayUrl(options.url)} redirects in circles`, {
    fix: 'Name the model by the address the file really has.',
  })
}

/** `bytes first-last/total` (RFC 9110, 14.4); null when it is anything else. */
export function parseContentRange(header: string | null): { first: number; total: number | null } | null {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(header ?? '')
  if (match === null) return null
  return { first: Number(match[1]), total: match[2] === '*' ? null : Number(match[2]) }
}

/** What `If-Range` may name: a strong ETag, else the time of the last change. */
export function validatorOf(headers: Headers): string | null {
  const etag = headers.get('etag')
  if (etag?.startsWith('"') === true) return etag
  return headers.get('last-modified')
}

/** Size of the whole body; null when it is not told or the body is compressed. */
export function contentLength(headers: Headers): number | null {
  if ((headers.get('content-encoding') ?? 'identity') !== 'identity') return null
  const length = headers.get('content-length')
  return length !== null && /^\d+$/.test(length) ? Number(length) : null
}

/** Milliseconds a server asks to wait (RFC 9110, 10.2.3); null when it does not. */
export function retryAfterMs(headers: Headers): number | null {
  const seconds = headers.get('retry-after')
  return seconds !== null && /^\d+$/.test(seconds) ? Number(seconds) * 1_000 : null
}

/** A URL without what may be secret in it. */
export function displayUrl(url: string): string {
  if (!URL.canParse(url)) return url
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
