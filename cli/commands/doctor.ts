import type { Command } from 'commander'
import { type CommonOptions, dataDirFrom, outputFrom, withCommonOptions } from '../context.ts'
import { withSettings } from '../setting-flags.ts'

export function registerDoctor(program: Command): void {
  withSettings(withCommonOptions(program.command('doctor')), { hidden: true })
    .summary('Find what keeps this node from working, and the fix')
    .description('Look for what keeps this node from working, and say how to mend it')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal doctor
  $ shoal doctor --rpc http://127.0.0.1:8545 --contracts contracts.json

Looks at a running node, or at what one would start with. All flags of shoal up
may be given.

Exit status: 0 nothing fails, 1 something does.`,
    )
    .action(async (options: CommonOptions & Record<string, unknown>) => {
      const { doctor } = await import('../doctor.ts')
      await doctor({ dataDir: dataDirFrom(options), options }, outputFrom(options))
    })
}
