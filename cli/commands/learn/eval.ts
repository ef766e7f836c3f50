import type { Command } from 'commander'
import { collected } from '../../arguments.ts'
import { outputFrom } from '../../context.ts'

export interface EvalCommandOptions {
  base: string
  data: string
  adapter?: string[]
  json?: boolean
}

/** The command that measures a model, with or without adapters, on text. */
export function registerEval(learn: Command): void {
  learn
    .command('eval')
    .summary('Measure how well a model knows a text')
    .description('Measure how well a model knows a text, with adapters or without')
    .requiredOption('--base <model>', 'Model: a GGUF file, or the name of an embedded model')
    .requiredOption('--data <file>', 'Examples, one JSON object a line')
    .option('--adapter <file>', 'Adapter that the model wears; may be given several times', collected)
    .option('--json', 'Print JSON for scripts')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn eval --base shoal-nano --data facts.jsonl
  $ shoal learn eval --base shoal-nano --adapter facts.gguf --data facts.jsonl
  $ shoal learn eval --base shoal-nano --adapter facts.gguf --data facts.jsonl --json | jq .loss

The loss is in nats per token of the answers, 0 where every token was certain. An answer is
exact when the likeliest token at each place, which is what a model says at temperature 0, is
the one of the text, to its end.`,
    )
    .action(async (options: EvalCommandOptions) => {
      const { evaluateModel } = await import('../../learn/evaluate.ts')
      await evaluateModel(options, outputFrom({ ...(options.json === true ? { json: true } : {}) }))
    })
}
