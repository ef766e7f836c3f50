import type { Command } from 'commander'
import { type CommonOptions, outputFrom, ownRunningNode, withCommonOptions } from '../context.ts'

export function registerStop(program: Command): void {
  withCommonOptions(program.command('stop'))
    .summary('Stop the running node and wait until it has')
    .description('Stop the running node in good order, and wait until it has')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal stop\n\nExit status: 0 stopped, 1 not in time, 3 no node runs.',
    )
    .action(async (options: CommonOptions) => {
      const { stopNode } = await import('../stop-node.ts')
      await stopNode(await ownRunningNode(options), outputFrom(options))
    })
}
