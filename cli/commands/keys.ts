import type { Command } from 'commander'
import type { KeyView, NewKeyView } from '../../node/gateway/accounts/account-schemas.ts'
import { creditsAmount, timeSpan } from '../arguments.ts'
import { type CommonOptions, outputFrom, runningNode, usageError, withCommonOptions } from '../context.ts'
import { type Output, paint, table } from '../ui/output.ts'
import { inCredits, readableCredits, readableTime } from '../ui/readable.ts'
import { printable } from '../ui/terminal.ts'

interface CreateOptions extends CommonOptions {
  tenant?: string
  role: string
  scope?: string[]
  expires?: number
  budget?: string
  per: string
}

export const ROLES = ['observer', 'user', 'operator', 'admin']
const SCOPES = ['look', 'infer', 'spend', 'operate', 'administer']
export const PERIODS = ['day', 'month', 'ever']
const DAY_MS = 24 * 3_600_000
const MAX_EXPIRY_MS = 3_660 * DAY_MS
const MAX_OVERLAP_MS = 7 * DAY_MS
const DEFAULT_OVERLAP_MS = DAY_MS

/** Commands about the keys with which programs use the node. */
export function registerKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('Make, rotate and revoke keys for programs')
    .description('Make, list, rotate and revoke the keys with which programs use the node over HTTP')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal keys create notebook
  $ shoal keys create ci --budget 2 --per day --expires 90d
  $ shoal keys list
  $ shoal keys rotate k3v9x0a1b2c3 --overlap 1h
  $ shoal keys revoke k3v9x0a1b2c3
  $ shoal keys owner

Programs send a key as Authorization: Bearer shoal_… or as x-api-key. On this machine none
is needed to ask, unless gateway.loopbackAccess is none.`,
    )

  withCommonOptions(keys.command('create'))
    .summary('Make a key; it is shown this once')
    .description('Make a key for a program; it is shown this once, and the node keeps its hash only')
    .argument('<name>', 'What it is for')
    .option('--tenant <id>', 'Whose it is; without it yours, and you pay')
    .option('--role <role>', `What it may be: ${ROLES.join(', ')}`, oneOf('--role', ROLES), 'user')
    .option('--scope <scopes>', `Less than its role may do: ${SCOPES.join(', ')}`, scopesFrom)
    .option('--expires <time>', 'When it ends by itself, such as 90d', timeSpan('--expires', MAX_EXPIRY_MS))
    .option('--budget <credits>', 'What it may spend', creditsAmount('--budget'))
    .option('--per <period>', `For how long that is: ${PERIODS.join(', ')}`, oneOf('--per', PERIODS), 'month')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal keys create notebook
  $ shoal keys create ci --budget 2 --per day --expires 90d
  $ shoal keys create dashboard --role observer
  $ shoal keys create app --tenant acme --scope infer --json | jq -r .key

observer looks, user asks and spends, operator also sets models, prices and stake, admin
also keys, tenants and settings.`,
    )
    .action(async (name: string, _options: CreateOptions, self: Command) => {
      const options = self.optsWithGlobals<CreateOptions>()
      const output = outputFrom(options)
      const { tenant, role, scope, expires, budget, per } = options
      const made = (await (
        await runningNode(options, output)
      ).call('createKey', {
        name,
        role: role as NewKeyView['role'],
        ...(tenant === undefined ? {} : { tenant }),
        ...(scope === undefined ? {} : { scopes: scope as NewKeyView['scopes'] }),
        expiresInSeconds: expires === undefined ? null : Math.ceil(expires / 1_000),
        budget: budget === undefined ? null : { amount: budget, per: per as 'day' | 'month' | 'ever' },
      })) as NewKeyView
      output.result(made, () => describeNew(made, output))
    })

  withCommonOptions(keys.command('list'))
    .description('List keys, the newest first')
    .option('--tenant <id>', 'Of one tenant alone')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal keys list
  $ shoal keys list --tenant acme
  $ shoal keys list --json | jq '.[] | select(.state == "active") | .id'`,
    )
    .action(async (_options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions & { tenant?: string }>()
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const views = (await client.call('keys', { tenant: options.tenant ?? null })) as KeyView[]
      output.result(views, () => describeKeys(views, output))
    })

  withCommonOptions(keys.command('rotate'))
    .summary('Give a key a new secret')
    .description('Give a key a new secret; the one before is taken for a while more, so that nothing stops')
    .argument('<id>', 'As shoal keys list shows it', keyIdArgument)
    .option(
      '--overlap <time>',
      'How long the one before is still taken: 0 to 7d',
      overlapFrom,
      DEFAULT_OVERLAP_MS,
    )
    .addHelpText(
      'after',
      `
