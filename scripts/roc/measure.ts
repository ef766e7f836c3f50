import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { CalibrationPlan } from '../../inference/audit/calibration-run.ts'
import type { ModelSource } from '../../inference/engine.ts'
import type { ModelIdentifier } from '../../inference/models/identity.ts'
import type { CalibrationMeasurement } from '../../protocol/messages/calibration.ts'
import { withDelta } from '../gguf/variants.ts'
import type { Answer, Ask } from './answers.ts'
import { CHEATS, type Cheat } from './cheats.ts'
import { type Machine, USUAL } from './engines.ts'
import type { Plays, Provider, Receipt } from './plays.ts'

export interface MeasureOptions {
  claimed: ModelSource
  other: ModelSource
  asks: readonly Ask[]
  /** One that was made, or how to make it. */
  calibration: CalibrationPlan | CalibrationMeasurement
  /** Ids of CHEATS. */
  cheats: readonly string[]
  /** Ids of CONDITIONS. */
  conditions: readonly string[]
  /** Where fine-tunes are kept. */
  folder: string
}

export interface Measured {
  measurement: CalibrationMeasurement
  /** Receipts of the usual machine; the same prompts as those of cheats. */
  honest: Receipt[]
  /** Honest receipts under other conditions. */
  conditions: { condition: Condition; receipts: Receipt[] }[]
  cheats: { cheat: Cheat; receipts: Receipt[] }[]
}

/** How honest providers and auditors differ. */
export interface Condition {
  id: string
  title: string
  provider?: Omit<Provider, 'model'>
  auditor?: Machine
  /** CPU build that must be there. */
  flavour?: string
  /** Share of the prompts that is asked: what is slow. */
  share?: number
}

const ALONE: Machine = { ...USUAL, slots: 1 }
export const CONDITIONS: readonly Condition[] = [
  { id: 'alone', title: 'one sequence at a time', provider: { machine: ALONE, concurrency: 1 } },
  { id: 'warm', title: 'whole prompt warm', provider: { machine: ALONE, concurrency: 1, isWarm: true } },
  {
    id: 'batch-8',
    title: 'eight sequences in a batch',
    provider: { machine: { ...USUAL, slots: 8 }, concurrency: 8 },
  },
  {
    id: 'threads-2',
    title: 'provider with 2 threads',
    provider: { machine: { ...USUAL, threads: 2 } },
    // Small models are many times slower with two threads than with one.
    share: 0.1,
  },
  { id: 'auditor-threads-2', title: 'auditor with 2 threads', auditor: { ...USUAL, threads: 2 } },
  ...['skylakex', 'haswell', 'sse42'].flatMap((flavour): Condition[] => [
    {
      ...{ id: `provider-${flavour}`, title: `provider’s CPU build ${flavour}`, flavour },
      provider: { machine: { ...USUAL, flavour } },
      share: flavour === 'sse42' ? 0.25 : 0.5,
    },
    {
      ...{ id: `auditor-${flavour}`, title: `auditor’s CPU build ${flavour}`, flavour },
      auditor: { ...USUAL, flavour },
      share: 0.5,
    },
  ]),
]

const TUNES = { tuned: { size: 0.1, seed: 5 }, 'tuned-slightly': { size: 0.02, seed: 7 } } as const
const TUNE_RANK = 8

/** Plays all that is wanted; what was played before is taken from the notebook. */
export async function measure(
  options: MeasureOptions,
  modules: { plays: Plays; identifier: ModelIdentifier },
): Promise<Measured> {
  const { claimed, other, asks, calibration } = options
  const { plays, identifier } = modules
  const measurement =
    'key' in calibration
      ? calibration
      : await plays.calibration(`${calibration.prompts}x${calibration.samples}`, claimed, calibration)
  const answers = await plays.answers('honest', asks, { model: claimed })
  const honest = await plays.audits('honest', asks, answers, { model: claimed, isHonest: true })

  const modelOf = async (cheat: Cheat): Promise<ModelSource> => {
    if (cheat.runs === 'claimed') return claimed
    if (cheat.runs === 'other') return other
    const { size, seed } = TUNES[cheat.runs]
    const path = join(options.folder, `${claimed.id.slice(-8)}-${cheat.runs}.gguf`)
    const exists = await access(path).then(
      () => true,
      () => false,
    )
    if (!exists) await withDelta(claimed.path, path, { rank: TUNE_RANK, size, seed })
    return identifier.identify(path)
  }
  const cheats: Measured['cheats'] = []
  for (const cheat of CHEATS.filter(({ id }) => options.cheats.includes(id))) {
    const played = asks.filter(ask => cheat.applies?.(ask) ?? true)
    const model = await modelOf(cheat)
    const name = `${cheat.id} ${model.id.slice(-8)}`
    const made =
      cheat.rewrite === undefined
        ? await plays.answers(name, played, {
            model,
            ...(cheat.instead === undefined ? {} : { instead: cheat.instead }),
          })
        : rewritten(cheat.rewrite, played, answers)
    const receipts = await plays.audits(name, played, made, { model: claimed, isHonest: false })
    cheats.push({ cheat, receipts })
  }

  const conditions: Measured['conditions'] = []
  for (const condition of CONDITIONS.filter(({ id }) => options.conditions.includes(id))) {
    const { id, provider, auditor, share = 1 } = condition
    const prompts = (asks.at(-1)!.prompt + 1) * share
    const asked = asks.filter(({ prompt }) => prompt < prompts)
    const made =
      provider === undefined
        ? answers.filter(({ prompt }) => prompt < prompts)
        : await plays.answers(id, asked, { model: claimed, ...provider })
    const machine = auditor === undefined ? {} : { machine: auditor }
    const receipts = await plays.audits(id, asked, made, { model: claimed, isHonest: true, ...machine })
    conditions.push({ condition, receipts })
  }
  return { measurement, honest, conditions, cheats }
}

function rewritten(
  rewrite: NonNullable<Cheat['rewrite']>,
  asks: readonly Ask[],
  answers: readonly Answer[],
): Answer[] {
  const endToken = answers.find(({ reason }) => reason === 'stop')?.tokens.at(-1) ?? null
  const answered = new Map(answers.map(answer => [`${answer.prompt}/${answer.sample}`, answer]))
  const prompts = asks.at(-1)!.prompt + 1
  return asks.flatMap(ask => {
    const { prompt, sample } = ask
    const answer = answered.get(`${prompt}/${sample}`)
    // Two on: of the same kind.
    const other = answered.get(`${(prompt + 2) % prompts}/${sample}`)
    if (answer === undefined || other === undefined) return []
    const changed = rewrite(answer, { ask, other, endToken })
    return changed === answer ? [] : [{ ...changed, prompt, sample }]
  })
}
