import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolResultSchema, ListToolsResultSchema, type Tool } from '@modelcontextprotocol/sdk/types.js'
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { VERSION } from '../version.ts'
import { boundedFetch } from './bounded-fetch.ts'
import { ToolError } from './errors.ts'
import type { NodeTool, NodeToolResult } from './node-tools.ts'
import type { ToolServerConfig } from './server-file.ts'
import { cutTo, harmless, toolText } from './tool-text.ts'

/** To begin with a server, its process started and its tools told. */
const CONNECT_TIMEOUT_MS = 30_000
/** After a server could not be reached it is left alone for this, then for twice as long, … */
const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 60_000
const MAX_CONCURRENT_CALLS = 8
const MAX_PAGES = 16
const MAX_DESCRIPTION_BYTES = 4_096
const MAX_SCHEMA_BYTES = 65_536
const MAX_ARGUMENT_BYTES = 262_144
/** What a server may send at once beside the largest result: how results are packed, other tools' descriptions. */
const MESSAGE_SLACK_BYTES = 1_048_576
/** JSON makes of one byte six at most (`\u0001`). */
const JSON_GROWTH = 6
const STOP_HTTP_WITHIN_MS = 1_000

interface Connection {
  client: Client
  transport: Transport
  tools: ReadonlyMap<string, NodeTool>
}

/** One configured MCP server: connected to when its tools are first wanted, and again after it went away. */
export class ToolServer {
  readonly #config: ToolServerConfig
  readonly #modules: { clock: Clock; log: Logger }
  readonly #stopped = new AbortController()
  #connection: Promise<Connection> | null = null
  #pauseMs = 0
  #notBeforeMs = 0
  #calls = 0

  constructor(config: ToolServerConfig, modules: { clock: Clock; log: Logger }) {
    this.#config = config
    this.#modules = modules
  }

