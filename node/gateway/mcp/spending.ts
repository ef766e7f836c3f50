import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Confirmation, Confirmations } from './confirmations.ts'
import { McpError } from './errors.ts'
import type { McpCall } from './tool-call.ts'

/** What is asked to be agreed to. */
export interface Spending {
  tool: string
  /** Decimal credits. */
  maxPrice: string
  /** What for, in a few words of ours. */
  purpose: string
  /** All arguments but the token. */
  parameters: Readonly<Record<string, unknown>>
  confirm: string | undefined
}

/** How long somebody may think about it. */
const DECISION_TIMEOUT_MS = 5 * 60_000

/**
 * Has spending agreed to: by the person at the client where it can ask one (elicitation), else by a second call with a token.
 * @returns null when agreed; else the token to be confirmed with
 * @throws {McpError} MCP_SPENDING_DECLINED, MCP_CONFIRMATION_INVALID
 */
export async function agreeTo(
  spending: Spending,
  call: McpCall,
  modules: { server: McpServer; confirmations: Confirmations },
): Promise<Confirmation | null> {
  const { tool, maxPrice, purpose, parameters, confirm } = spending
  // Nothing can be spent: there is nothing to agree to.
  if (/^0*(\.0*)?$/.test(maxPrice)) return null
  if (canElicit(modules.server)) {
    const answer = await call.sendRequest(
      {
        method: 'elicitation/create',
        params: {
          message: `${purpose} may cost up to ${maxPrice} credits of this node. Spend them?`,
          requestedSchema: {
            type: 'object',
            properties: { spend: { type: 'boolean', title: `Spend up to ${maxPrice} credits` } },
            required: ['spend'],
          },
        },
      },
      ElicitResultSchema,
      { signal: call.signal, timeout: DECISION_TIMEOUT_MS },
    )
    if (answer.action === 'accept' && answer.content?.spend === true) return null
    throw new McpError('MCP_SPENDING_DECLINED', 'nothing was asked or spent: the spending was declined', {
      fix: 'Ask the person what they would agree to.',
    })
  }
  if (confirm === undefined) return modules.confirmations.issue(tool, parameters)
  modules.confirmations.redeem(confirm, tool, parameters)
  return null
}

/** A client that names elicitation without a mode can show forms. */
function canElicit(server: McpServer): boolean {
  const can = server.server.getClientCapabilities()?.elicitation
  return can !== undefined && (can.form !== undefined || can.url === undefined)
}
