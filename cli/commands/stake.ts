import type { Command } from 'commander'
import type { ControlMethod, ControlRequest } from '../../node/gateway/control-api.ts'
import type { StakeChangeView, StakeView, StakeWithdrawalView } from '../../node/gateway/views.ts'
import { ROLES, type Role } from '../../protocol/roles.ts'
import { creditsAmount } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, usageError, withCommonOptions } from '../context.ts'
import { type Output, paint, properties, table } from '../ui/output.ts'
import { inCredits, readableCredits, readableSpan } from '../ui/readable.ts'

/** Commands that show and move what the node's wallet has at stake. */
export function registerStake(program: Command): void {
  const stake = withCommonOptions(program.command('stake'))
    .summary('Show and move what is at stake, and for which roles')
    .description('Show what is at stake, which roles it is for, and what is on its way out')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal stake
  $ shoal stake add 100
  $ shoal stake roles compute storage
  $ shoal stake unbond 20
  $ shoal stake withdraw`,
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('stake', {})) as StakeView
      output.result(view, () => describeStake(view, output))
    })

  withCommonOptions(stake.command('add'))
    .description('Put credits of the wallet at stake')
    .argument('<amount>', 'Credits', positiveAmount)
    .addHelpText('after', '\nExample:\n  $ shoal stake add 100')
    .action((amount: string, _options: CommonOptions, self: Command) =>
      change(
        self,
        'addStake',
        { amount },
        ({ transaction, stake: { staked } }) =>
          `${inCredits(amount)} added; ${readableCredits(staked)} at stake (transaction ${transaction}).`,
      ),
    )

  withCommonOptions(stake.command('roles'))
    .summary('Declare the roles to be active in')
    .description('Declare the roles to be active in, in place of those before; none drops them all')
    .argument('<role...>', `${ROLES.join(', ')}; or none`, rolesArgument)
    .addHelpText(
      'after',
      `
The three kinds of provider (compute, storage, bandwidth) need the provider's stake once.

Examples:
  $ shoal stake roles compute
  $ shoal stake roles compute storage validator
  $ shoal stake roles none`,
    )
    .action((roles: Role[], _options: CommonOptions, self: Command) =>
      change(self, 'setRoles', { roles }, ({ transaction, stake: view }) => {
        const names = roles.length === 0 ? 'no roles' : namesOf(view.roles.filter(({ declared }) => declared))
        if (transaction === null) return `Nothing had to change: ${names}.`
        return `Declared: ${names} (transaction ${transaction}).${inactiveHint(view)}`
      }),
    )

  withCommonOptions(stake.command('unbond'))
    .summary('Begin to take stake out')
    .description('Begin to take stake out; the delay begins anew for all that is unbonding')
    .argument('<amount>', 'Credits', positiveAmount)
    .addHelpText('after', '\nExample:\n  $ shoal stake unbond 20')
    .action((amount: string, _options: CommonOptions, self: Command) =>
      change(
        self,
        'unbond',
        { amount },
        ({ transaction, stake: view }) =>
          `${inCredits(view.unbonding)} unbonding, ${whenOut(view)} (transaction ${transaction}).`,
      ),
    )

  withCommonOptions(stake.command('cancel'))
    .description('Put everything that is unbonding back at stake')
    .addHelpText('after', '\nExample:\n  $ shoal stake cancel')
    .action((_options: CommonOptions, self: Command) =>
      change(
        self,
        'cancelUnbonding',
        {},
        ({ transaction, amount, stake: { staked } }: StakeChangeView & { amount?: string }) =>
          `${inCredits(amount ?? '0')} put back; ${readableCredits(staked)} at stake (transaction ${transaction}).`,
      ),
    )

  withCommonOptions(stake.command('withdraw'))
    .summary('Move what has unbonded, and bounties, to the wallet')
    .description('Move to the wallet what has unbonded, and bounties from disputes')
    .addHelpText('after', '\nExample:\n  $ shoal stake withdraw')
    .action(async (_options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const done = (await client.call('withdrawStake', {})) as StakeWithdrawalView
      output.result(done, () => describeWithdrawal(done))
    })
}

async function change<M extends ControlMethod>(
  self: Command,
  method: M,
  request: ControlRequest<M>,
  describe: (done: StakeChangeView) => string,
): Promise<void> {
  const options = self.optsWithGlobals<CommonOptions>()
  const output = outputFrom(options)
  const done = (await (await runningNode(options, output)).call(method, request)) as StakeChangeView
  output.result(done, () => output.copyable(`${paint('green', '✓')} ${describe(done)}`))
}

function positiveAmount(value: string): string {
  const amount = creditsAmount('the amount')(value)
  if (/[1-9]/.test(amount)) return amount
  throw usageError('the amount must be more than zero', 'Credits are written as 2, 0.5 or 0.000001.')
}

function rolesArgument(value: string, previous: readonly Role[] | undefined): Role[] {
  const role = ROLES.find(name => name === value)
  const fix = `Roles are ${ROLES.join(', ')}; or none alone.`
  if (role === undefined && value !== 'none')
    throw usageError(`there is no role ${JSON.stringify(value)}`, fix)
  // Nothing before is another thing than none before.
  if (previous !== undefined && (role === undefined || previous.length === 0))
    throw usageError('none goes with no other role', fix)
  return role === undefined ? [] : [...new Set([...(previous ?? []), role])]
}

function describeStake(view: StakeView, output: Output): string {
  const amounts = [
    ['Staked', view.staked, 'at risk for what this node promises'],
    ['Needed', view.needed, 'by all the declared roles together'],
    ['Unbonding', view.unbonding, view.withdrawableAt === null ? 'on its way out' : whenOut(view)],
    ['Locked', view.locked, 'held by the court while a dispute is open'],
    ['Bounty', view.bounty, 'from disputes; shoal stake withdraw moves it to the wallet'],
    ['Slashed', view.slashed, 'lost to the court, ever'],
  ] as const
  const width = Math.max(...amounts.map(([, amount]) => readableCredits(amount).length))
  const lines = [
    properties([
      ['Wallet', view.address],
      ...amounts.map(
        ([name, amount, meaning]) =>
          [name, `${readableCredits(amount).padEnd(width)}  ${paint('dim', meaning)}`] as const,
      ),
      ['Level', view.level],
    ]),
    table(
      ['ROLE', 'STATE', 'NEEDS'],
      view.roles.map(({ role, declared, active, needs }) => [
        role,
        active ? 'active' : declared ? 'inactive' : '-',
        readableCredits(needs),
      ]),
      { columns: output.columns },
    ),
    `compute, storage and bandwidth need theirs once between them.${inactiveHint(view)}`,
  ]
  if (view.depositsPausedUntil !== null)
    lines.push(`Staking takes nothing in for ${spanUntil(view.depositsPausedUntil)}.`)
  return output.copyable(lines.join('\n\n'))
}

/** Roles that were declared when less was needed, or more was there. */
function inactiveHint({ roles, staked, needed }: StakeView): string {
  const inactive = roles.filter(({ declared, active }) => declared && !active)
  return inactive.length === 0
    ? ''
    : `\n${namesOf(inactive)}: not active, since ${readableCredits(staked)} of ${inCredits(needed)} are at stake; shoal stake add adds to it.`
}

function describeWithdrawal({ paid, stake }: StakeWithdrawalView): string {
  const lines = paid.map(
    ({ of, transaction, amount }) =>
      `${paint('green', '✓')} ${inCredits(amount)}${of === 'bounty' ? ' of bounties' : ''} moved to the wallet (transaction ${transaction}).`,
  )
  if (stake.unbonding !== '0')
    lines.push(`${inCredits(stake.unbonding)} unbonding: ${whenOut(stake)}${lockedHint(stake)}.`)
  return lines.join('\n')
}

function lockedHint({ locked }: StakeView): string {
  return locked === '0' ? '' : `; the court holds ${readableCredits(locked)}`
}

function whenOut({ withdrawableAt }: StakeView): string {
  const span = withdrawableAt === null ? null : spanUntil(withdrawableAt)
  return span === null ? 'can be withdrawn now' : `can be withdrawn in ${span}`
}

/** Null when it has passed. */
function spanUntil(iso: string): string | null {
  const leftMs = Date.parse(iso) - Date.now()
  return leftMs > 0 ? readableSpan(leftMs) : null
}

function namesOf(roles: readonly { role: Role }[]): string {
  return roles.map(({ role }) => role).join(', ')
}
