import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
  type RequestOptions,
} from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { urlToHttpOptions } from 'node:url'
import { BodyParts } from './body-parts.ts'

/** An answer whose head has come. */
export interface Posted {
  status: number
  headers: IncomingHttpHeaders
  /** Ends, or throws, when the signal fires. */
  body: AsyncIterable<Uint8Array>
  /**
   * Reads no more. Idempotent.
   * @param isWhole whether the answer has ended but for its last bytes: they are waited for a moment, and the connection
   *   is kept; else it is closed, so that nothing more is made
   */
  discard(isWhole: boolean): void
}

/** Idle connections are kept so long, and so many to a service. */
const KEEP_ALIVE_MS = 15_000
const MAX_IDLE = 64

/** Of an answer that has ended, its last bytes take no longer, and are no more. */
const END_WITHIN_MS = 1_000
const MAX_LAST_BYTES = 65_536

const OPTIONS = { keepAlive: true, timeout: KEEP_ALIVE_MS, maxFreeSockets: MAX_IDLE }

/**
 * Posts to services over connections that are kept. By Node's own HTTP, in place of its fetch: that takes a millisecond
 * more for each request and a multiple for each part of an answer. Redirects are not followed.
 */
export class Poster {
  readonly #plain = new PlainAgent(OPTIONS)
  readonly #tls = new TlsAgent(OPTIONS)
  readonly #targets = new Map<string, RequestOptions>()

  /** @throws {Error} when nobody answers, or the signal fires first */
  async post(
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<Posted> {
    signal.throwIfAborted()
    const target = this.#target(url)
    const isTls = target.protocol === 'https:'
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const request = (isTls ? tlsRequest : plainRequest)({
      ...target,
      ...{ method: 'POST', agent: isTls ? this.#tls : this.#plain },
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    })
    let response: IncomingMessage | null = null
    const abort = () => {
      // Whose answer has begun may have given its connection back.
      if (response === null) request.destroy(new Error('the request was given up'))
      else response.destroy()
    }
    signal.addEventListener('abort', abort, { once: true })
    request.once('close', () => signal.removeEventListener('abort', abort))
    request.once('response', resolve)
    // After the answer has begun the body tells what went wrong.
    request.on('error', reject)
    request.end(body)
    const answer = await promise
    response = answer
    answer.once('end', () => signal.removeEventListener('abort', abort))
    if (signal.aborted) answer.destroy()
    return {
      status: answer.statusCode ?? 0,
      headers: answer.headers,
      body: new BodyParts(answer),
      discard: isWhole => {
        if (answer.readableEnded || answer.destroyed) return
        if (isWhole) letEnd(answer)
        else answer.destroy()
      },
    }
  }

  /** A service has a few addresses, each asked again and again: they are read once. */
  #target(url: string): RequestOptions {
    const known = this.#targets.get(url)
    if (known !== undefined) return known
    const target = urlToHttpOptions(new URL(url))
    this.#targets.set(url, target)
    return target
  }

  /** Closes idle connections. Idempotent. */
  close(): void {
    this.#plain.destroy()
    this.#tls.destroy()
  }
}

function letEnd(response: IncomingMessage): void {
  let bytes = 0
  const timer = setTimeout(() => response.destroy(), END_WITHIN_MS)
  timer.unref()
  response.once('close', () => clearTimeout(timer))
  response.on('data', (part: Buffer) => {
    bytes += part.length
    if (bytes > MAX_LAST_BYTES) response.destroy()
  })
  // Its reader may have held it.
  response.resume()
}
