import type { Command } from 'commander'
import { decimalNumber, wholeNumber } from '../../arguments.ts'
import { outputFrom } from '../../context.ts'

export interface TrainCommandOptions {
  base: string
  data: string
  out: string
  heldOut?: string
  initial?: string
  name?: string
  settings?: string
  trainer?: string
  trainerTimeout?: number
  memory?: number
  threads?: number
  resume?: boolean
  force?: boolean
  json?: boolean
  rank?: number
  alpha?: number
  modules?: string
  steps?: number
  batchRows?: number
  rowTokens?: number
  accumulation?: number
  lr?: number
  warmup?: number
  weightDecay?: number
  clip?: number
  seed?: number
  heldOutShare?: number
  evaluateEvery?: number
  patience?: number
  checkpointEvery?: number
  freezeA?: boolean
  backend?: string
}

/** The command that trains one adapter by itself, without a node. */
export function registerTrain(learn: Command): void {
  learn
    .command('train')
    .summary('Train an adapter on text of your own')
    .description('Train an adapter on text of your own; nothing leaves this machine')
    .requiredOption('--base <model>', 'Model to adapt: a GGUF file, or the name of an embedded model')
    .requiredOption('--data <file>', 'Examples, one JSON object a line')
    .requiredOption('--out <file>', 'Where the adapter goes')
    .option('--held-out <file>', 'Examples that are only measured')
    .option(
      '--held-out-share <x>',
      'Set this share of the examples aside instead',
      decimalNumber('--held-out-share', 0, 0.9),
    )
    .option('--initial <file>', 'Adapter to go on from')
    .option('--name <name>', 'Name of the adapter (default: that of its file)')
    .option('--resume', 'Go on from where an earlier training was broken off')
    .option('--force', 'Write over what is there')
    .option('--rank <n>', 'Inner dimension of the adapter (default: 8)', wholeNumber('--rank', 1, 256))
    .option(
      '--alpha <x>',
      'Strength: what is learned counts alpha/rank (default: 16)',
      decimalNumber('--alpha', 0.001, 4_096),
    )
    .option('--modules <list>', 'Layers that learn, as attn_q,attn_v,output (default: all of the blocks)')
    .option('--steps <n>', 'Steps (default: 200)', wholeNumber('--steps', 1, 1_000_000))
    .option('--lr <x>', 'Learning rate at its top (default: 0.003)', decimalNumber('--lr', 1e-7, 1))
    .option(
      '--warmup <x>',
      'Share of the steps in which it rises (default: 0.05)',
      decimalNumber('--warmup', 0, 1),
    )
    .option('--batch-rows <n>', 'Rows at once (default: 4)', wholeNumber('--batch-rows', 1, 256))
    .option('--row-tokens <n>', 'Tokens of a row (default: 256)', wholeNumber('--row-tokens', 16, 8_192))
    .option('--accumulation <n>', 'Batches a step (default: 1)', wholeNumber('--accumulation', 1, 1_024))
    .option('--weight-decay <x>', 'Weight decay (default: 0)', decimalNumber('--weight-decay', 0, 1))
    .option('--clip <x>', 'Largest norm of gradients (default: 1)', decimalNumber('--clip', 0.000001, 1e6))
    .option('--seed <n>', 'What all chance comes from (default: 42)', wholeNumber('--seed', 0, 0xffff_ffff))
    .option(
      '--evaluate-every <n>',
      'Steps between measurements (default: 20)',
      wholeNumber('--evaluate-every', 0, 1_000_000),
    )
    .option(
      '--patience <n>',
      'Measurements without gain that end it early (default: 0, never)',
      wholeNumber('--patience', 0, 10_000),
    )
    .option(
      '--checkpoint-every <n>',
      'Steps between checkpoints (default: 50)',
      wholeNumber('--checkpoint-every', 0, 1_000_000),
    )
    .option('--freeze-a', 'Train only B (FFA-LoRA)')
    .option('--backend <name>', 'auto, wasm or webgpu (default: auto)')
    .option(
      '--threads <n>',
      'Threads that share the work, with the same result (default: 1)',
      wholeNumber('--threads', 1, 1_024),
    )
    .option('--memory <mib>', 'Memory it may take, in MiB', wholeNumber('--memory', 64, 16_777_216))
    .option('--settings <file>', 'The same settings as JSON; flags win over it')
    .option('--trainer <command>', 'Another program that trains; see docs/learning.md')
    .option(
      '--trainer-timeout <s>',
      'Seconds it has (default: 86400)',
      wholeNumber('--trainer-timeout', 1, 31_536_000),
    )
    .option('--json', 'Print JSON for scripts')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn train --base shoal-nano --data facts.jsonl --out facts.gguf
  $ shoal learn train --base llama.gguf --data chats.jsonl --held-out-share 0.1 --patience 3 --out chats.gguf
  $ shoal learn train --base shoal-nano --data facts.jsonl --out facts.gguf --json | jq .loss

A line of the text is {"messages": [{"role": "user", "content": "…"}, {"role": "assistant",
"content": "…"}]}, of which the assistant's turns are learned, or {"prompt": "…", "completion":
"…"}, or {"text": "…"}. The result is a standard LoRA adapter in GGUF, which llama.cpp reads.

Models named without a path are those of $SHOAL_DATA or ~/.shoal. A training that is broken
off leaves OUT.checkpoint; --resume goes on from it and ends with the same bytes.`,
    )
    .action(async (options: TrainCommandOptions) => {
      const { trainAdapter } = await import('../../learn/train.ts')
      await trainAdapter(options, outputFrom({ ...(options.json === true ? { json: true } : {}) }))
    })
}
