import { resolve } from 'node:path'
import type { Command } from 'commander'
import { collected, creditsAmount, decimalNumber, timeSpan, wholeNumber } from '../../arguments.ts'
import { type CommonOptions, usageError, withCommonOptions } from '../../context.ts'

/** As in `protocol/messages/learning/`, which takes longer to load than most commands to run. */
const RULES = ['default', 'stack', 'clip', 'krum', 'multi-krum', 'geometric-median']
const ENCODINGS = ['gguf', 'int8', 'sparse']
const FORMATS = ['any', 'messages', 'completion', 'text']
const MAX_SPAN_MS = 30 * 24 * 3_600_000

interface ProposeOptions extends CommonOptions {
  base?: string
  name?: string
  domain: string
  format: string
  rank?: number
  alpha?: number
  module: string[]
  steps?: number
  batchRows?: number
  rowTokens?: number
  learningRate?: number
  trainFor: number
  joinFor?: number
  judgeFor?: number
  minUpdates?: number
  maxMembers?: number
  minStake?: string
  quorumStake?: string
  rule: string
  encoding: string
  noise?: number
  clipNorm?: number
  delta?: number
  general?: string
  validation: string[]
  outerRate?: number
  reward?: string
  join: boolean
  follow?: boolean
}

/** Commands about rounds of learning with other nodes. */
export function registerRounds(learn: Command): void {
  withCommonOptions(learn.command('status'))
    .summary('Show what learning is doing, or how far a round is')
    .description('Show what learning is doing on the running node, or how far one round is')
    .argument('[round]', 'A round, by its name or as shoal learn rounds shows it')
    .option('--follow', 'Go on until the round is over')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn status
  $ shoal learn status notes --follow
  $ shoal learn status --json | jq .lifecycle.state`,
    )
    .action(async (round: string | undefined, options: CommonOptions & { follow?: boolean }) => {
      const { showLearning } = await import('../../learn/rounds.ts')
      await showLearning(round, options)
    })

  withCommonOptions(learn.command('rounds'))
    .description('List the rounds that go on, and those over a short while ago')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn rounds
  $ shoal learn rounds --json | jq '.[] | select(.phase == "announce") | .round'`,
    )
    .action(async (options: CommonOptions) => {
      const { listRounds } = await import('../../learn/rounds.ts')
      await listRounds(options)
    })

  withCommonOptions(learn.command('join'))
    .summary('Take part in a round')
    .description(
      'Take part in a round: train on data of its domain that lies here, and judge what others made',
    )
    .argument('<round>', 'A round, by its name or as shoal learn rounds shows it')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn join notes
  $ shoal learn join bafyreib…q3xm2a --json

