import type { Command } from 'commander'
import { PII_MODES, type PiiMode } from '../../../node/learning/data/pii/pii-kinds.ts'
import { collected } from '../../arguments.ts'
import { type CommonOptions, usageError, withCommonOptions } from '../../context.ts'

export interface AddDataOptions extends CommonOptions, Record<string, unknown> {
  name?: string
  domain?: string
  me?: string
  pii: PiiMode
  redactName: string[]
  names?: boolean
  keepSimilar?: boolean
  yes?: boolean
  dryRun?: boolean
}

/** Commands about data of the owner's to learn from. */
export function registerLearnData(learn: Command): void {
  withCommonOptions(learn.command('add'))
    .summary('Add text of your own to learn from')
    .description('Add text of your own to learn from; it is shown what would be kept before it is')
    .argument('<path>', 'A folder, a text, Markdown or JSONL file, or the export of chats')
    .option('--name <name>', 'What to call it (default: after the path)')
    .option('--domain <domain>', 'Which rounds it is for (default: general)')
    .option('--me <name>', 'Who you are in chats among people; what you wrote is then what is learnt')
    .option('--pii <what>', `About personal data and secrets: ${PII_MODES.join(', ')}`, piiMode, 'redact')
    .option('--redact-name <name>', 'Also remove this name; may be given several times', collected, [])
    .option('--names', 'Also remove names after titles and salutations')
    .option('--keep-similar', 'Keep rows that are nearly the same as others')
    .option('--dry-run', 'Only show')
    .option('-y, --yes', 'Do not ask')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn add ~/notes
  $ shoal learn add ./answers.jsonl --domain legal-de --yes
  $ shoal learn add ./conversations.json --name chatgpt
  $ shoal learn add "./WhatsApp Chat with Anna.txt" --me "Bert" --domain twin
  $ shoal learn add ~/notes --dry-run --json | jq .report.pii

Read are .txt, .md and .jsonl files (messages, prompt and completion, or text), and
the exports of ChatGPT, Claude, WhatsApp, Telegram, Discord and Slack; the content
says which it is. Rows that are there already are left out. E-mail addresses, phone
and card numbers, IBANs, IP and street addresses, keys, passwords and tokens give
way to what they were, as [email]: by rules, so look at the samples. The data lies
encrypted in the data folder and never leaves it: rounds give away adapters alone.

The node need not run.

Exit status: 0 added (or only shown), 1 nothing to learn from, 130 cancelled.`,
    )
    .action(async (path: string, options: AddDataOptions) => {
      const { addData } = await import('../../learn-data.ts')
      await addData(path, options)
    })

  const data = learn
    .command('data')
    .summary('Show and remove what was added')
    .description('Show and remove the text that was added to learn from')
    .addHelpText('after', '\nExamples:\n  $ shoal learn data list\n  $ shoal learn data remove notes')

  withCommonOptions(data.command('list'))
    .description('List the data sets')
    .addHelpText(
      'after',
      "\nExamples:\n  $ shoal learn data list\n  $ shoal learn data list --json | jq '.[].domain'",
    )
    .action(async (options: CommonOptions) => {
      const { listData } = await import('../../learn-data.ts')
      await listData(options)
    })

  withCommonOptions(data.command('show'))
    .description('Show a data set: what it is of, and some of its rows')
    .argument('<name>', 'As the list shows it')
    .addHelpText(
      'after',
      '\nExamples:\n  $ shoal learn data show notes\n  $ shoal learn data show notes --json | jq .samples',
    )
    .action(async (name: string, options: CommonOptions) => {
      const { showData } = await import('../../learn-data.ts')
      await showData(name, options)
    })

  withCommonOptions(data.command('remove'))
    .description('Remove a data set; what adapters have learnt of it stays in them')
    .argument('<name>', 'As the list shows it')
    .addHelpText('after', '\nExample:\n  $ shoal learn data remove notes')
    .action(async (name: string, options: CommonOptions) => {
      const { removeData } = await import('../../learn-data.ts')
      await removeData(name, options)
    })
}

function piiMode(value: string): PiiMode {
  const mode = PII_MODES.find(known => known === value)
  if (mode !== undefined) return mode
  throw usageError(
    `--pii takes ${PII_MODES.join(', ')}, not ${JSON.stringify(value)}`,
    'For example: --pii drop',
  )
}
