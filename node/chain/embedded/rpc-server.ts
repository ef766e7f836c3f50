import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { RPC_CODES, type RpcCall, RpcError } from './json-rpc.ts'

export interface RpcServerModules {
  /** Answers one call or throws an `RpcError`. */
  handle: (call: RpcCall) => Promise<unknown>
}

const HOST = '127.0.0.1'
const MAX_BODY_BYTES = 2 << 20
/** What ethers puts into one batch at most. */
const MAX_BATCH_CALLS = 100
const MAX_CONNECTIONS = 256
const REQUEST_TIMEOUT_MS = 30_000
/** Idle keep-alive connections are few and local; clients must not find them closed between two polls. */
const KEEP_ALIVE_TIMEOUT_MS = 60_000
const CLOSE_TIMEOUT_MS = 1_000
const LOOPBACK_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i

/**
 * JSON-RPC 2.0 over HTTP POST, for programs on this machine alone. It listens on loopback, and it turns away what a
 * web page could send here: requests with an `Origin`, with a `Host` that is not loopback (DNS rebinding), or with
 * another content type than JSON (which browsers send without asking first).
 */
export class RpcServer {
  readonly #server: Server
  readonly #handle: (call: RpcCall) => Promise<unknown>

  constructor(modules: RpcServerModules) {
    this.#handle = modules.handle
    this.#server = createServer((request, response) => {
      this.#respond(request, response).catch(() => response.destroy())
    })
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.requestTimeout = REQUEST_TIMEOUT_MS
    this.#server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS
  }

  /**
   * @param port 0 for any free one
   * @returns the port
   * @throws the system's error, such as EADDRINUSE
   */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, HOST, () => {
        this.#server.off('error', reject)
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  /** Lets running requests end, for a second at most. Idempotent. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const timer = setTimeout(() => this.#server.closeAllConnections(), CLOSE_TIMEOUT_MS)
    await closed
    clearTimeout(timer)
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refuse(request)
    if (refusal !== undefined) {
      response.writeHead(refusal.status, { connection: 'close', 'content-type': 'text/plain' })
      response.end(`${refusal.reason}\n`)
      return
    }
    const body = await readBody(request)
    if (body === undefined) {
      response.writeHead(413, { connection: 'close' }).end()
      return
    }
    const answer = await this.#answer(body)
    response.writeHead(answer === undefined ? 204 : 200, { 'content-type': 'application/json' })
    response.end(answer === undefined ? undefined : JSON.stringify(answer))
  }

  /** @returns undefined when all were notifications */
  async #answer(body: string): Promise<unknown> {
    let request: unknown
    try {
      request = JSON.parse(body)
    } catch {
      return failure(null, new RpcError(RPC_CODES.parseError, 'the body is not JSON'))
    }
    if (!Array.isArray(request)) return await this.#answerOne(request)
    if (request.length === 0 || request.length > MAX_BATCH_CALLS) {
      const limit = `a batch has 1 to ${MAX_BATCH_CALLS} requests`
      return failure(null, new RpcError(RPC_CODES.invalidRequest, limit))
    }
    const answers = await Promise.all(request.map(one => this.#answerOne(one)))
    const wanted = answers.filter(answer => answer !== undefined)
    return wanted.length === 0 ? undefined : wanted
  }

  async #answerOne(request: unknown): Promise<object | undefined> {
    if (!isRequest(request)) {
      return failure(null, new RpcError(RPC_CODES.invalidRequest, 'not a JSON-RPC 2.0 request'))
    }
    const { id, method, params = [] } = request
    const answer = await this.#handle({ method, params }).then(
      result => ({ jsonrpc: '2.0', id, result: result ?? null }),
      (error: RpcError) => failure(id, error),
    )
    return id === undefined ? undefined : answer
  }
}

interface Request {
  id?: string | number | null
  method: string
  params?: unknown[]
}

function isRequest(value: unknown): value is Request {
  if (typeof value !== 'object' || value === null) return false
  const { jsonrpc, id, method, params } = value as Record<string, unknown>
  return (
    jsonrpc === '2.0' &&
    typeof method === 'string' &&
    (params === undefined || Array.isArray(params)) &&
    (id === undefined || id === null || typeof id === 'string' || typeof id === 'number')
  )
}

function failure(id: Request['id'], error: RpcError): object {
  return { jsonrpc: '2.0', id: id ?? null, error: error.toJSON() }
}

function refuse(request: IncomingMessage): { status: number; reason: string } | undefined {
  const { host = '', origin, 'content-type': contentType = '' } = request.headers
  if (!LOOPBACK_HOST.test(host)) return { status: 403, reason: 'only for programs on this machine' }
  if (origin !== undefined) return { status: 403, reason: 'not for web pages' }
  if (request.method !== 'POST') return { status: 405, reason: 'JSON-RPC 2.0 by POST' }
  if (!/^application\/json\b/i.test(contentType)) return { status: 415, reason: 'JSON-RPC 2.0 by POST' }
  return undefined
}

/** @returns undefined when it is too long */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
