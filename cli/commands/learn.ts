import type { Command } from 'commander'
import { registerLearnData } from './learn/data.ts'
import { registerEval } from './learn/eval.ts'
import { registerRounds } from './learn/rounds.ts'
import { registerTrain } from './learn/train.ts'
import { registerLearnVersions } from './learn/versions.ts'

/** The commands of learning; each is in a file of its own under learn/. */
export function registerLearn(program: Command): void {
  const learn = program
    .command('learn')
    .summary('Train adapters, alone or with others')
    .description('Train adapters: alone on text of your own, or in rounds with other nodes')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn train --base shoal-nano --data facts.jsonl --out facts.gguf
  $ shoal learn eval --base shoal-nano --adapter facts.gguf --data facts.jsonl`,
    )
  for (const register of SUBCOMMANDS) register(learn)
}

const SUBCOMMANDS: readonly ((learn: Command) => void)[] = [
  registerTrain,
  registerEval,
  registerLearnData,
  registerRounds,
  registerLearnVersions,
]
