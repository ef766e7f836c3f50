import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import { GatewayError } from '../http/http-error.ts'
import type { Principal } from '../http/principal.ts'
import { SessionEvents } from './session-events.ts'

export interface McpSessionsOptions {
  /** All callers together. */
  maxSessions: number
  /** Of one caller. */
  maxPerCaller: number
  /** A session that nobody is connected to is forgotten after this. */
  idleMs: number
  /** Kept of each for clients that come back. */
  maxEvents: number
  maxEventBytes: number
}

export interface McpSessionsModules {
  clock: Clock
  makeId: () => string
  /** @param principal tells who calls, as the latest request had it: budgets and policies may change meanwhile */
  serverFor: (principal: () => Principal) => McpServer
}

const SWEEP_EVERY_MS = 60_000

interface Session {
  readonly id: string
  /** Who began it, with what it may do: a session is nobody else's, and ends with those rights. */
  readonly caller: string
  /** As the latest request had it. */
  readonly who: { principal: Principal }
  readonly transport: StreamableHTTPServerTransport
  readonly server: McpServer
  /** HTTP requests that are being answered. */
  open: number
  lastUsedMs: number
}

/** A request that a session answers; to be called when its answer has ended. */
export interface SessionUse {
  transport: StreamableHTTPServerTransport
  done: () => void
}

/** MCP sessions over HTTP: a bounded number of them, each its caller's own. */
export class McpSessions {
  readonly #options: McpSessionsOptions
  readonly #modules: McpSessionsModules
  readonly #sessions = new Map<string, Session>()
  readonly #sweeping: Timer

  constructor(options: McpSessionsOptions, modules: McpSessionsModules) {
    this.#options = options
    this.#modules = modules
    this.#sweeping = repeat(modules.clock, SWEEP_EVERY_MS, async () => this.#sweep())
  }

  get size(): number {
    return this.#sessions.size
  }

  /**
   * Begins a session; it is known once its client has been initialised.
   * @throws {GatewayError} TOO_MANY_REQUESTS_AT_ONCE, GATEWAY_BUSY when all sessions are in use
   */
  async begin(principal: Principal): Promise<SessionUse> {
    const { clock, makeId, serverFor } = this.#modules
    const caller = callerOf(principal)
    this.#makeRoom(caller)
    const { maxEvents, maxEventBytes } = this.#options
    const id = makeId()
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      onsessionclosed: () => this.#end(id),
      eventStore: new SessionEvents({ maxEvents, maxBytes: maxEventBytes }),
    })
    const who = { principal }
    const session: Session = {
      ...{ id, caller, who, transport, server: serverFor(() => who.principal) },
      ...{ open: 0, lastUsedMs: clock.nowMs() },
    }
    this.#sessions.set(id, session)
    await session.server.connect(transport)
    return this.#use(session)
  }

  /** Null where there is no such session of this caller, with the rights it began with. */
  find(id: string, principal: Principal): SessionUse | null {
    const session = this.#sessions.get(id)
    if (session === undefined || session.caller !== callerOf(principal)) return null
    session.who.principal = principal
    return this.#use(session)
  }

  /** Ends all sessions and what they are doing. Idempotent. */
  async stop(): Promise<void> {
    this.#sweeping.cancel()
    await Promise.all([...this.#sessions.keys()].map(id => this.#end(id)))
  }

  #use(session: Session): SessionUse {
    session.open++
    session.lastUsedMs = this.#modules.clock.nowMs()
    let isDone = false
    return {
      transport: session.transport,
      done: () => {
        if (isDone) return
        isDone = true
        session.open--
        session.lastUsedMs = this.#modules.clock.nowMs()
        // A first request that was no good has made no session.
        if (session.open === 0 && session.transport.sessionId === undefined) void this.#end(session.id)
      },
    }
  }

  #makeRoom(caller: string): void {
    const own = [...this.#sessions.values()].filter(session => session.caller === caller)
    if (own.length >= this.#options.maxPerCaller && !this.#endIdlest(own)) {
      throw new GatewayError('TOO_MANY_REQUESTS_AT_ONCE', 'all MCP sessions of this caller are in use', {
        fix: 'Close one of them.',
      })
    }
    if (this.#sessions.size >= this.#options.maxSessions && !this.#endIdlest([...this.#sessions.values()])) {
      throw new GatewayError('GATEWAY_BUSY', 'all MCP sessions are in use', { fix: 'Try again later.' })
    }
  }

  #endIdlest(sessions: readonly Session[]): boolean {
    const [idlest] = sessions.filter(({ open }) => open === 0).sort((a, b) => a.lastUsedMs - b.lastUsedMs)
    if (idlest === undefined) return false
    void this.#end(idlest.id)
    return true
  }

  #sweep(): void {
    const before = this.#modules.clock.nowMs() - this.#options.idleMs
    for (const { id, open, lastUsedMs } of this.#sessions.values())
      if (open === 0 && lastUsedMs < before) void this.#end(id)
  }

  /** Whatever the session is doing is cancelled. */
  async #end(id: string): Promise<void> {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    this.#sessions.delete(id)
    await session.server.close()
  }
}

function callerOf({ tenant, subject, scopes }: Principal): string {
  return JSON.stringify([tenant, subject, [...scopes].sort()])
}