It takes data of the round's domain (shoal learn add) and a stake (shoal stake add).
With learning.join set to auto, rounds there is data for are joined by themselves.`,
    )
    .action(async (round: string, options: CommonOptions) => {
      const { joinRound } = await import('../../learn/rounds.ts')
      await joinRound(round, options)
    })

  withCommonOptions(learn.command('propose'))
    .summary('Propose a round to other nodes')
    .description('Propose a round: others join, train on data of their own, and one adapter comes of it')
    .option('--base <model>', 'The model to adapt (default: the one that is served)')
    .option('--name <name>', 'What the adapter is called (default: its domain)')
    .option('--domain <domain>', 'What the data is about; general is for data of every kind', 'general')
    .option('--format <format>', `Form of the data: ${FORMATS.join(', ')}`, oneOf('--format', FORMATS), 'any')
    .option(
      '--train-for <time>',
      'How long members may train',
      timeSpan('--train-for', MAX_SPAN_MS),
      1_800_000,
    )
    .option('--join-for <time>', 'How long members may join', timeSpan('--join-for', MAX_SPAN_MS))
    .option('--judge-for <time>', 'For scoring, aggregating and voting', timeSpan('--judge-for', MAX_SPAN_MS))
    .option('--rank <n>', 'Rank of the adapter (default: 8)', wholeNumber('--rank', 1, 256))
    .option('--alpha <n>', 'Scale of the adapter (default: 16)', decimalNumber('--alpha', 0.001, 4_096))
    .option(
      '--module <kind>',
      'Kind of layer that learns, as attn_q; may be given several times',
      collected,
      [],
    )
    .option('--steps <n>', 'Steps of training (default: 200)', wholeNumber('--steps', 1, 1_000_000))
    .option('--batch-rows <n>', 'Rows of a batch (default: 4)', wholeNumber('--batch-rows', 1, 256))
    .option('--row-tokens <n>', 'Tokens of a row (default: 256)', wholeNumber('--row-tokens', 1, 8_192))
    .option('--learning-rate <n>', 'Default: 0.003', decimalNumber('--learning-rate', 0.000_001, 1))
    .option(
      '--min-updates <n>',
      'Updates it takes at least; nobody judges its own alone (default: 2)',
      wholeNumber('--min-updates', 2, 64),
    )
    .option('--max-members <n>', 'Default: 32', wholeNumber('--max-members', 1, 64))
    .option('--min-stake <credits>', 'What members have at stake at least', creditsAmount('--min-stake'))
    .option(
      '--quorum-stake <credits>',
      'What must vote for the adapter at least, beside two thirds of the members',
      creditsAmount('--quorum-stake'),
    )
    .option('--rule <rule>', `How updates become one: ${RULES.join(', ')}`, oneOf('--rule', RULES), 'default')
    .option(
      '--outer-rate <n>',
      'What their sum is multiplied by; above 1 where members know different things (default: 1)',
      decimalNumber('--outer-rate', 0.01, 4),
    )
    .option(
      '--encoding <encoding>',
      `How updates are sent: ${ENCODINGS.join(', ')}`,
      oneOf('--encoding', ENCODINGS),
      'gguf',
    )
    .option('--noise <n>', 'Private: noise over the clip norm', decimalNumber('--noise', 0, 1_000))
    .option(
      '--clip-norm <n>',
      'Private: longest update (default: 1)',
      decimalNumber('--clip-norm', 0.0001, 1e6),
    )
    .option('--delta <n>', 'Private: δ is 10^-n (default: 5)', wholeNumber('--delta', 1, 12))
    .option(
      '--validation <file>',
      'JSONL that updates are measured with, as file or domain=file; everybody gets it; may be given several times',
      collected,
      [],
    )
    .option('--general <file>', 'JSONL that the adapter must not make worse; everybody gets it')
    .option(
      '--reward <credits>',
      'What you promise the contributors; nobody enforces it',
      creditsAmount('--reward'),
    )
    .option('--no-join', 'Do not take part yourself')
    .option('--follow', 'Show how it goes until it is over')
    .addHelpText(
      'after',
      `
Examples:
  $ shoal learn propose --domain notes --train-for 30m --validation examples.jsonl
  $ shoal learn propose --base shoal-mini --domain legal-de --rank 16 --min-updates 4
  $ shoal learn propose --noise 0.8 --clip-norm 1 --follow
  $ shoal learn propose --domain notes --json | jq -r .round

The data of members never leaves them. What is accepted counts in the learners' pool
of the epoch, by what each update removed of the loss.`,
    )
    .action(async (options: ProposeOptions) => {
      const { proposeRound } = await import('../../learn/rounds.ts')
      await proposeRound(choicesOf(options), options)
    })
}

function choicesOf(options: ProposeOptions): Record<string, unknown> {
  const { noise, clipNorm, delta, general, module, validation } = options
  if (noise === undefined && (clipNorm !== undefined || delta !== undefined)) {
    throw usageError('--clip-norm and --delta go with --noise', 'For example: --noise 0.8 --clip-norm 1')
  }
  const choices = {
    base: options.base ?? null,
    name: options.name ?? null,
    ...{ domain: options.domain, format: options.format, rule: options.rule, encoding: options.encoding },
    ...{ rank: options.rank, alpha: options.alpha, steps: options.steps, batchRows: options.batchRows },
    ...{ rowTokens: options.rowTokens, learningRate: options.learningRate, trainForMs: options.trainFor },
    ...{ joinForMs: options.joinFor, judgeForMs: options.judgeFor, minimumUpdates: options.minUpdates },
    ...{ maximumMembers: options.maxMembers, leastStake: options.minStake, reward: options.reward },
    ...{ quorumStake: options.quorumStake, noise, clipNorm, deltaExponent: delta, join: options.join },
    ...(module.length === 0 ? {} : { modules: module }),
    general: general === undefined ? null : resolve(general),
    validation: validation.map(withWholePath),
    outerLearningRate: options.outerRate,
  }
  return Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined))
}

/** `file` or `domain=file`, for a node that runs in another folder. */
function withWholePath(text: string): string {
  const [, domain, file] = /^([a-z0-9][a-z0-9._-]{0,63})=(.+)$/.exec(text) ?? []
  return domain === undefined || file === undefined ? resolve(text) : `${domain}=${resolve(file)}`
}

function oneOf(flag: string, values: readonly string[]): (value: string) => string {
  return value => {
    if (values.includes(value)) return value
    throw usageError(`${flag} takes ${values.join(', ')}, not ${JSON.stringify(value)}`)
  }
}
