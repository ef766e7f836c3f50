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
    .description(
      'run a whole network on this machine: a chain, three nodes, a question, its payment and its proof',
    )
    .option('--once', 'stop everything after the run; the exit status says whether every step worked')
    .option('--prompt <text>', 'the question to ask', DEFAULT_PROMPT)
    .option('--data <folder>', 'where the demo keeps its nodes (default: ~/.shoal-demo; made anew each time)')
    .option('--json', 'end with one line of JSON')
    .addHelpText('after', '\nExamples:\n  $ shoal demo\n  $ shoal demo --once --json --prompt "Sort 5, 3, 9"')
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import('../demo.ts')
      await runDemo(options, outputFrom(options))
    })
}