  /**
   * One of its allowed tools.
   * @throws {ToolError} TOOL_SERVER_FAILED
   */
  async tool(name: string, signal: AbortSignal): Promise<NodeTool> {
    const { tools } = await untilAborted(this.#connected(), signal)
    const tool = tools.get(name)
    if (tool !== undefined) return tool
    throw this.#failed(`it has no tool ${name}`)
  }

  /** Ends its process or session. Idempotent; takes up to five seconds, as the process is asked first. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    const connection = await this.#connection?.catch(() => null)
    this.#connection = null
    if (connection != null) await disconnect(connection.client, connection.transport)
  }

  #connected(): Promise<Connection> {
    if (this.#connection !== null) return this.#connection
    const { clock, log } = this.#modules
    if (this.#stopped.signal.aborted) throw this.#failed('the node is stopping')
    if (clock.nowMs() < this.#notBeforeMs) throw this.#failed('it could not be reached a moment ago')
    const connecting = this.#connect()
    this.#connection = connecting
    connecting.then(
      () => {
        this.#pauseMs = 0
      },
      (error: unknown) => {
        if (this.#connection === connecting) this.#connection = null
        this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, this.#pauseMs * 2))
        this.#notBeforeMs = clock.nowMs() + this.#pauseMs
        log.warn({ server: this.#config.name }, 'a server of tools cannot be reached')
        log.debug({ server: this.#config.name, err: error }, 'why a server of tools cannot be reached')
      },
    )
    return connecting
  }

  async #connect(): Promise<Connection> {
    const transport = this.#transport()
    const client = new Client({ name: 'shoal', version: VERSION }, { capabilities: {} })
    const options = { timeout: CONNECT_TIMEOUT_MS, signal: this.#stopped.signal }
    try {
      await client.connect(transport, options)
      const tools = await this.#tools(client)
      const missing = this.#config.tools.filter(name => !tools.has(name))
      if (missing.length > 0)
        this.#modules.log.warn(
          { server: this.#config.name, missing },
          'a server lacks tools that are allowed',
        )
      client.onclose = () => {
        this.#connection = null
      }
      return { client, transport, tools }
    } catch (cause) {
      await disconnect(client, transport)
      throw this.#failed('it cannot be started or reached', cause)
    }
  }

  #transport(): Transport {
    const { reach, maxResultBytes } = this.#config
    const maxMessageBytes = maxResultBytes * JSON_GROWTH + MESSAGE_SLACK_BYTES
    if (reach.kind === 'http') {
      return new StreamableHTTPClientTransport(new URL(reach.url), {
        fetch: boundedFetch(maxMessageBytes),
        requestInit: { headers: reach.headers },
      })
    }
    const { command, args, cwd, env } = reach
    return new StdioClientTransport({
      ...{ command, args: [...args], env, stderr: 'ignore', maxBufferSize: maxMessageBytes },
      ...(cwd === null ? {} : { cwd }),
    })
  }

  async #tools(client: Client): Promise<Map<string, NodeTool>> {
    const allowed = new Set(this.#config.tools)
    const tools = new Map<string, NodeTool>()
    let cursor: string | undefined
    for (let page = 0; page < MAX_PAGES; page++) {
      const listed = await client.request(
        { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
        ListToolsResultSchema,
        { timeout: CONNECT_TIMEOUT_MS, signal: this.#stopped.signal },
      )
      for (const tool of listed.tools)
        if (allowed.has(tool.name)) tools.set(tool.name, this.#nodeTool(client, tool))
      cursor = listed.nextCursor
      if (cursor === undefined) break
    }
    return tools
  }

  #nodeTool(client: Client, { name, description = '', inputSchema }: Tool): NodeTool {
    if (JSON.stringify(inputSchema).length > MAX_SCHEMA_BYTES)
      throw this.#failed(`the schema of ${name} is too long`)
    const check = new AjvJsonSchemaValidator().getValidator<Record<string, unknown>>(inputSchema)
    return {
      name: `${this.#config.name}/${name}`,
      description: cutTo(harmless(description), MAX_DESCRIPTION_BYTES).text,
      // What is in the schema's own texts goes into prompts, too.
      parameters: JSON.parse(harmless(JSON.stringify(inputSchema))) as NodeTool['parameters'],
      call: async (argumentsJson, { signal }) => {
        const given = objectIn(argumentsJson)
        if (given === null) return failure('The arguments are no JSON object.')
        const checked = check(given)
        if (!checked.valid) return failure(`The arguments are wrong: ${checked.errorMessage}`)
        if (this.#calls >= MAX_CONCURRENT_CALLS) return failure('The tool is busy.')
        this.#calls++
        try {
          return await this.#call(client, name, given, signal)
        } finally {
          this.#calls--
        }
      },
    }
  }

  async #call(
    client: Client,
    name: string,
    given: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<NodeToolResult> {
    const { timeoutMs, maxResultBytes } = this.#config
    try {
      const result = await client.request(
        { method: 'tools/call', params: { name, arguments: given } },
        CallToolResultSchema,
        { signal, timeout: timeoutMs, maxTotalTimeout: timeoutMs },
      )
      return { ...toolText(result, maxResultBytes), isError: result.isError === true }
    } catch (error) {
      signal.throwIfAborted()
      this.#modules.log.debug({ server: this.#config.name, tool: name, err: error }, 'a tool failed')
      const why = error instanceof Error ? error.message : 'the call failed'
      return { ...cutTo(harmless(`The tool failed: ${why}`), maxResultBytes), isError: true }
    }
  }

  #failed(why: string, cause?: unknown): ToolError {
    const { name } = this.#config
    return new ToolError('TOOL_SERVER_FAILED', `the MCP server ${name} is of no use: ${why}`, {
      fix: 'Check it in the file that mcp.servers names.',
      details: { server: name },
      ...(cause === undefined ? {} : { cause }),
    })
  }
}

async function disconnect(client: Client, transport: Transport): Promise<void> {
  if (transport instanceof StreamableHTTPClientTransport && transport.sessionId !== undefined) {
    await Promise.race([
      transport.terminateSession().catch(() => {}),
      new Promise(resolve => AbortSignal.timeout(STOP_HTTP_WITHIN_MS).addEventListener('abort', resolve)),
    ])
  }
  await client.close().catch(() => {})
}

function objectIn(json: string): Record<string, unknown> | null {
  if (json.length > MAX_ARGUMENT_BYTES) return null
  try {
    const value: unknown = json.trim() === '' ? {} : JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

function failure(text: string): NodeToolResult {
  return { text: harmless(text), isError: true, isCut: false }
}

/** Waits no longer than the signal lets; what was waited for goes on for others. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
