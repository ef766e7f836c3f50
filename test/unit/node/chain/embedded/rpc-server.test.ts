import assert from 'node:assert/strict'
import { type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import fc from 'fast-check'
import { type RpcCall, RpcError } from '../../../../../node/chain/embedded/json-rpc.ts'
import { RpcServer } from '../../../../../node/chain/embedded/rpc-server.ts'

interface Answer {
  status: number
  text: string
}

describe('RpcServer', () => {
  let server: RpcServer
  let port: number
  let handled: RpcCall[]
  const echo = (call: RpcCall): Promise<unknown> => {
    handled.push(call)
    if (call.method === 'fail') return Promise.reject(new RpcError(-32000, 'no', '0x12'))
    return Promise.resolve(call.method === 'nothing' ? undefined : call.params)
  }

  beforeEach(async () => {
    handled = []
    server = new RpcServer({ handle: echo })
    port = await server.listen(0)
  })
  afterEach(async () => {
    await server.close()
  })

  const send = (body: string | Buffer, headers: OutgoingHttpHeaders = {}, method = 'POST') =>
    new Promise<Answer>((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port, method, headers: { 'content-type': 'application/json', ...headers } },
        response => {
          let text = ''
          response.setEncoding('utf8').on('data', chunk => {
            text += chunk
          })
          response.on('end', () => resolve({ status: response.statusCode!, text }))
        },
      )
      sent.on('error', reject).end(body)
    })
  const rpc = async (body: unknown) => {
    const { status, text } = await send(JSON.stringify(body))
    assert.equal(status, 200)
    return JSON.parse(text) as unknown
  }

  it('answers one request', async () => {
    assert.deepEqual(await rpc({ jsonrpc: '2.0', id: 7, method: 'echo', params: [1, 'a'] }), {
      jsonrpc: '2.0',
      id: 7,
      result: [1, 'a'],
    })
    assert.deepEqual(await rpc({ jsonrpc: '2.0', id: 'x', method: 'nothing' }), {
      jsonrpc: '2.0',
      id: 'x',
      result: null,
    })
    assert.deepEqual(await rpc({ jsonrpc: '2.0', id: null, method: 'fail' }), {
      jsonrpc: '2.0',
      id: null,
      error: { code: -32000, message: 'no', data: '0x12' },
    })
  })

  it('answers a batch, each for itself, and notifications not at all', async () => {
    const answers = await rpc([
      { jsonrpc: '2.0', id: 1, method: 'echo', params: [1] },
      { jsonrpc: '2.0', method: 'echo', params: [2] },
      { jsonrpc: '2.0', id: 3, method: 'fail' },
      'nonsense',
    ])
    assert.deepEqual(answers, [
      { jsonrpc: '2.0', id: 1, result: [1] },
      { jsonrpc: '2.0', id: 3, error: { code: -32000, message: 'no', data: '0x12' } },
      { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'not a JSON-RPC 2.0 request' } },
    ])
    assert.equal(handled.length, 3)
    const notification = await send(JSON.stringify({ jsonrpc: '2.0', method: 'echo' }))
    assert.deepEqual(notification, { status: 204, text: '' })
  })

  it('refuses batches of none and of too many', async () => {
    const one = { jsonrpc: '2.0', id: 1, method: 'echo' }
    for (const batch of [[], Array.from({ length: 101 }, () => one)]) {
      const answer = (await rpc(batch)) as { error: { code: number } }
      assert.equal(answer.error.code, -32600)
    }
    assert.equal(handled.length, 0)
    assert.equal(((await rpc(Array.from({ length: 100 }, () => one))) as unknown[]).length, 100)
  })

  it('refuses what is not JSON-RPC, whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async body => {
        const { status, text } = await send(body)
        assert.equal(status, 200)
        const answers = [JSON.parse(text)].flat() as { error: { code: number } }[]
        for (const { error } of answers) assert.ok([-32700, -32600].includes(error.code))
      }),
      { numRuns: 100 },
    )
    assert.equal(handled.length, 0)
  })

  it('turns away what a web page could send', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'echo' })
    const status = async (headers: OutgoingHttpHeaders, method?: string) =>
      (await send(body, headers, method)).status
    assert.equal(await status({ host: 'evil.example' }), 403)
    assert.equal(await status({ host: `evil.example:${port}` }), 403)
    assert.equal(await status({ host: '127.0.0.1.evil.example' }), 403)
    assert.equal(await status({ host: 'localhost@evil.example' }), 403)
    assert.equal(await status({ origin: 'http://evil.example' }), 403)
    assert.equal(await status({ origin: `http://127.0.0.1:${port}` }), 403)
    assert.equal(await status({ origin: 'null' }), 403)
    assert.equal(await status({ 'content-type': 'text/plain' }), 415)
    assert.equal(await status({ 'content-type': 'application/x-www-form-urlencoded' }), 415)
    assert.equal(await status({}, 'GET'), 405)
    assert.equal(await status({}, 'OPTIONS'), 405)
    assert.equal(handled.length, 0)
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST', `[::1]:${port}`]) {
      assert.equal(await status({ host }), 200)
    }
    assert.equal(await status({ 'content-type': 'application/json; charset=utf-8' }), 200)
  })

  it('does not read bodies without end', async () => {
    const answer = await send(Buffer.alloc((2 << 20) + 1, 0x20)).catch(
      (error: NodeJS.ErrnoException) => error.code,
    )
    assert.ok(answer === 'ECONNRESET' || answer === 'EPIPE' || (answer as Answer).status === 413)
    assert.equal(handled.length, 0)
  })

  it('listens on loopback alone', async () => {
    const refused = await new Promise(resolve => {
      const socket = connect({ host: '127.0.0.2', port }, () => resolve(false))
      socket.on('error', () => resolve(true))
    })
    assert.equal(refused, true)
  })

  it('says when a port is taken, and can be closed twice', async () => {
    const second = new RpcServer({ handle: echo })
    await assert.rejects(second.listen(port), { code: 'EADDRINUSE' })
    await second.close()
    await server.close()
    await server.close()
    assert.equal(await second.listen(port), port)
    await second.close()
  })

  it('closes although a client keeps its connection and sends nothing more', async () => {
    const socket = connect({ host: '127.0.0.1', port })
    await new Promise(connected => socket.once('connect', connected))
    socket.on('error', () => {})
    socket.write(
      'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{',
    )
    const closed = new Promise(done => socket.once('close', done))
    await server.close()
    await closed
  })
})
