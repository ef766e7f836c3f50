import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { SseStream } from '../../../../../node/gateway/http/sse.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'

describe('a stream of events over HTTP', () => {
  let clock: ManualClock
  let stream: SseStream
  let begun: PromiseWithResolvers<void>
  const options = { heartbeatMs: 1_000, maxUnreadBytes: 262_144 }
  let url: string
  const app = fastify()
  app.get('/', async (_request, reply) => {
    void reply.header('shoal-task', 'abc')
    stream = new SseStream(options, { reply, clock })
    begun.resolve()
    await once(reply.raw, 'close')
  })
  app.get('/refused', async (_request, reply) => {
    new SseStream(options, { reply, clock })
    return reply.code(418).send({ no: true })
  })

  before(async () => {
    await app.listen({ host: '127.0.0.1', port: 0 })
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  })
  after(() => app.close())
  beforeEach(() => {
    clock = new ManualClock()
    begun = Promise.withResolvers()
  })

  async function begin(send: () => void): Promise<Response> {
    const answered = fetch(url)
    await begun.promise
    send()
    return answered
  }

  it('sends its head with the first event, and says what it is', async () => {
    const response = await begin(() => {
      assert.equal(stream.isOpen, false)
      stream.send({ event: 'a', id: '7', data: { x: 'ü\n' } })
      assert.equal(stream.isOpen, true)
      stream.send({ data: '[DONE]' })
      stream.end()
      stream.end()
      stream.send({ data: 'too late' })
    })
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type')!, /^text\/event-stream/)
    assert.equal(response.headers.get('shoal-task'), 'abc')
    assert.equal(await response.text(), 'event: a\nid: 7\ndata: {"x":"ü\\n"}\n\ndata: [DONE]\n\n')
    assert.equal(stream.gone.aborted, false)
  })

  it('leaves the answer to the route until then', async () => {
    const response = await fetch(`${url}/refused`)
    assert.equal(response.status, 418)
  })

  it('says now and then that it lives', async () => {
    const response = await begin(() => stream.send({ data: 1 }))
    await clock.advance(1_000)
    await clock.advance(1_000)
    stream.end()
    assert.equal(await response.text(), 'data: 1\n\n: \n\n: \n\n')
  })

  it('tells when the client goes, and cuts off one that does not read', async () => {
    const left = await begin(() => stream.send({ data: 1 }))
    const gone = once(stream.gone, 'abort')
    await left.body!.cancel()
    await gone
    begun = Promise.withResolvers()
    await begin(() => stream.send({ data: 1 }))
    const cut = once(stream.gone, 'abort')
    const much = 'x'.repeat(65_536)
    for (let i = 0; i < 1_000 && !stream.gone.aborted; i++) stream.send({ data: much })
    await cut
  })

  it('waits for a client that reads slowly', async () => {
    const response = await begin(() => stream.send({ data: 1 }))
    const waits = !stream.send({ data: 'x'.repeat(131_072) })
    const drained = stream.drained()
    const text = response.text()
    await drained
    stream.end()
    assert.ok(waits)
    assert.ok((await text).length > 131_072)
  })
})
