import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type { CallToolResult, ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js'
import { isShoalError } from '../../../protocol/errors.ts'
import type { Logger } from '../../log.ts'

/** What the SDK hands to whatever answers a call. */
export type McpCall = RequestHandlerExtra<ServerRequest, ServerNotification>

/** A result as both kinds of clients read it: structured, and the same as text. */
export function resultOf(structured: Record<string, unknown>, text?: string): CallToolResult {
  return {
    content: [{ type: 'text', text: text ?? JSON.stringify(structured) }],
    structuredContent: structured,
  }
}

/** Answers a call; what fails is a result that says so with code and way out, as the protocol wants it of tools. */
export async function answered(log: Logger, answer: () => Promise<CallToolResult>): Promise<CallToolResult> {
  try {
    return await answer()
  } catch (error) {
    return failureOf(error, log)
  }
}

function failureOf(error: unknown, log: Logger): CallToolResult {
  if (isShoalError(error)) {
    const { code, message, fix } = error
    return {
      isError: true,
      content: [{ type: 'text', text: `${code}: ${message}${fix === undefined ? '' : `. ${fix}`}` }],
      _meta: { 'shoal/error': { code, message, ...(fix === undefined ? {} : { fix }) } },
    }
  }
  if (!(error instanceof Error && error.name === 'AbortError'))
    log.error({ err: error }, 'an MCP tool failed')
  return {
    isError: true,
    content: [{ type: 'text', text: 'INTERNAL: the call failed. The log of the node has the details.' }],
    _meta: { 'shoal/error': { code: 'INTERNAL', message: 'the call failed' } },
  }
}
