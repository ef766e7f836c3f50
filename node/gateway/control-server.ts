import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { ShoalError } from '../../protocol/errors.ts'
import type { Logger } from '../log.ts'
import { type ControlLine, type ControlMethod, controlMethods, STREAMING } from './control-api.ts'
import { ControlError } from './control-error.ts'

/** Answers one method; `tell` is for streaming ones. The signal fires when the caller is gone. */
export type ControlHandler = (
  parameters: never,
  tell: (event: unknown) => void,
  signal: AbortSignal,
) => Promise<unknown>

export interface ControlServerOptions {
  /** From `controlEndpoint`. */
  endpoint: string
}

export interface ControlServerModules {
  handlers: { readonly [M in ControlMethod]: ControlHandler }
  log: Logger
}

const MAX_BODY_BYTES = 8 * 1_048_576
/** A caller that does not read is cut off rather than buffered for. */
const MAX_UNREAD_BYTES = 16 * 1_048_576

/**
 * Takes the owner's commands: JSON over HTTP on a local socket whose file permissions keep others out.
 * `POST /v1/<method>` answers `{result}` or `{error}`; streaming methods answer one JSON object a line.
 */
export class ControlServer {
  readonly #options: ControlServerOptions
  readonly #modules: ControlServerModules
  readonly #abort = new AbortController()
  #server: Server | null = null

  constructor(options: ControlServerOptions, modules: ControlServerModules) {
    this.#options = options
    this.#modules = modules
  }

  /** Call only while holding the data folder: a socket left there by a dead node is removed. */
  async start(): Promise<void> {
    const { endpoint } = this.#options
    const isFile = process.platform !== 'win32'
    if (isFile) {
      await mkdir(dirname(endpoint), { recursive: true, mode: 0o700 })
      await rm(endpoint, { force: true })
    }
    const server = createServer((request, response) => void this.#answer(request, response))
    server.keepAliveTimeout = 1_000
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(endpoint, resolve)
    })
    if (isFile) await chmod(endpoint, 0o600)
    this.#server = server
  }

  /** Ends what is being answered; idempotent, ends at once. */
  async stop(): Promise<void> {
    this.#abort.abort()
    const server = this.#server
    this.#server = null
    if (server === null) return
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const signal = AbortSignal.any([gone.signal, this.#abort.signal])
    const method = methodOf(request)
    const isStream = method !== null && STREAMING.has(method)
    const tell = (event: unknown) => this.#write(response, { event }, gone)
    try {
      if (method === null)
        throw new ControlError('CONTROL_BAD_REQUEST', `there is no command ${request.method} ${request.url}`)
      const parameters = parse(method, await readBody(request))
      if (isStream) response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      const result = await this.#modules.handlers[method](parameters as never, tell, signal)
      if (!isStream) response.writeHead(200, { 'content-type': 'application/json' })
      this.#write(response, { result }, gone)
    } catch (error) {
      if (!isStream && !response.headersSent) response.writeHead(400, { 'content-type': 'application/json' })
      this.#write(response, { error: this.#describe(error) }, gone)
    }
    response.end()
  }

  #write(response: ServerResponse, line: ControlLine, gone: AbortController): void {
    if (response.destroyed || response.writableEnded) return
    response.write(`${JSON.stringify(line)}\n`)
    if (response.writableLength > MAX_UNREAD_BYTES) {
      gone.abort()
      response.destroy()
    }
  }

  #describe(error: unknown): ReturnType<ShoalError['toJSON']> {
    if (error instanceof ShoalError) return error.toJSON()
    this.#modules.log.error({ err: error }, 'a command failed')
    return new ControlError('INTERNAL', error instanceof Error ? error.message : 'the command failed', {
      fix: 'This is a defect; the node log has the details.',
    }).toJSON()
  }
}

function methodOf(request: IncomingMessage): ControlMethod | null {
  const name = /^\/v1\/([a-zA-Z]+)$/.exec(request.url ?? '')?.[1]
  return request.method === 'POST' && name !== undefined && Object.hasOwn(controlMethods, name)
    ? (name as ControlMethod)
    : null
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new ControlError('CONTROL_BAD_REQUEST', 'the request is too large')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString() || '{}')
  } catch {
    throw new ControlError('CONTROL_BAD_REQUEST', 'the request is no JSON')
  }
}

function parse(method: ControlMethod, body: unknown): unknown {
  const parsed = controlMethods[method].safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new ControlError('CONTROL_BAD_REQUEST', `${method}: ${issue?.path.join('.')}: ${issue?.message}`)
}
