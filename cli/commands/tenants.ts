import type { Command } from 'commander'
import type { PolicyView, TenantView } from '../../node/gateway/accounts/account-schemas.ts'
import type { ControlRequest } from '../../node/gateway/control-api.ts'
import { creditsAmount, wholeNumber } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, usageError, withCommonOptions } from '../context.ts'
import { type Output, paint, table } from '../ui/output.ts'
import { readableCredits } from '../ui/readable.ts'
import { printable } from '../ui/terminal.ts'
import { oneOf, PERIODS, perWords, ROLES } from './keys.ts'

interface PolicyOptions extends CommonOptions {
  name?: string
  role?: string
  budget?: string
  per?: string
  rate?: number
  concurrent?: number
  maxPrice?: string
  models?: string[] | null
  dataClass?: string | null
}

type Policy = NonNullable<ControlRequest<'createTenant'>['policy']>

const DATA_CLASSES = ['PUBLIC', 'SHARED', 'CONFIDENTIAL', 'PRIVATE']
const MAX_RATE = 1_000_000
const MAX_CONCURRENT = 10_000

/** Commands about who uses the node beside its owner. */
export function registerTenants(program: Command): void {
  const tenants = withCommonOptions(program.command('tenants'))
    .summary('Say who else may use the node, and how much')
    .description('List who uses the node over HTTP beside you, with what they spend and may spend')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal tenants
  $ shoal tenants create acme --budget 5 --per day --rate 120
  $ shoal keys create app --tenant acme
  $ shoal tenants set acme --budget 10 --per month --models qwen3-4b
  $ shoal tenants disable acme

A tenant sees its own tasks, receipts and keys, and spends your credits within its budget.
Wallets that sign in are tenants by themselves, and pay themselves unless they have a budget.`,
    )
    .action(async (options: CommonOptions) => {
      const output = outputFrom(options)
      const views = (await (await runningNode(options, output)).call('tenants', {})) as TenantView[]
      output.result(views, () => describeTenants(views, output))
    })

  withPolicy(withCommonOptions(tenants.command('create')))
    .description('Make a tenant')
    .argument('<id>', 'Letters, digits and hyphens', tenantArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ shoal tenants create acme
  $ shoal tenants create acme --name "Acme Ltd" --budget 5 --per day
  $ shoal tenants create lab --role operator --data-class CONFIDENTIAL`,
    )
    .action(async (id: string, _options: PolicyOptions, self: Command) => {
      const options = self.optsWithGlobals<PolicyOptions>()
      await change(options, 'createTenant', { id, ...described(options) })
    })

  withPolicy(withCommonOptions(tenants.command('set')))
    .description('Change a tenant; what is not named stays')
    .argument('<id>', 'As shoal tenants shows it', tenantArgument)
    .addHelpText(
      'after',
      `
Examples:
  $ shoal tenants set acme --budget 10 --per month
  $ shoal tenants set acme --budget none --models any
  $ shoal tenants set 0x52908400098527886e0f7030069857d2e4169ee7 --budget 1`,
    )
    .action(async (id: string, _options: PolicyOptions, self: Command) => {
      const options = self.optsWithGlobals<PolicyOptions>()
      await change(options, 'changeTenant', { id, ...described(options) })
    })

  for (const [name, disabled, summary] of [
    ['disable', true, 'Let a tenant in no more; its keys and sessions end at once'],
    ['enable', false, 'Let a tenant in again'],
  ] as const) {
    withCommonOptions(tenants.command(name))
      .description(summary)
      .argument('<id>', 'As shoal tenants shows it', tenantArgument)
      .addHelpText('after', `\nExample:\n  $ shoal tenants ${name} acme`)
      .action(async (id: string, _options: CommonOptions, self: Command) =>
        change(self.optsWithGlobals<CommonOptions>(), 'changeTenant', { id, disabled }),
      )
  }
}

