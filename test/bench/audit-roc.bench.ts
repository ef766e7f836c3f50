import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ModelCatalog } from '../../inference/models/catalog.ts'
import { requantize, unpackedWithin, withDelta } from '../../scripts/gguf/variants.ts'
import { type Experiment, experiment } from '../../scripts/roc/experiment.ts'
import { type Bench, type BenchRow, valueRow } from './row.ts'

/** Beside the power, what the ROC table says of the same swap. */
interface RocRow extends BenchRow {
  /** Audited tokens that find 95 % of such cheats; null where they are more than was tried. */
  tokens: number | null
  /** Of single receipts. */
  auc: number
  /** Of the power, 95 %. */
  ci: [low: number, high: number]
}

interface Swap {
  /** What is run, and what is claimed. */
  model: string
  claimed: string
  what: string
  /** Power that must be reached; 0 where nothing is promised. */
  goal: number
}

/** Few prompts and few played providers: the long table is that of `npm run -s roc`. */
const SHORT = {
  ...{ prompts: 80, answerTokens: 96, calibrationPrompts: 110, calibrationSamples: 4 },
  ...{ providers: 60, rounds: 10, maxTokens: 10_000, powerTokens: 10_000 },
  ...{ cheats: ['swap'], conditions: [] },
}
const GOAL = 0.95

const SWAPS = ['q8-q4', 'smaller', 'adapter', 'q4-q3', 'f16-q8'] as const
const rowOf = (swap: (typeof SWAPS)[number]) => `audit.roc.${swap}`

/** Another model in place of the one that is claimed, in the short form of the experiment. */
export const auditRocBench: Bench = {
  rows: SWAPS.map(rowOf),
  async run(wanted) {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-roc-'))
    try {
      const rows: BenchRow[] = []
      for (const swap of SWAPS) {
        if (!wanted(rowOf(swap))) continue
        const made = await swapOf(swap, folder)
        const { model, claimed } = made
        rows.push(row(rowOf(swap), made, await experiment({ ...SHORT, model, claimed, folder })))
      }
      return rows
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** The files of a swap: those that come with Shoal, or made of them. */
async function swapOf(swap: (typeof SWAPS)[number], folder: string): Promise<Swap> {
  const catalog = new ModelCatalog({ modelsFolder: folder, cacheFolder: folder })
  const embedded = async (name: string) => (await catalog.resolve(name)).path
  const q8 = await embedded('shoal-mini-q8_0')
  const made = join(folder, `${swap}.gguf`)
  switch (swap) {
    case 'q8-q4':
      return { model: await embedded('shoal-mini-q4_0'), claimed: q8, what: 'Q4_0 as Q8_0', goal: GOAL }
    case 'smaller':
      return { model: await embedded('shoal-nano-q8_0'), claimed: q8, what: 'nano as mini', goal: GOAL }
    case 'adapter':
      await withDelta(q8, made, { rank: 8, size: 0.1, seed: 5 })
      return { model: q8, claimed: made, what: 'the base as a fine-tune, 10 % of the norm', goal: GOAL }
    case 'q4-q3':
      await requantize(q8, made, 'Q3_K')
      return { model: made, claimed: await embedded('shoal-mini-q4_0'), what: 'Q3_K as Q4_0', goal: GOAL }
    case 'f16-q8':
      await unpackedWithin(q8, made, 5)
      return {
        model: q8,
        claimed: made,
        what: 'Q8_0 as an F16 that packs to it; not promised to be found',
        goal: 0,
      }
  }
}

function row(name: string, { what, goal }: Swap, { cheats: [cheat], honest }: Experiment): RocRow {
  const { receiptAuc, pooled, cheating } = cheat!
  const { power, tokens } = pooled.find(({ falseAlarm }) => falseAlarm === 1e-6)!
  const note =
    `shoal-mini, ${what}: found by the sequential test at false alarm 1e-6 within ${SHORT.powerTokens} audited tokens; ` +
    `mean margin ${cheating.meanMargin.toFixed(4)} against ${honest[0]!.scores.meanMargin.toFixed(4)} nats`
  return {
    ...valueRow({ name, unit: 'power', value: power.value, baseline: null, note }, { atLeast: goal }),
    tokens: Number.isFinite(tokens.value) ? tokens.value : null,
    auc: Number(receiptAuc.value.toFixed(4)),
    ci: [power.low, power.high],
  }
}
