import { randomBytes } from 'node:crypto'
import { finished } from 'node:stream'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { systemClock } from '../node/clock.ts'
import { ControlBackend } from '../node/gateway/mcp/control-backend.ts'
import { mcpServerFor } from '../node/gateway/mcp/server.ts'
import { createLogger } from '../node/log.ts'
import { type CommonOptions, outputFrom, runningNode } from './context.ts'

/** Longest message of a client, bytes. */
const MAX_MESSAGE_BYTES = 4 * 1_048_576

/** Speaks MCP over standard input and output until the input ends. Nothing else may be written there. */
export async function serveMcp(options: CommonOptions): Promise<void> {
  // Without notes: some clients show whatever comes on standard error as an error.
  const output = outputFrom({ ...options, json: true })
  const server = mcpServerFor({
    backend: new ControlBackend({ connect: () => runningNode(options, output) }),
    ...{ clock: systemClock, log: createLogger({ level: 'error' }), randomBytes },
  })
  const closed = Promise.withResolvers<void>()
  server.server.onclose = closed.resolve
  const close = () => void server.close()
  finished(process.stdin, close)
  process.once('SIGINT', close).once('SIGTERM', close)
  await server.connect(
    new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: MAX_MESSAGE_BYTES }),
  )
  await closed.promise
}
