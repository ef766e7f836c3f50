import type { IncomingHttpHeaders } from 'node:http'
import { EngineError } from '../engine.ts'
import type { Posted, Poster } from './post.ts'
import type { Secret } from './secret.ts'
import { Deadline, sleep, type Timing } from './timing.ts'
import { errorOf, UpstreamError } from './upstream-error.ts'

export interface ExchangeOptions {
  /** The service's name, for errors. */
  service: string
  /** Up to and with the version, as `https://api.example.com/v1`. */
  url: string
  /** Header the key goes into as it is; null for `Authorization: Bearer`. */
  keyHeader: string | null
  /** Until an answer begins. */
  answerTimeoutMs: number
  /** Tries after the first. */
  maxRetries: number
  /** A service that asks to be left alone for longer is given up. */
  maxRetryWaitMs: number
}

export interface ExchangeModules {
  key: Secret | null
  poster: Poster
  timing: Timing
  /** Uniform in [0, 1). */
  random: () => number
}

/** An answer that has begun. */
export interface Answer {
  response: Posted
  /** Runs until the answer's body has been read; when it ends, so does the body. */
  deadline: Deadline
}

const FIRST_RETRY_MS = 250
const MAX_ERROR_BYTES = 65_536

/**
 * Sends requests to one service, again where it may help, with its key, to its address and nowhere else.
 * Waits between tries grow twofold and are drawn at random ("full jitter": M. Brooker, Exponential Backoff And
 * Jitter, AWS Architecture Blog, 2015), unless the service says how long.
 */
export class Exchange {
  readonly #options: ExchangeOptions
  readonly #modules: ExchangeModules

  constructor(options: ExchangeOptions, modules: ExchangeModules) {
    this.#options = options
    this.#modules = modules
  }

  /**
   * Posts JSON until an answer begins whose status is fine.
   * @param path as `/chat/completions`
   * @throws {UpstreamError} what came of the last try
   * @throws {EngineError} CANCELLED
   */
  async post(path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
    const { maxRetries, maxRetryWaitMs } = this.#options
    const { timing } = this.#modules
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#try(path, JSON.stringify(body), signal)
      } catch (error) {
        if (signal.aborted) throw cancelled()
        if (!(error instanceof UpstreamError)) throw error
        const waitMs = error.retryAfterMs ?? this.#backoffMs(attempt)
        if (!error.isWorthAnotherTry || attempt >= maxRetries || waitMs > maxRetryWaitMs) throw error
        await sleep(timing, waitMs, signal).catch(() => {
          throw cancelled()
        })
      }
    }
  }

  async #try(path: string, body: string, signal: AbortSignal): Promise<Answer> {
    const { service, url, answerTimeoutMs } = this.#options
    const { poster, timing, key } = this.#modules
    const deadline = new Deadline(timing, signal)
    deadline.within(answerTimeoutMs)
    try {
      const response = await poster
        .post(`${url}${path}`, this.#headers(), body, deadline.signal)
        .catch(() => {
          throw new UpstreamError(service, deadline.isOver ? 'timed_out' : 'unreachable')
        })
      if (response.status >= 200 && response.status < 300) return { response, deadline }
      const text = await readText(response, MAX_ERROR_BYTES)
      response.discard(false)
      throw errorOf(
        { service, status: response.status, body: text, retryAfterMs: this.#retryAfterMs(response.headers) },
        key,
      )
    } catch (error) {
      deadline.cancel()
      throw error
    }
  }

  #headers(): Record<string, string> {
    const { keyHeader } = this.#options
    const key = this.#modules.key?.reveal()
    return {
      'content-type': 'application/json',
      accept: 'text/event-stream, application/json',
      'accept-encoding': 'identity',
      'user-agent': 'shoal',
      ...(key === undefined
        ? {}
        : { [keyHeader ?? 'authorization']: keyHeader === null ? `Bearer ${key}` : key }),
    }
  }

  #backoffMs(attempt: number): number {
    return this.#modules.random() * FIRST_RETRY_MS * 2 ** attempt
  }

  /** What the service asks to wait (RFC 9110, 10.2.3: seconds or a date; `retry-after-ms` is a common addition). */
  #retryAfterMs(headers: IncomingHttpHeaders): number | null {
    const exact = headers['retry-after-ms']
    if (typeof exact === 'string' && /^\d{1,9}$/.test(exact)) return Number(exact)
    const after = headers['retry-after']
    if (after === undefined) return null
    if (/^\d{1,9}(\.\d+)?$/.test(after)) return Math.ceil(Number(after) * 1_000)
    const dateMs = Date.parse(after)
    return Number.isNaN(dateMs) ? null : Math.max(0, dateMs - this.#modules.timing.nowMs())
  }
}

/**
 * A body as text, up to so many bytes; the rest is not read. Never throws: a body that breaks off ends there.
 */
async function readText(response: Posted, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const part of response.body) {
      parts.push(part)
      bytes += part.length
      if (bytes >= maxBytes) break
    }
  } catch {
    // What has come says enough.
  }
  return Buffer.concat(parts).subarray(0, maxBytes).toString('utf8')
}

export function cancelled(): EngineError {
  return new EngineError('CANCELLED', 'the request was cancelled')
}
