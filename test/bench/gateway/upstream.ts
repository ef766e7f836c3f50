import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { nowUs, TOKEN_EVERY_MS } from './clock.ts'

/**
 * A service as OpenAI's, as fast as we say: thinks a while, then writes a token at a time. Each token's text is when it
 * was written, that of the first also when the request had come: `#came@` and `@written@`, microseconds.
 */

const THINKS_MS = { least: 20, most: 100 }

const random = seededRandom(1)

const server = createServer((request, response) => {
  const cameUs = nowUs()
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const { max_tokens: tokens } = JSON.parse(Buffer.concat(parts).toString()) as { max_tokens: number }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    let written = 0
    const chunk = (content: string, finish: string | null) =>
      `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`
    const write = () => {
      const came = written === 0 ? `#${cameUs}` : ' '
      response.write(chunk(`${came}@${nowUs()}@`, null))
      if (++written < tokens) {
        setTimeout(write, TOKEN_EVERY_MS * (0.5 + random()))
        return
      }
      const usage = { prompt_tokens: 12, completion_tokens: tokens }
      response.end(`${chunk('', 'stop')}data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`)
    }
    setTimeout(write, THINKS_MS.least + random() * (THINKS_MS.most - THINKS_MS.least))
  })
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.send!({ port: (server.address() as AddressInfo).port })
process.once('disconnect', () => process.exit())
