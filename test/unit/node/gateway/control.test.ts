import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { dataDirAt } from '../../../../node/data-dir.ts'
import { type ControlMethod, controlMethods } from '../../../../node/gateway/control-api.ts'
import { ControlClient } from '../../../../node/gateway/control-client.ts'
import { controlEndpoint } from '../../../../node/gateway/control-endpoint.ts'
import { type ControlHandler, ControlServer } from '../../../../node/gateway/control-server.ts'
import { ShoalError } from '../../../../protocol/errors.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const refusal = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ShoalError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

describe('the control socket', () => {
  const folders = new TemporaryFolders()
  let endpoint: string
  let server: ControlServer
  let client: ControlClient
  let handlers: Record<ControlMethod, ControlHandler>

  beforeEach(async () => {
    endpoint = controlEndpoint(dataDirAt(await folders.make()))
    handlers = Object.fromEntries(
      Object.keys(controlMethods).map(method => [method, () => Promise.resolve({ method })]),
    ) as unknown as typeof handlers
    server = new ControlServer({ endpoint }, { handlers, log: silentLog })
    client = new ControlClient(endpoint)
  })
  afterEach(() => server.stop())
  after(() => folders.remove())

  it('carries commands, and keeps others out', async () => {
    assert.equal(await client.isRunning(), false)
    await assert.rejects(client.call('status', {}), refusal('NODE_NOT_RUNNING', /no node/))
    // What a dead node has left.
    await writeFile(endpoint, '')
    await server.start()
    assert.equal((await stat(endpoint)).mode & 0o777, 0o600)
    assert.equal(await client.isRunning(), true)
    assert.deepEqual(await client.call('wallet', {}), { method: 'wallet' })
    await server.stop()
    await server.stop()
    assert.equal(await client.isRunning(), false)
  })

  it('gives each command what it must have, and refuses anything else', async () => {
    const given: unknown[] = []
    handlers.receipts = parameters => {
      given.push(parameters)
      return Promise.resolve([])
    }
    await server.start()
    await client.call('receipts', {})
    assert.deepEqual(given, [{ limit: 20 }])
    await assert.rejects(
      client.call('receipts', { limit: 0 }),
      refusal('CONTROL_BAD_REQUEST', /^receipts: limit: /),
    )
    await assert.rejects(
      client.call('settle', { all: true } as never),
      refusal('CONTROL_BAD_REQUEST', /^settle: /),
    )
    const post = (path: string, body: string, method = 'POST') =>
      new Promise<{ status: number; error: { code: string } }>((resolve, reject) => {
        const sent = request({ socketPath: endpoint, path, method }, response => {
          text(response).then(
            answer =>
              resolve({
                status: response.statusCode!,
                ...(JSON.parse(answer) as { error: { code: string } }),
              }),
            reject,
          )
        })
        sent.once('error', reject)
        sent.end(body)
      })
    for (const [path, body, method] of [
      ['/v1/receipts', '{', 'POST'],
      ['/v1/toString', '{}', 'POST'],
      ['/v1/__proto__', '{}', 'POST'],
      ['/status', '{}', 'POST'],
      ['/v1/status', '', 'GET'],
    ] as const) {
      const { status, error } = await post(path, body, method)
      assert.deepEqual([status, error.code], [400, 'CONTROL_BAD_REQUEST'], path)
    }
    const tooLarge = JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(9_000_000) }] })
    const { error } = await post('/v1/ask', tooLarge)
    assert.equal(error.code, 'CONTROL_BAD_REQUEST')
    assert.equal(given.length, 1)
  })

  it('hands on expected errors whole, and of others only that they are defects', async () => {
    handlers.wallet = () => {
      throw new ShoalError('WALLET_EMPTY', 'nothing there', { fix: 'Earn some.', details: { needed: '1' } })
    }
    handlers.settle = () => Promise.reject(new TypeError('x is undefined'))
    await server.start()
    await assert.rejects(client.call('wallet', {}), (error: ShoalError) => {
      const { code, message, fix, details } = error
      assert.deepEqual(
        [code, message, fix, details],
        ['WALLET_EMPTY', 'nothing there', 'Earn some.', { needed: '1' }],
      )
      return true
    })
    await assert.rejects(client.call('settle', {}), (error: ShoalError) => {
      assert.equal(error.code, 'INTERNAL')
      assert.match(error.fix!, /defect/)
      return true
    })
  })

  it('streams what happens, and tells the command when its caller has gone', async () => {
    const gone = Promise.withResolvers<void>()
    handlers.ask = async (_parameters, tell) => {
      for (const at of [1, 2, 3]) tell({ at })
      return { done: true }
    }
    handlers.events = (_parameters, tell, signal) => {
      tell({ type: 'one' })
      return new Promise(resolve => {
        signal.addEventListener('abort', () => {
          gone.resolve()
          resolve({})
        })
      })
    }
    await server.start()
    const told: unknown[] = []
    const asked = { messages: [{ role: 'user' as const, content: 'hi' }] }
    assert.deepEqual(await client.stream('ask', asked, event => told.push(event)), { done: true })
    assert.deepEqual(told, [{ at: 1 }, { at: 2 }, { at: 3 }])

    const leave = new AbortController()
    await assert.rejects(client.stream('events', {}, () => leave.abort(), leave.signal))
    await gone.promise
  })

  it('says that the node went away when it does', async () => {
    handlers.events = (_parameters, tell) => {
      tell({ type: 'one' })
      return new Promise(() => {})
    }
    await server.start()
    await assert.rejects(
      client.stream('events', {}, () => void server.stop()),
      refusal('CONTROL_BROKEN', /went away/),
    )
  })

  it('lies in the data folder, or in a private one where its path would be too long', async () => {
    const root = await folders.make()
    assert.equal(controlEndpoint(dataDirAt(root)), join(root, 'control.sock'))
    assert.equal(controlEndpoint(dataDirAt(join(root, '.', 'x', '..'))), join(root, 'control.sock'))
    const deep = join(root, 'very-long-name'.repeat(8))
    const elsewhere = controlEndpoint(dataDirAt(deep))
    assert.match(elsewhere, /^\/tmp\/shoal-\d+\/[0-9a-f]{16}\.sock$/)
    assert.notEqual(controlEndpoint(dataDirAt(`${deep}2`)), elsewhere)
    const { mode } = await stat(join(elsewhere, '..'))
    assert.equal(mode & 0o777, 0o700)
  })
})
