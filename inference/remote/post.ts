import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'

/** An answer whose head has come. */
export interface Posted {
  status: number
  headers: IncomingHttpHeaders
  /** Ends, or throws, when the signal fires. */
  body: AsyncIterable<Uint8Array>
  /** Reads no more: what was not read is dropped, with the connection where there is some. Idempotent. */
  discard(): void
}

/** Idle connections are kept so long, and so many to a service. */
const KEEP_ALIVE_MS = 15_000
const MAX_IDLE = 64

const OPTIONS = { keepAlive: true, timeout: KEEP_ALIVE_MS, maxFreeSockets: MAX_IDLE }

/**
 * Posts to services over connections that are kept. By Node's own HTTP, in place of its fetch: that takes a millisecond
 * more for each request and a multiple for each part of an answer. Redirects are not followed.
 */
export class Poster {
  readonly #plain = new PlainAgent(OPTIONS)
  readonly #tls = new TlsAgent(OPTIONS)

  /** @throws {Error} when nobody answers, or the signal fires first */
  async post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Posted> {
    signal.throwIfAborted()
    const isTls = url.startsWith('https:')
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const request = (isTls ? tlsRequest : plainRequest)(url, {
      ...{ method: 'POST', agent: isTls ? this.#tls : this.#plain },
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    })
    const abort = () => request.destroy(new Error('the request was given up'))
    signal.addEventListener('abort', abort, { once: true })
    request.once('close', () => signal.removeEventListener('abort', abort))
    request.once('response', resolve)
    // After the answer has begun the body tells what went wrong.
    request.on('error', reject)
    request.end(body)
    const response = await promise
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: response,
      discard: () => {
        if (!response.readableEnded) response.destroy()
      },
    }
  }

  /** Closes idle connections. Idempotent. */
  close(): void {
    this.#plain.destroy()
    this.#tls.destroy()
  }
}
