import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { VERSION } from '../../version.ts'
import type { McpBackend } from './backend.ts'
import { Confirmations } from './confirmations.ts'
import { registerPrompts } from './prompts.ts'
import { registerResources } from './resources.ts'
import { registerTools } from './tools.ts'

export interface McpServerModules {
  backend: McpBackend
  clock: Clock
  log: Logger
  randomBytes: (count: number) => Uint8Array
}

const CONFIRM_LIFETIME_MS = 5 * 60_000
const MAX_CONFIRMATIONS = 32
/** Array elements and object members of one call. */
const MAX_INPUT_ELEMENTS = 4_096

const INSTRUCTIONS = `A node of Shoal, a peer-to-peer network for AI work paid in credits. market shows models and prices, ask and embed have work done and spend at most the maxPrice you give, receipts and verify_receipt prove what was done. Spending is confirmed by the person: by the client where it can ask, else call again with the token of the first answer once they agree.`

/**
 * The node as an MCP server for one session of one caller, to be connected to a transport. What the caller may not do is
 * not there.
 */
export function mcpServerFor(modules: McpServerModules): McpServer {
  const { backend, clock, log, randomBytes } = modules
  const server = new McpServer(
    { name: 'shoal', title: 'Shoal', version: VERSION },
    {
      instructions: INSTRUCTIONS,
      maxToolInputElements: MAX_INPUT_ELEMENTS,
      capabilities: { tools: {}, resources: {}, prompts: {} },
    },
  )
  const confirmations = new Confirmations(
    { lifetimeMs: CONFIRM_LIFETIME_MS, maxPending: MAX_CONFIRMATIONS },
    { clock, randomBytes },
  )
  registerTools(server, { backend, confirmations, log })
  registerResources(server, backend)
  registerPrompts(server, backend)
  return server
}
