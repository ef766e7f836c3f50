import { Agent, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'

/** The least a proxy can do with the library of the gateway: what comes goes on, and what is answered comes back. */

const upstream = new URL(process.argv[2]!)
const agent = new Agent({ keepAlive: true, maxSockets: 256 })
const app = fastify({ logger: false })
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', (_request, _payload, done) => done(null))
app.post('/v1/chat/completions', (request, reply) => {
  reply.hijack()
  const onward = httpRequest(
    {
      ...{ agent, host: upstream.hostname, port: upstream.port, method: 'POST', path: request.url },
      headers: { 'content-type': 'application/json', 'content-length': request.headers['content-length'] },
    },
    answer => {
      reply.raw.writeHead(answer.statusCode!, { 'content-type': answer.headers['content-type'] })
      answer.pipe(reply.raw)
    },
  )
  request.raw.pipe(onward)
})
await app.listen({ host: '127.0.0.1', port: 0 })
process.send!({ port: (app.server.address() as AddressInfo).port })
process.once('disconnect', () => process.exit())
