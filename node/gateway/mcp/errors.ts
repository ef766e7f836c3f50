import { ShoalError } from '../../../protocol/errors.ts'

export type McpErrorCode =
  /** The person asked has not agreed to the spending. */
  | 'MCP_SPENDING_DECLINED'
  /** A confirm token that was used, is too old, or of another call. */
  | 'MCP_CONFIRMATION_INVALID'
  /** What the caller's role or key does not allow. */
  | 'MCP_FORBIDDEN'
  | 'MCP_RECEIPT_UNKNOWN'
  /** All sessions are in use. */
  | 'MCP_TOO_MANY_SESSIONS'
  /** No such tool is configured for this caller. */
  | 'TOOL_UNKNOWN'
  | 'TOOL_BAD_REQUEST'
  /** The server of a tool cannot be started or reached, or has not the tool that was allowed. */
  | 'TOOL_SERVER_FAILED'
  /** Steps, time or bytes of a task with tools are used up. */
  | 'TOOL_LIMIT'

/** What goes wrong between this node and MCP clients or servers. */
export class McpError extends ShoalError<McpErrorCode> {
  override readonly name = 'McpError'
}
