import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LOOPBACK } from '../../../../../node/gateway/accounts/accounts.ts'
import type { Principal } from '../../../../../node/gateway/http/principal.ts'
import type { McpBackend } from '../../../../../node/gateway/mcp/backend.ts'
import { mcpServerFor } from '../../../../../node/gateway/mcp/server.ts'
import { McpSessions } from '../../../../../node/gateway/mcp/sessions.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { waitUntil } from '../../../../helpers/wait.ts'

const IDLE_MS = 10 * 60_000
const OTHER: Principal = { ...LOOPBACK, subject: 'key:other', tenant: 'acme' }

describe('MCP sessions over HTTP', () => {
  let clock: ManualClock
  let sessions: McpSessions
  let http: Server
  let principal: Principal
  let url: string
  let callers: (() => Principal)[]

  beforeEach(async () => {
    clock = new ManualClock()
    principal = LOOPBACK
    callers = []
    const backend = { rights: new Set() } as unknown as McpBackend
    let made = 0
    sessions = new McpSessions(
      { maxSessions: 3, maxPerCaller: 2, idleMs: IDLE_MS, maxEvents: 8, maxEventBytes: 8_192 },
      {
        clock,
        makeId: () => `session-${++made}`,
        serverFor: caller => {
          callers.push(caller)
          return mcpServerFor({ backend, clock, log: silentLog, randomBytes })
        },
      },
    )
    http = createServer(async (request, response) => {
      const id = request.headers['mcp-session-id'] as string | undefined
      try {
        const use = id === undefined ? await sessions.begin(principal) : sessions.find(id, principal)
        if (use === null) return void response.writeHead(404).end()
        response.once('close', use.done)
        await use.transport.handleRequest(request, response)
      } catch (error) {
        response.writeHead(503).end((error as { code: string }).code)
      }
    })
    await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    await sessions.stop()
    http.closeAllConnections()
    await new Promise(resolve => http.close(resolve))
  })

  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const send = async (method: string, id?: string) => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    }
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, ...(id === undefined ? {} : { 'mcp-session-id': id }) },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, ...(method === 'initialize' ? { params } : {}) }),
    })
    const body = await response.text()
    return { status: response.status, body, id: response.headers.get('mcp-session-id') }
  }
  const begin = async (): Promise<string> => (await send('initialize')).id!

  it('are their callers’ own, as long as they may the same', async () => {
    const id = await begin()
    assert.equal((await send('ping', id)).status, 200)
    for (principal of [OTHER, { ...LOOPBACK, scopes: new Set(['look'] as const) }])
      assert.equal((await send('ping', id)).status, 404)
    principal = LOOPBACK
    assert.equal((await send('ping', id)).status, 200)
  })

  it('know their caller as its latest request had it', async () => {
    const id = await begin()
    const policy = { ...LOOPBACK.policy, maxPricePerRequest: 5n }
    principal = { ...LOOPBACK, policy }
    assert.equal((await send('ping', id)).status, 200)
    assert.deepEqual(
      callers.map(caller => caller().policy.maxPricePerRequest),
      [5n],
    )
  })

  it('are few: the idlest makes room, one that is in use does not', async () => {
    const first = await begin()
    clock.jump(1)
    const second = await begin()
    clock.jump(1)
    assert.equal((await send('ping', first)).status, 200)
    // A third of the same caller: the second is idler now.
    const third = await begin()
    assert.deepEqual(
      [await send('ping', first), await send('ping', second), await send('ping', third)].map(
        ({ status }) => status,
      ),
      [200, 404, 200],
    )
    const streams = new AbortController()
    for (const id of [first, third]) {
      await fetch(url, {
        headers: { accept: 'text/event-stream', 'mcp-session-id': id },
        signal: streams.signal,
      })
    }
    assert.deepEqual((await send('initialize')).body, 'TOO_MANY_REQUESTS_AT_ONCE')
    principal = OTHER
    await begin()
    assert.equal(sessions.size, 3)
    principal = { ...OTHER, subject: 'key:another' }
    // Two are in use, the third is not.
    await begin()
    assert.equal(sessions.size, 3)
    streams.abort()
  })

  it('are forgotten when nobody uses them, and at the end', async () => {
    const id = await begin()
    await clock.advance(IDLE_MS - 60_000)
    assert.equal((await send('ping', id)).status, 200)
    await clock.advance(IDLE_MS - 60_000)
    assert.equal(sessions.size, 1)
    await waitUntil('the session is forgotten', async () => {
      await clock.advance(60_000)
      return sessions.size === 0
    })
    await begin()
    await sessions.stop()
    await sessions.stop()
    assert.equal(sessions.size, 0)
    assert.deepEqual(clock.pendingMs(), [])
  })

  it('do not stay where a first request was no good', async () => {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    })
    assert.equal(response.status, 400)
    await response.text()
    await waitUntil('the session is gone', () => sessions.size === 0)
  })
})
