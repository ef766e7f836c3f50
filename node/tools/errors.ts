import { ShoalError } from '../../protocol/errors.ts'

export type ToolErrorCode =
  /** No such tool is configured for this caller. */
  | 'TOOL_UNKNOWN'
  /** What cannot be asked for together with tools of the node. */
  | 'TOOL_BAD_REQUEST'
  /** Its server cannot be started or reached, or has not the tool that was allowed. */
  | 'TOOL_SERVER_FAILED'
  /** The time of a task with tools is used up. */
  | 'TOOL_LIMIT'

/** What goes wrong with tools that tasks use. */
export class ToolError extends ShoalError<ToolErrorCode> {
  override readonly name = 'ToolError'
}
