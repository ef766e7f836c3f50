import type { Command } from 'commander'
import { isShoalError } from '../../protocol/errors.ts'
import { wholeNumber } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'
import { paint } from '../ui/output.ts'

export interface VerifyOptions extends CommonOptions, Record<string, unknown> {
  event?: number
  offline?: boolean
}

export function registerAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('Check or anchor the record of this node’s decisions')
    .addHelpText('after', '\nExamples:\n  $ shoal audit verify\n  $ shoal audit verify --json')
  withCommonOptions(audit.command('verify'))
    .description('Replay the audit log, check its anchors with the chain, and name the first bad entry')
    .option(
      '--event <n>',
      'Also prove that this event is in its anchored range',
      wholeNumber('--event', 1, Number.MAX_SAFE_INTEGER),
    )
    .option('--offline', 'Do not ask the chain')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal audit verify
  $ shoal audit verify --event 12 --json

The node need not run. A stopped node's embedded chain does not run either: its
anchors are then checked against the log alone.

Exit status: 0 intact, 1 changed or damaged, or the chain does not answer.`,
    )
    .action(async (options: VerifyOptions) => {
      const { verifyLog } = await import('../audit-report.ts')
      await verifyLog(options, outputFrom(options))
    })

  withCommonOptions(audit.command('anchor'))
    .description('Anchor on chain what is new in the audit log, now; a node does it by itself')
    .addHelpText(
      'after',
      '\nExample:\n  $ shoal audit anchor\n\nExit status: 0 also when all is anchored already.',
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const anchor = (await client.call('anchor', {}).catch((error: unknown) => {
        if (isShoalError(error, 'NOTHING_TO_ANCHOR')) return null
        throw error
      })) as { firstSequence: number; lastSequence: number; transaction: string } | null
      output.result(anchor, () =>
        anchor === null
          ? 'All events are anchored already.'
          : `${paint('green', '✓')} Events ${anchor.firstSequence} to ${anchor.lastSequence} are anchored (transaction ${anchor.transaction}).`,
      )
    })
}
