import { type Command, Option } from 'commander'
import { STRATEGIES, type Strategy } from '../../node/market/preferences.ts'
import { DATA_CLASSES, type DataClass } from '../../protocol/data-class.ts'
import { MAX_OUTPUT_TOKENS } from '../../protocol/limits.ts'
import type { Auction } from '../../protocol/messages/bid.ts'
import { CAPACITY_MODES, type CapacityMode, SLA_CLASSES, type SlaClass } from '../../protocol/sla-class.ts'
import { collected, creditsAmount, decimalNumber, taskClass, timeSpan, wholeNumber } from '../arguments.ts'
import { type CommonOptions, withCommonOptions } from '../context.ts'

export interface AskOptions extends CommonOptions {
  file?: string
  system?: string
  model?: string
  maxTokens: number
  maxPrice?: string
  seed?: number
  temperature: number
  topP: number
  stop?: string[]
  jsonSchema?: string
  class?: string
  tool?: string[]
  stream?: boolean
  strategy?: Strategy
  mode?: CapacityMode
  sla?: SlaClass
  dataClass?: DataClass
  region?: string
  minReputation?: number
  minStake?: string
  minQuality?: number
  deadline?: number
  auction?: Auction
  wait: number
  verbose?: boolean
}

/** By name, for the schema that knows them takes longer to load than a command to run. */
const AUCTION_KINDS: Record<Auction, true> = { 'first-price': true, 'second-price': true }
const MAX_SEED = 0xffff_ffff
const MAX_WAIT_SECONDS = 3_600
const MAX_DEADLINE_MS = 24 * 3_600_000

export function registerAsk(program: Command): void {
  withCommonOptions(program.command('ask'))
    .description('Ask a question; the best provider for the money answers')
    .argument('[prompt...]', 'The question; - reads it from standard input')
    .option('--file <file>', 'Read the question from a file')
    .option('--system <text>', 'Instructions that come before the question')
    .option('--model <model>', 'Only this model, by name or digest (default: the best for the money)')
    .option(
      '--max-tokens <n>',
      'Longest answer, in tokens',
      wholeNumber('--max-tokens', 1, MAX_OUTPUT_TOKENS),
      256,
    )
    .option(
      '--max-price <credits>',
      'Most the task may cost (default: what the spending limit leaves)',
      creditsAmount('--max-price'),
    )
    .option('--seed <n>', 'Repeat an answer: same seed, model and prompt', wholeNumber('--seed', 0, MAX_SEED))
    .option('--temperature <x>', '0 always takes the likeliest word', decimalNumber('--temperature', 0, 5), 0)
    .option(
      '--top-p <x>',
      'Choose among the likeliest words that together have this probability',
      decimalNumber('--top-p', 0, 1),
      1,
    )
    .option('--stop <text>', 'End the answer before this text; may be given again', collected)
    .option('--json-schema <schema>', 'Make the answer JSON of this schema: a file, or the schema itself')
    .addOption(
      new Option('--strategy <name>', 'What counts most in choosing who does it (default: balanced)').choices(
        STRATEGIES,
      ),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'spot: cheaper, may be moved elsewhere on the way (default: on-demand)',
      ).choices(CAPACITY_MODES),
    )
    .addOption(
      new Option(
        '--sla <class>',
        'B: one provider; A: distinct operators whose answers must agree; S: as A, with stakes (default: B)',
      ).choices(SLA_CLASSES),
    )
    .addOption(
      new Option(
        '--data-class <class>',
        'How far the question may travel (default: privacy.defaultClass)',
      ).choices(DATA_CLASSES),
    )
    .option('--region <region>', 'Only providers there: eu, or eu-de')
    .option(
      '--min-reputation <n>',
      'Only providers with at least this reputation, of 100',
      decimalNumber('--min-reputation', 0, 100),
    )
    .option(
      '--min-stake <credits>',
      'Only providers with at least this at stake',
      creditsAmount('--min-stake'),
    )
    .option(
      '--min-quality <q>',
      'Only models of at least this quality, of 1',
      decimalNumber('--min-quality', 0, 1),
    )
    .option(
      '--deadline <time>',
      'End it by then with what has come, such as 30s',
      timeSpan('--deadline', MAX_DEADLINE_MS),
    )
    .addOption(
      new Option(
        '--auction <kind>',
        'Let providers bid for it (default: the prices of their offers)',
      ).choices(Object.keys(AUCTION_KINDS)),
    )
    .option('--class <name>', 'Kind of work, for which routing learns (default: by the prompt)', taskClass)
    .option('--tool <server/tool>', 'Let the answer use a tool of mcp.servers; may be given again', collected)
    .option('--stream', 'Show the answer as it comes (the default)')
    .option('--no-stream', 'Show the answer when it is complete')
    .option(
      '--wait <seconds>',
      'How long to wait for a first provider',
      decimalNumber('--wait', 0, MAX_WAIT_SECONDS),
      5,
    )
    .option('-v, --verbose', 'Tell about offers, provider and payments on the way')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal ask "What is Shoal?"
  $ shoal ask --max-price 0.001 --max-tokens 64 "Sort 5, 3, 9"
  $ cat letter.txt | shoal ask --system "Summarise in one line." -
  $ shoal ask --strategy cost --mode spot "Translate: good morning"
  $ shoal ask --sla A "What is the boiling point of water?"
  $ shoal ask --json "What is 17 + 25?" | jq -r .text
  $ shoal ask --tool files/read_file "What does notes.txt say?"

The answer goes to standard output, everything about it to standard error.
Ctrl-C cancels the task at the provider; only what has arrived is paid. What --max-price says
holds over all providers that are asked, one after the other or at once.

Exit status: 0 answered, 1 failed or cut off by --deadline, 2 usage, 3 no node runs,
4 no provider, 5 money, 130 cancelled.`,
    )
    .action(async (prompt: string[], options: AskOptions) => {
      const { ask } = await import('../ask.ts')
      await ask(prompt, options)
    })
}
