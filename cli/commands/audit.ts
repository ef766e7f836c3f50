import type { Command } from 'commander'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'
import { paint } from '../ui/output.ts'

export interface VerifyOptions extends CommonOptions, Record<string, unknown> {
  event?: string
  offline?: boolean
}

export function registerAudit(program: Command): void {
  const audit = program.command('audit').description('check the record of this node’s decisions')
  withCommonOptions(audit.command('verify'))
    .description('replay the audit log, check its anchors with the chain, and name the first bad entry')
    .option('--event <n>', 'also prove that this event is in its anchored range')
    .option('--offline', 'do not ask the chain')
    .addHelpText(
      'after',
      '\nExamples:\n  $ shoal audit verify\n  $ shoal audit verify --event 12 --json\n\nExit status: 0 intact, 1 changed or damaged.',
    )
    .action(async (options: VerifyOptions) => {
      const { verifyLog } = await import('../audit-report.ts')
      await verifyLog(options, outputFrom(options))
    })

  withCommonOptions(audit.command('anchor'))
    .description('anchor on chain what is new in the audit log, now; a node does it by itself')
    .addHelpText('after', '\nExample:\n  $ shoal audit anchor')
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const anchor = (await (await runningNode(options, output)).call('anchor', {})) as {
        firstSequence: number
        lastSequence: number
        transaction: string
      }
      output.result(
        anchor,
        () =>
          `${paint('green', '✓')} Events ${anchor.firstSequence} to ${anchor.lastSequence} are anchored (${anchor.transaction}).`,
      )
    })
}
