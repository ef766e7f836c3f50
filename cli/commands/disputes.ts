import type { Command } from 'commander'
import type { CaseView, DisputeDetailView, DisputesView } from '../../node/gateway/dispute-views.ts'
import { wholeNumber } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, withCommonOptions } from '../context.ts'
import { modelName, type Output, paint, properties, shortHex, shortPeer, table } from '../ui/output.ts'
import { inCredits, readableCredits, readableTime } from '../ui/readable.ts'

/** Commands that show and move this node's business in court. */
export function registerDisputes(program: Command): void {
  const disputes = withCommonOptions(program.command('disputes'))
    .summary('Show disputes in court, and open or appeal them')
    .description('Show this node’s disputes in court, the bonds in them, and the juries it sits in')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal disputes
  $ shoal disputes show 3
  $ shoal disputes open bafyreib…q3xm2a
  $ shoal disputes --json | jq '.cases[] | select(.state == "open")'

A node opens disputes by itself when a receipt cannot be explained and its
bonds leave room: shoal up --max-bond 100. --no-auto-dispute leaves it to you.`,
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('disputes', {})) as DisputesView
      output.result(view, () => describeDisputes(view, output))
    })

  withCommonOptions(disputes.command('show'))
    .description('Show one dispute, with its jury')
    .argument('<dispute>', 'Its number, or the receipt it is about')
    .addHelpText(
      'after',
      '\nExamples:\n  $ shoal disputes show 3\n  $ shoal disputes show bafyreib…q3xm2a --json',
    )
    .action(async (name: string, _options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('dispute', { name })) as DisputeDetailView
      output.result(view, () => describeDispute(view, output))
    })

  withCommonOptions(disputes.command('open'))
    .summary('Take the provider of a receipt to court')
    .description('Take the provider of a receipt to court: a jury runs the model again; a bond is put up')
    .argument('<receipt>', 'A receipt of a task you asked for, as shoal receipts shows it')
    .option('--reveal', 'Let the jurors read a CONFIDENTIAL task')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal verify bafyreib…q3xm2a
  $ shoal disputes open bafyreib…q3xm2a

Look first with shoal verify: a jury that finds the provider innocent takes the bond.
The jurors read the task and its answer.`,
    )
    .action(async (receipt: string, _options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions & { reveal?: boolean }>()
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const reveal = options.reveal === true
      const view = (await client.call('openDispute', { receipt, reveal })) as CaseView
      output.result(view, () =>
        output.copyable(
          `${paint('green', '✓')} The case is being opened with a bond of ${inCredits(view.bond)}; shoal disputes follows it.`,
        ),
      )
    })

  withCommonOptions(disputes.command('appeal'))
    .description('Have a larger jury hear a dispute that was lost; the bond is three times as high')
    .argument('<dispute>', 'Its number', wholeNumber('<dispute>', 1, Number.MAX_SAFE_INTEGER))
    .addHelpText('after', '\nExample:\n  $ shoal disputes appeal 3')
    .action(async (dispute: number, _options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('appealDispute', { dispute })) as CaseView
      output.result(
        view,
        () => `${paint('green', '✓')} Dispute ${dispute} is appealed with ${inCredits(view.appealBond)}.`,
      )
    })

  withCommonOptions(disputes.command('withdraw'))
    .description('Move to the wallet what the court owes it, now; the node does so when a dispute ends')
    .addHelpText('after', '\nExample:\n  $ shoal disputes withdraw')
    .action(async (_options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const paid = (await client.call('withdrawFromCourt', {})) as { transaction: string; amount: string }
      output.result(
        paid,
        () => `${paint('green', '✓')} ${inCredits(paid.amount)} withdrawn (transaction ${paid.transaction}).`,
      )
    })
}

const PAUSES: Readonly<Record<string, string>> = {
  off: 'opened by hand only (disputes.automatic is off)',
  no_bond: 'none are opened: no bonds are allowed (--max-bond)',
  lost: 'opened by hand only for now: a jury found against one that was opened by itself',
}

