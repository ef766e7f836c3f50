import type { Command } from 'commander'
import { type CommonOptions, withCommonOptions } from '../context.ts'

/** The command by which programs that speak the Model Context Protocol use the node. */
export function registerMcp(program: Command): void {
  withCommonOptions(program.command('mcp'))
    .summary('Speak the Model Context Protocol over standard input and output')
    .description(
      'Give an MCP client the running node: ask, embed, market, wallet, receipts, learning, over standard input and output',
    )
    .addHelpText(
      'after',
      `
Examples:
  $ shoal mcp
  $ shoal mcp --data ~/.shoal
  $ npx @modelcontextprotocol/inspector shoal mcp

An MCP client starts it by itself; most take
  {"mcpServers": {"shoal": {"command": "shoal", "args": ["mcp"]}}}

It needs no door: it speaks with the running node of the same user, and may be started before it.
Whatever spends asks first: the person, where the client can ask, else by a token that the
second call brings. With a door open (shoal serve) the same is at /mcp over HTTP.`,
    )
    .action(async (options: CommonOptions) => {
      const { serveMcp } = await import('../mcp.ts')
      await serveMcp(options)
    })
}
