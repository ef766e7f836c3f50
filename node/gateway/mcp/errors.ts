import { ShoalError } from '../../../protocol/errors.ts'

export type McpErrorCode =
  /** The person asked has not agreed to the spending. */
  | 'MCP_SPENDING_DECLINED'
  /** A confirm token that was used, is too old, or of another call. */
  | 'MCP_CONFIRMATION_INVALID'
  | 'MCP_RECEIPT_UNKNOWN'

/** What goes wrong between this node and its MCP clients. */
export class McpError extends ShoalError<McpErrorCode> {
  override readonly name = 'McpError'
}
