import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type CalibrationMeasurement, calibrationMessage } from '../protocol/messages/calibration.ts'
import { CHEATS } from './roc/cheats.ts'
import { experiment } from './roc/experiment.ts'
import { CONDITIONS } from './roc/measure.ts'
import { MOST_PROMPTS } from './roc/prompts.ts'
import { report } from './roc/report.ts'

const list = (of: readonly { id: string; title: string }[]) =>
  of.map(({ id, title }) => `    ${id.padEnd(22)} ${title}`).join('\n')

const HELP = `Measures how well audits find cheats: plays honest and cheating providers with real engines on two model files,
audits all of their receipts, and prints what is found at which false alarm, with 95 % intervals.

  npm run -s roc -- --model A.gguf --claimed B.gguf --json FILE

  --model <file>        What cheats run in place of the claimed model
  --claimed <file>      What they claim, and what honest providers and auditors run; of the same vocabulary
  --json <file>         All numbers as JSON, ROC curves too; null stands for more than was tried
  --markdown            Print the tables as Markdown
  --cheats <ids>        Which, separated by commas; all, none, or (default all):
${list(CHEATS)}
  --conditions <ids>    Under which honest providers are played besides; all, none (default), or:
${list(CONDITIONS)}
  --prompts <n>         Prompts, each asked three times, with different sampling (default 240, at most ${MOST_PROMPTS})
  --tokens <n>          Longest answer (default 96)
  --calibration <n>     Prompts of the calibration (default 300); none is among the others
  --samples <n>         Outputs of each of them (default 4); the more, the tighter the bounds: finer cheats are found
  --calibrated-by <file> Judge by what \`shoal audit calibrate --out\` wrote, in place of a calibration of its own
  --providers <n>       Providers played for each number; intervals play twice as many (default 200)
  --most <n>            Audited tokens after which a provider that was not found is let go (default 30000)
  --power-at <n>        Audited tokens at which the power is told (default 10000)
  --work <folder>       Keeps what was played: a run that was broken off goes on, another cheat is quick
                        (default ${join(tmpdir(), 'shoal-roc')})

How to read it: AUC TOKEN and AUC RECEIPT are the chance that a cheat's token or receipt looks worse than an honest one,
AUC 300 that 300 tokens of a cheat's receipts do.
ALONE is the share of receipts that are found by themselves, at a bound of the false alarm. TOKENS is what nodes do: receipts are pooled until
the sequential test decides; so many tokens find 95 % of such providers. False alarms of 1e-6 are no count but the test's own bound.
FIXED is the normal approximation of a test of a fixed size on mean margins: an extrapolation.

The whole table of the embedded models takes about 10 minutes on two quiet cores; docs/audits.md says what came out.

Example: npm run -s roc -- --model inference/models/embedded/shoal-nano-q8_0.gguf \\
  --claimed inference/models/embedded/shoal-mini-q8_0.gguf --cheats swap,seed --json roc.json`

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    claimed: { type: 'string' },
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    cheats: { type: 'string', default: 'all' },
    conditions: { type: 'string', default: 'none' },
    prompts: { type: 'string', default: '240' },
    tokens: { type: 'string', default: '96' },
    calibration: { type: 'string', default: '300' },
    'calibrated-by': { type: 'string' },
    samples: { type: 'string', default: '4' },
    providers: { type: 'string', default: '200' },
    most: { type: 'string', default: '30000' },
    'power-at': { type: 'string', default: '10000' },
    work: { type: 'string', default: join(tmpdir(), 'shoal-roc') },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}

function fail(message: string): never {
  console.error(`${message}\nSee npm run -s roc -- --help`)
  process.exit(2)
}

function numberOf(
  name: 'prompts' | 'tokens' | 'calibration' | 'samples' | 'providers' | 'most' | 'power-at',
  most: number,
): number {
  const number = Number(values[name])
  if (Number.isInteger(number) && number >= 1 && number <= most) return number
  return fail(`--${name} is a whole number from 1 to ${most}`)
}

function idsOf(name: 'cheats' | 'conditions', of: readonly { id: string }[]): string[] {
  const known = of.map(({ id }) => id)
  if (values[name] === 'all') return known
  const ids = values[name] === 'none' ? [] : values[name].split(',')
  const unknown = ids.find(id => !known.includes(id))
  return unknown === undefined ? ids : fail(`--${name} knows no ${unknown}. There are: ${known.join(', ')}`)
}

async function calibrationOf(path: string): Promise<CalibrationMeasurement> {
  try {
    return z.decode(
      calibrationMessage.schema,
      JSON.parse(await readFile(path, 'utf8')) as CalibrationMeasurement,
    )
  } catch (error) {
    return fail(`${path} is no calibration: ${error instanceof Error ? error.message : error}`)
  }
}

const { model, claimed } = values
if (model === undefined || claimed === undefined) fail('--model and --claimed are missing')
const PROGRESS_MS = 1_000
let lastMs = 0
const result = await experiment(
  {
    model: resolve(model),
    claimed: resolve(claimed),
    prompts: numberOf('prompts', MOST_PROMPTS),
    answerTokens: numberOf('tokens', 512),
    calibrationPrompts: numberOf('calibration', 500),
    calibrationSamples: numberOf('samples', 64),
    cheats: idsOf('cheats', CHEATS),
    conditions: idsOf('conditions', CONDITIONS),
    providers: numberOf('providers', 100_000),
    rounds: 20,
    maxTokens: numberOf('most', 10_000_000),
    powerTokens: numberOf('power-at', 10_000_000),
    folder: resolve(values.work),
  },
  {
    onProgress: (what, done, total) => {
      if (done < total && performance.now() - lastMs < PROGRESS_MS) return
      lastMs = performance.now()
      console.error(`${what}: ${done} of ${total}`)
    },
    ...(values['calibrated-by'] === undefined
      ? {}
      : { calibration: await calibrationOf(values['calibrated-by']) }),
  },
)
console.log(report(result, values.markdown))
if (result.leftOut.length > 0)
  console.log(`\nNot to be played on this machine: ${result.leftOut.join(', ')}.`)
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(result, null, 1)}\n`)
