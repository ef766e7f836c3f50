import { randomBytes, randomUUID } from 'node:crypto'
import { ErrorCode, isInitializeRequest } from '@modelcontextprotocol/sdk/types.js'
import type { GatewayContext, GatewayReply, GatewayRequest } from '../http/plugin.ts'
import type { Principal } from '../http/principal.ts'
import { GatewayBackend } from './gateway-backend.ts'
import { mcpServerFor } from './server.ts'
import { McpSessions, type SessionUse } from './sessions.ts'

const LIMITS = {
  maxSessions: 128,
  maxPerCaller: 64,
  idleMs: 30 * 60_000,
  maxEvents: 512,
  maxEventBytes: 262_144,
}

/** Of JSON-RPC, as the SDK's own transport says them. */
const BAD_REQUEST = -32_000
const SESSION_UNKNOWN = -32_001

/** Answers the requests of MCP clients; apart from the route, since what it is made of takes long to load. */
export class McpEndpoint {
  readonly #context: GatewayContext
  readonly #sessions: McpSessions

  constructor(context: GatewayContext) {
    this.#context = context
    const { clock, log } = context
    const serverFor = (principal: () => Principal) =>
      mcpServerFor({ backend: new GatewayBackend(principal, context), clock, log, randomBytes })
    this.#sessions = new McpSessions(LIMITS, { clock, makeId: randomUUID, serverFor })
  }

  /**
   * @param body parsed JSON, or undefined where it is none
   * @throws {GatewayError} TOO_MANY_REQUESTS_AT_ONCE, GATEWAY_BUSY
   */
  async answer(request: GatewayRequest, reply: GatewayReply, body: unknown): Promise<void> {
    if (request.method === 'POST' && body === undefined)
      return refuse(reply, 400, ErrorCode.ParseError, 'Parse error: the body is no JSON')
    const session = await this.#sessionOf(request, body)
    if (session === null) return refuse(reply, 404, SESSION_UNKNOWN, 'Session not found')
    if (session === 'none')
      return refuse(reply, 400, BAD_REQUEST, 'Bad Request: Mcp-Session-Id header is required')
    reply.raw.once('close', session.done)
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    try {
      await session.transport.handleRequest(request.raw, reply.raw, body)
    } catch (error) {
      this.#context.log.error({ err: error }, 'an MCP request failed')
      reply.raw.destroy()
    }
  }

  /** Ends all sessions and what they are doing. */
  stop(): Promise<void> {
    return this.#sessions.stop()
  }

  /** The session of a request, or a new one for who begins; `none` where it names none and does not begin one. */
  async #sessionOf(request: GatewayRequest, body: unknown): Promise<SessionUse | null | 'none'> {
    const principal = request.principal!
    const id = request.headers['mcp-session-id']
    if (typeof id === 'string') return this.#sessions.find(id, principal)
    const messages: unknown[] = Array.isArray(body) ? body : [body]
    return messages.some(isInitializeRequest) ? this.#sessions.begin(principal) : 'none'
  }
}

function refuse(reply: GatewayReply, status: number, code: number, message: string): void {
  void reply.code(status).send({ jsonrpc: '2.0', error: { code, message }, id: null })
}
