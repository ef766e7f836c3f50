import type { Command } from 'commander'
import { type CommonOptions, outputFrom } from '../context.ts'

export interface DemoOptions extends CommonOptions {
  once?: boolean
  prompt: string
}

const DEFAULT_PROMPT = 'What is Shoal?'

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .summary('See it all: a chain, three nodes, a question, payment, proof')
    .description(
      'Run a whole network on this machine: a chain, three nodes, a question, its payment and its proof',
    )
    .option('--once', 'Stop everything after the run; the exit status says whether every step worked')
    .option('--prompt <text>', 'The question to ask', DEFAULT_PROMPT)
    .option('--data <folder>', 'Where the demo keeps its nodes (default: ~/.shoal-demo; made anew each time)')
    .option('--json', 'End with one line of JSON')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal demo
  $ shoal demo --once --json --prompt "Sort 5, 3, 9"

Exit status: 0 every step worked, 1 one failed, 130 stopped before the end.`,
    )
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import('../demo.ts')
      await runDemo(options, outputFrom(options))
    })
}