function withPolicy(command: Command): Command {
  return command
    .option('--name <text>', 'What people call it')
    .option('--role <role>', `The most its keys may be: ${ROLES.join(', ')}`, oneOf('--role', ROLES))
    .option('--budget <credits>', 'What it may spend of yours, or none for no limit', budgetFrom)
    .option(
      '--per <period>',
      `For how long that is: ${PERIODS.join(', ')} (default: month)`,
      oneOf('--per', PERIODS),
    )
    .option('--rate <n>', 'Requests a minute', wholeNumber('--rate', 1, MAX_RATE))
    .option('--concurrent <n>', 'Requests at once', wholeNumber('--concurrent', 1, MAX_CONCURRENT))
    .option('--max-price <credits>', 'The most a request may cost, or none', maxPriceFrom)
    .option('--models <names>', 'Models it may use, separated by commas; any for all', modelsFrom)
    .option(
      '--data-class <class>',
      `How guarded its data is at least: ${DATA_CLASSES.join(', ')}; none leaves it to it`,
      dataClassFrom,
    )
}

function described(options: PolicyOptions): { name?: string; role?: TenantView['role']; policy: Policy } {
  const { name, role, budget, per, rate, concurrent, maxPrice, models, dataClass } = options
  if (per !== undefined && budget === undefined) throw usageError('--per goes with --budget')
  return {
    ...(name === undefined ? {} : { name }),
    ...(role === undefined ? {} : { role: role as TenantView['role'] }),
    policy: {
      ...(budget === undefined
        ? {}
        : { budget: budget === 'none' ? null : { amount: budget, per: (per ?? 'month') as 'month' } }),
      ...(rate === undefined ? {} : { requestsPerMinute: rate }),
      ...(concurrent === undefined ? {} : { concurrent }),
      ...(maxPrice === undefined ? {} : { maxPricePerRequest: maxPrice === 'none' ? null : maxPrice }),
      ...(models === undefined ? {} : { models }),
      ...(dataClass === undefined ? {} : { dataClass: dataClass as PolicyView['dataClass'] }),
    },
  }
}

async function change<M extends 'createTenant' | 'changeTenant'>(
  options: CommonOptions,
  method: M,
  request: ControlRequest<M>,
): Promise<void> {
  const output = outputFrom(options)
  const view = (await (await runningNode(options, output)).call(method, request)) as TenantView
  output.result(view, () =>
    [`${paint('green', '✓')} ${view.id}:`, describeTenants([view], output)].join('\n'),
  )
}

function describeTenants(tenants: readonly TenantView[], output: Output): string {
  if (tenants.length === 0) return output.copyable('Nobody but you. shoal tenants create ID lets others in.')
  return table(
    ['TENANT', 'NAME', 'STATE', 'ROLE', 'SPENT TODAY', 'SPENT', 'BUDGET', 'A MINUTE', 'AT ONCE'],
    tenants.map(({ id, name, state, role, spent, budget, policy }) => [
      id,
      printable(name),
      state,
      role,
      readableCredits(spent.day),
      readableCredits(spent.ever),
      budget === null ? '-' : `${readableCredits(budget.amount)} ${perWords(budget.per)}`,
      policy.requestsPerMinute ?? '-',
      policy.concurrent ?? '-',
    ]),
    { columns: output.columns, mayLack: ['NAME', 'AT ONCE', 'A MINUTE', 'SPENT'] },
  )
}

function tenantArgument(value: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value
  throw usageError(
    `${JSON.stringify(value)} is no name of a tenant`,
    'Use small letters, digits and hyphens, or a wallet’s address in small letters.',
  )
}

function budgetFrom(value: string): string {
  return value === 'none' ? value : creditsAmount('--budget')(value)
}

function maxPriceFrom(value: string): string {
  return value === 'none' ? value : creditsAmount('--max-price')(value)
}

function modelsFrom(value: string): string[] | null {
  return value === 'any' ? null : value.split(',').map(name => name.trim())
}

function dataClassFrom(value: string): string | null {
  return value === 'none' ? null : oneOf('--data-class', DATA_CLASSES)(value)
}