Examples:
  $ shoal keys rotate k3v9x0a1b2c3
  $ shoal keys rotate k3v9x0a1b2c3 --overlap 1h
  $ shoal keys rotate k3v9x0a1b2c3 --overlap 0`,
    )
    .action(async (id: string, _options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions & { overlap: number }>()
      const output = outputFrom(options)
      const client = await runningNode(options, output)
      const overlapSeconds = Math.ceil(options.overlap / 1_000)
      const made = (await client.call('rotateKey', { id, overlapSeconds })) as NewKeyView
      output.result(made, () => describeNew(made, output))
    })

  withCommonOptions(keys.command('revoke'))
    .description('Take a key no longer, from now on')
    .argument('<id>', 'As shoal keys list shows it', keyIdArgument)
    .addHelpText('after', '\nExample:\n  $ shoal keys revoke k3v9x0a1b2c3')
    .action(async (id: string, _options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('revokeKey', { id })) as KeyView
      output.result(
        view,
        () => `${paint('green', '✓')} The key ${printable(view.name)} (${id}) is taken no longer.`,
      )
    })

  withCommonOptions(keys.command('owner'))
    .summary('Make a link that signs you in on the page as the owner')
    .description('Make a link to the page that signs you in as the owner, once, within a quarter of an hour')
    .addHelpText('after', '\nExamples:\n  $ shoal keys owner\n  $ shoal keys owner --json | jq -r .link')
    .action(async (_options: CommonOptions, self: Command) => {
      const options = self.optsWithGlobals<CommonOptions>()
      const output = outputFrom(options)
      const view = (await (await runningNode(options, output)).call('ownerLink', {})) as { link: string }
      output.result(view, () => view.link)
    })
}

function describeNew(made: NewKeyView, output: Output): string {
  const until = made.oldSecretUntil
  return output.copyable(
    [
      `${paint('green', '✓')} ${paint('bold', made.key)}`,
      'It is shown this once. Programs send it as Authorization: Bearer, or as x-api-key.',
      ...(until === null ? [] : [`The one before is taken until ${readableTime(until)}.`]),
      ...(made.budget === null
        ? []
        : [`It may spend ${inCredits(made.budget.amount)} ${perWords(made.budget.per)}.`]),
      ...(made.expiresAt === null ? [] : [`It ends at ${readableTime(made.expiresAt)}.`]),
    ].join('\n'),
  )
}

function describeKeys(keys: readonly KeyView[], output: Output): string {
  if (keys.length === 0) return output.copyable('There are no keys yet. shoal keys create NAME makes one.')
  return table(
    ['ID', 'NAME', 'TENANT', 'ROLE', 'STATE', 'SPENT', 'LAST USED', 'ENDS'],
    keys.map(key => [
      key.id,
      printable(key.name),
      key.tenant,
      key.role,
      key.state,
      key.budget === null
        ? '-'
        : `${readableCredits(key.budget.spent)} of ${readableCredits(key.budget.amount)} ${perWords(key.budget.per)}`,
      key.lastUsedAt === null ? 'never' : readableTime(key.lastUsedAt),
      key.expiresAt === null ? '-' : readableTime(key.expiresAt),
    ]),
    { columns: output.columns, mayLack: ['LAST USED', 'ENDS', 'TENANT', 'SPENT'] },
  )
}

/** How long a budget is for. */
export function perWords(per: 'day' | 'month' | 'ever'): string {
  return per === 'ever' ? 'in all' : `a ${per}`
}

/** A flag that takes one of these words. */
export function oneOf(flag: string, words: readonly string[]): (value: string) => string {
  return value => {
    if (words.includes(value)) return value
    throw usageError(`${flag} takes no ${JSON.stringify(value)}`, `Choose one of ${words.join(', ')}.`)
  }
}

function scopesFrom(value: string): string[] {
  return value.split(',').map(one => oneOf('--scope', SCOPES)(one.trim()))
}

function overlapFrom(value: string): number {
  return value === '0' ? 0 : timeSpan('--overlap', MAX_OVERLAP_MS)(value)
}

function keyIdArgument(value: string): string {
  // Whoever pastes the whole key means its name.
  const id = /^shoal_([a-z0-9]{12})_/.exec(value)?.[1] ?? value
  if (/^[a-z0-9]{12}$/.test(id)) return id
  throw usageError(`a key's id has 12 letters and digits`, 'shoal keys list shows them.')
}