function describeDisputes(view: DisputesView, output: Output): string {
  const { bonds, automaticPause, owed, cases, jury } = view
  const parts = [
    properties([
      ['Bonds', `${readableCredits(bonds.atRisk)} of ${inCredits(bonds.max)} in open disputes`],
      ['Cases', automaticPause === null ? 'opened by themselves too' : PAUSES[automaticPause]!],
      ['Owed', owed === '0' ? 'nothing' : `${inCredits(owed)}; shoal disputes withdraw takes it`],
    ]),
  ]
  if (cases.length > 0) {
    parts.push(
      table(
        ['DISPUTE', 'PROVIDER', 'MODEL', 'WHY', 'STATE', 'UNTIL', 'BOND', 'RECEIPT'],
        cases.map(one => [
          one.dispute ?? '-',
          shortPeer(one.provider),
          modelName(one.model),
          one.reason,
          stateOf(one),
          one.deadline === null ? '-' : readableTime(one.deadline),
          readableCredits(one.bond),
          `${one.receipt.slice(0, 8)}…${one.receipt.slice(-6)}`,
        ]),
        { columns: output.columns, mayLack: ['MODEL', 'WHY', 'BOND', 'UNTIL'] },
      ),
    )
  }
  if (jury.length > 0) {
    parts.push(
      table(
        ['JURY OF', 'ROUND', 'STATE', 'VOTE', 'BECAUSE', 'COMMIT UNTIL', 'REVEAL UNTIL'],
        jury.map(seat => [
          seat.dispute,
          seat.round === 0 ? 'first' : 'appeal',
          seat.state,
          seat.vote ?? '-',
          seat.reason?.replaceAll('_', ' ') ?? '-',
          seat.commitUntil === null ? '-' : readableTime(seat.commitUntil),
          seat.revealUntil === null ? '-' : readableTime(seat.revealUntil),
        ]),
        { columns: output.columns, mayLack: ['COMMIT UNTIL', 'BECAUSE', 'ROUND'] },
      ),
    )
  }
  return output.copyable(parts.join('\n\n'))
}

/** In words, since there are two: ours and the court's. */
function stateOf({ state, giveUp, courtState, outcome }: CaseView): string {
  switch (state) {
    case 'proving':
      return 'proof is sought'
    case 'opening':
      return 'being opened'
    case 'given_up':
      return `given up: ${(giveUp ?? '').replaceAll('_', ' ')}`
    case 'closed':
      return `over: ${(outcome ?? '').replaceAll('_', ' ')}`
    case 'open':
      return (
        {
          draw: 'jury is drawn',
          vote: 'jury votes',
          appealable: `${(outcome ?? '').replaceAll('_', ' ')}, may be appealed`,
        }[courtState ?? ''] ?? 'open'
      )
  }
}

function describeDispute(view: DisputeDetailView, output: Output): string {
  const parts = [
    properties([
      ['Dispute', view.dispute === null ? 'not in court yet' : String(view.dispute)],
      ['Receipt', view.receipt],
      ['Provider', view.provider],
      ['Wallet', view.respondent],
      ['Model', view.model],
      ['Why', view.isAutomatic ? `an audit found: ${view.reason}` : 'opened by hand'],
      ['State', stateOf(view) + (view.round === 1 ? ' (appeal)' : '')],
      ['Until', view.deadline === null ? '-' : readableTime(view.deadline)],
      ['Bond', inCredits(view.bond) + (view.appealBond === '0' ? '' : ` and ${inCredits(view.appealBond)}`)],
      ['Penalty', view.penalty === '0' ? '-' : inCredits(view.penalty)],
      ['Opened by', view.transaction ?? '-'],
    ]),
  ]
  const { jury } = view
  if (jury !== null) {
    parts.push(
      `Jury of ${jury.size}: ${jury.seats.length} drawn, ${jury.commitments} committed, ${jury.guilty} guilty, ${jury.innocent} innocent, ${jury.abstained} abstained`,
    )
    if (jury.seats.length > 0) {
      parts.push(
        table(
          ['JUROR', 'COMMITTED', 'VOTE'],
          jury.seats.map(({ juror, committed, vote }) => [
            shortHex(juror),
            committed ? 'yes' : 'no',
            vote === 'none' ? '-' : vote,
          ]),
          { columns: output.columns },
        ),
      )
    }
  }
  return parts.join('\n\n')
}
