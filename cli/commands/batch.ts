import { type Command, Option } from 'commander'
import { creditsAmount, decimalNumber, wholeNumber } from '../arguments.ts'
import { type CommonOptions, withCommonOptions } from '../context.ts'

export interface BatchOptions extends CommonOptions {
  budget?: string
  deadline?: number
  minQuality: number
  prefer: 'balanced' | 'cost' | 'time' | 'reliability' | 'quality'
  plan?: boolean
  model?: string
  maxTokens: number
  concurrent: number
  out?: string
}

const MAX_TOKENS = 131_072
const MAX_CONCURRENT = 64
const DAY_SECONDS = 86_400

export function registerBatch(program: Command): void {
  withCommonOptions(program.command('batch'))
    .summary('Do many tasks, spread over providers by cost, time and reliability')
    .description('Plan many tasks over many providers by cost, time and reliability, and do them')
    .argument('<file>', 'Tasks as JSON lines; - reads them from standard input')
    .option('--budget <credits>', 'Most all tasks together may cost', creditsAmount('--budget'))
    .option(
      '--deadline <seconds>',
      'Within which all must be done',
      decimalNumber('--deadline', 0.001, DAY_SECONDS),
    )
    .option(
      '--min-quality <x>',
      'Least mean quality of the answers, 0 to 1',
      decimalNumber('--min-quality', 0, 1),
      0,
    )
    .addOption(
      new Option('--prefer <what>', 'What counts most among plans that hold all that')
        .choices(['balanced', 'cost', 'time', 'reliability', 'quality'])
        .default('balanced'),
    )
    .option('--plan', 'Show what is possible and do nothing')
    .option('--out <file>', 'Write the results there, one JSON line each (default: standard output)')
    .option('--model <model>', 'Model of tasks that name none')
    .option(
      '--max-tokens <n>',
      'Longest answer of tasks that name none',
      wholeNumber('--max-tokens', 1, MAX_TOKENS),
      256,
    )
    .option('--concurrent <n>', 'Tasks at once, at most', wholeNumber('--concurrent', 1, MAX_CONCURRENT), 16)
    .addHelpText(
      'after',
      `
Each line of the file is a question as a JSON string, or an object:
  {"id": "mail-1", "prompt": "Summarise: …", "system": "Be brief.", "maxTokens": 64,
   "model": "shoal-mini", "temperature": 0}

Examples:
  $ shoal batch mails.jsonl --budget 600 --prefer quality --out answers.jsonl
  $ shoal batch mails.jsonl --plan
  $ printf '"What is Shoal?"\\n"What is 2 + 2?"\\n' | shoal batch - --prefer cost

Results come as JSON lines as they are ready: {"index", "id", "status", "text", "provider",
"model", "paid"}. A task whose provider fails goes on elsewhere; more than the budget is never paid.

Exit status: 0 all done, 1 some failed, 2 usage, 3 no node runs, 4 no provider, 5 money,
130 cancelled.`,
    )
    .action(async (file: string, options: BatchOptions) => {
      const { batch } = await import('../batch.ts')
      await batch(file, options)
    })
}
