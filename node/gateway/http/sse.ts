import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Clock, Timer } from '../../clock.ts'
import type { GatewayReply } from './plugin.ts'

export interface SseOptions {
  /** A comment is sent after so long without an event, so that proxies keep the connection; null for never. */
  heartbeatMs?: number | null
  /** A client that leaves more than this unread is cut off. */
  maxUnreadBytes?: number
  /** Default `text/event-stream`; Ollama's streams are `application/x-ndjson`. */
  contentType?: string
}

export interface SseModules {
  reply: GatewayReply
  clock: Clock
}

export interface SseEvent {
  /** Name; unnamed events are those that most clients read. */
  event?: string
  /** By which a client that comes back goes on. */
  id?: string
  /** Written as it is where it is text, else as JSON. */
  data: unknown
}

const HEARTBEAT_MS = 15_000
const MAX_UNREAD_BYTES = 4 * 1_048_576

/**
 * A stream of server-sent events as the answer to one request. Nothing is sent before the first `send`: until then
 * the route can still answer with an error and its status.
 */
export class SseStream {
  readonly #reply: GatewayReply
  readonly #clock: Clock
  readonly #heartbeatMs: number | null
  readonly #maxUnreadBytes: number
  readonly #contentType: string
  readonly #gone = new AbortController()
  #response: ServerResponse | null = null
  #heartbeat: Timer | null = null
  #sentAtMs = 0
  #ended = false

  constructor(options: SseOptions, modules: SseModules) {
    this.#reply = modules.reply
    this.#clock = modules.clock
    this.#heartbeatMs = options.heartbeatMs === undefined ? HEARTBEAT_MS : options.heartbeatMs
    this.#maxUnreadBytes = options.maxUnreadBytes ?? MAX_UNREAD_BYTES
    this.#contentType = options.contentType ?? 'text/event-stream; charset=utf-8'
    modules.reply.raw.once('close', () => this.#closed())
  }

  /** Fires when the client is gone or was cut off; not when the stream was ended in good order. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Whether the 200 is out: errors from here on are events. */
  get isOpen(): boolean {
    return this.#response !== null
  }

  /** Sends the head; headers set on the reply go with it. Idempotent. */
  open(): void {
    if (this.#response !== null || this.#ended) return
    this.#begin()
    this.#reply.raw.flushHeaders()
  }

  /** Writes the head, which leaves with what follows. */
  #begin(): void {
    if (this.#response !== null || this.#ended) return
    const { raw } = this.#reply
    this.#reply.hijack()
    raw.writeHead(200, {
      ...(this.#reply.getHeaders() as OutgoingHttpHeaders),
      'content-type': this.#contentType,
      'cache-control': 'no-cache, no-transform',
      // nginx would hold the events back.
      'x-accel-buffering': 'no',
    })
    this.#response = raw
    this.#sentAtMs = this.#clock.nowMs()
    this.#scheduleHeartbeat()
  }

  /** Sends an event, and the head before the first. @returns false when the client should be waited for: `drained` */
  send({ event, id, data }: SseEvent): boolean {
    const named = event === undefined ? '' : `event: ${event}\n`
    const numbered = id === undefined ? '' : `id: ${id}\n`
    return this.write(
      `${named}${numbered}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`,
    )
  }

  /** Sends text as it is, for dialects of their own. @returns as `send` */
  write(text: string): boolean {
    this.#begin()
    const response = this.#response
    if (response === null || this.#ended || response.destroyed) return true
    this.#sentAtMs = this.#clock.nowMs()
    const isEmptied = response.write(text)
    if (response.writableLength > this.#maxUnreadBytes) this.abort()
    return isEmptied
  }

  /** Resolves when what was sent has left, or the client is gone. */
  async drained(): Promise<void> {
    const response = this.#response
    if (response === null || response.destroyed || !response.writableNeedDrain) return
    await new Promise<void>(resolve => {
      const done = () => {
        response.off('drain', done)
        response.off('close', done)
        resolve()
      }
      response.once('drain', done)
      response.once('close', done)
    })
  }

  /** Ends it in good order. Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#begin()
    this.#ended = true
    this.#heartbeat?.cancel()
    this.#response?.end()
  }

  /** Breaks the connection, so that no client takes what it has for the whole. Idempotent. */
  abort(): void {
    this.#heartbeat?.cancel()
    this.#reply.raw.destroy()
  }

  #closed(): void {
    this.#heartbeat?.cancel()
    if (!this.#ended) this.#gone.abort()
  }

  #scheduleHeartbeat(): void {
    const everyMs = this.#heartbeatMs
    if (everyMs === null) return
    this.#heartbeat = this.#clock.setTimer(() => {
      if (this.#clock.nowMs() - this.#sentAtMs >= everyMs) this.write(': \n\n')
      if (!this.#ended && !this.#gone.signal.aborted) this.#scheduleHeartbeat()
    }, everyMs)
  }
}
