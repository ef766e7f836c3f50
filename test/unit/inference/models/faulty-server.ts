import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a server does with one request. */
export type Answer = (request: IncomingMessage, response: ServerResponse, server: FileServer) => void

/** An HTTP server with one file, which gives the scripted answers in turn and then serves it properly. */
export class FileServer {
  readonly requests: { url: string; headers: IncomingMessage['headers'] }[] = []
  readonly #server: Server
  readonly #answers: Answer[] = []
  #break: { at: number; connection: () => void } | null = null
  bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#server = createServer((request, response) => {
      this.requests.push({ url: request.url ?? '', headers: request.headers })
      ;(this.#answers.shift() ?? serve)(request, response, this)
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/models/tiny.gguf`
  }

  get etag(): string {
    return `"${createHash('md5').update(this.bytes).digest('hex')}"`
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  breakAt(at: number, connection: () => void): void {
    this.#break = { at, connection }
  }

  /** How much of the file the client has. */
  received(bytes: number): void {
    if (this.#break === null || bytes < this.#break.at) return
    this.#break.connection()
    this.#break = null
  }

  next(...answers: Answer[]): void {
    this.#answers.push(...answers)
  }
}

/** As RFC 9110 wants it: with ETag, ranges and If-Range. */
export const serve: Answer = (request, response, { bytes, etag }) => {
  const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const ifRange = request.headers['if-range']
  response.setHeader('etag', etag)
  response.setHeader('accept-ranges', 'bytes')
  if (first > 0 && (ifRange === undefined || ifRange === etag)) {
    if (first >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
      return
    }
    response.setHeader('content-range', `bytes ${first}-${bytes.length - 1}/${bytes.length}`)
    response.setHeader('content-length', bytes.length - first)
    response.writeHead(206).end(bytes.subarray(first))
    return
  }
  response.setHeader('content-length', bytes.length)
  response.writeHead(200).end(bytes)
}

/**
 * Begins to serve properly and breaks the connection when the client has received `count` bytes of
 * the body, which it tells by `received`.
 */
export function dropAfter(count: number, begin: Answer = serve): Answer {
  return (request, response, server) => {
    const end = response.end.bind(response)
    response.end = ((chunk?: Buffer) => {
      if (chunk === undefined) return end()
      const first = server.bytes.length - chunk.length
      server.breakAt(first + count, () => response.destroy())
      response.write(chunk.subarray(0, count))
      return response
    }) as ServerResponse['end']
    begin(request, response, server)
  }
}

/** The whole file, with nothing that identifies it, and no ranges. */
export const serveAnonymously: Answer = (_, response, { bytes }) => {
  response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
}

export function status(code: number, headers: Record<string, string> = {}): Answer {
  return (_, response) => {
    response.writeHead(code, headers).end('an error page')
  }
}
