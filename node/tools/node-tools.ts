import { ToolError } from './errors.ts'

/** A tool of a configured MCP server, as a task may use it. */
export interface NodeTool {
  /** `server/tool`, as requests name it. */
  readonly name: string
  /** By its server: untrusted text, bounded. */
  readonly description: string
  /** JSON Schema of its arguments. */
  readonly parameters: Readonly<Record<string, unknown>>
  /**
   * Calls it within the server's time and size limits. What goes wrong with the call (bad arguments, a failing tool, no
   * answer in time, a server that went away) is an answer with `isError`, for the model to go on from.
   * @throws {DOMException} AbortError when `signal` fires
   */
  call(argumentsJson: string, options: { signal: AbortSignal }): Promise<NodeToolResult>
}

/** What a tool said: untrusted text, whose length is bounded. */
export interface NodeToolResult {
  text: string
  isError: boolean
  /** Something was cut off. */
  isCut: boolean
}

/** The tools that tasks of this node can use. */
export interface NodeTools {
  /** Names of those that a tenant may use, `server/tool`. */
  list(tenant: string): string[]
  /**
   * Those asked for, their servers started where need be.
   * @param names `server/tool`, or `server` for all of its tools that are allowed
   * @param options.tenant whose task it is: each server says which tenants may use it
   * @throws {ToolError} TOOL_UNKNOWN (not configured, not allowed, or not for this tenant), TOOL_BAD_REQUEST (too many),
   *   TOOL_SERVER_FAILED
   */
  find(
    names: readonly string[],
    options: { tenant: string; signal: AbortSignal },
  ): Promise<readonly NodeTool[]>
}

/** Of a node without configured servers. */
export const NO_TOOLS: NodeTools = {
  list: () => [],
  find: async names => {
    throw new ToolError('TOOL_UNKNOWN', `there is no tool ${names[0] ?? ''} here: none is configured`, {
      fix: 'Name a file of MCP servers with mcp.servers.',
    })
  },
}
