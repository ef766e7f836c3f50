import type { Command } from 'commander'
import { MAX_OUTPUT_TOKENS } from '../../protocol/limits.ts'
import { collected, creditsAmount, decimalNumber, taskClass, wholeNumber } from '../arguments.ts'
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
  stream?: boolean
  wait: number
  verbose?: boolean
}

const MAX_SEED = 0xffff_ffff
const MAX_WAIT_SECONDS = 3_600

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
    .option('--class <name>', 'Kind of work, for which routing learns (default: by the prompt)', taskClass)
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
  $ shoal ask --json "What is 17 + 25?" | jq -r .text

The answer goes to standard output, everything about it to standard error.
Ctrl-C cancels the task at the provider; only what has arrived is paid.

Exit status: 0 answered, 1 failed, 2 usage, 3 no node runs, 4 no provider, 5 money,
130 cancelled.`,
    )
    .action(async (prompt: string[], options: AskOptions) => {
      const { ask } = await import('../ask.ts')
      await ask(prompt, options)
    })
}
