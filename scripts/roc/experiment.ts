import { join } from 'node:path'
import { ModelIdentifier } from '../../inference/models/identity.ts'
import type { CalibrationMeasurement } from '../../protocol/messages/calibration.ts'
import { readModel } from '../gguf/read-model.ts'
import { asksOf } from './answers.ts'
import { EngineRoom, flavours } from './engines.ts'
import { type Judged, type JudgeOptions, judge } from './judge.ts'
import { CONDITIONS, type Measured, measure } from './measure.ts'
import { Notebook } from './notebook.ts'
import { Plays } from './plays.ts'

export interface ExperimentOptions extends Omit<JudgeOptions, 'prompts'> {
  /** Files: what cheats run in place of it, and what they claim. */
  model: string
  claimed: string
  prompts: number
  /** Of an answer at most. */
  answerTokens: number
  calibrationPrompts: number
  calibrationSamples: number
  cheats: readonly string[]
  conditions: readonly string[]
  /** Where all that was played is kept. */
  folder: string
}

export interface ExperimentModules {
  onProgress?: (what: string, done: number, total: number) => void
  /** Judges by it in place of one of its own. */
  calibration?: CalibrationMeasurement
}

export interface Experiment extends Judged {
  model: { id: string; quantization: string }
  claimed: { id: string; quantization: string }
  options: ExperimentOptions
  /** Conditions that this machine cannot play. */
  leftOut: string[]
}

/**
 * Plays, audits and judges.
 * @throws {RangeError} where the models' tokens are not the same, or the calibration given is another model's
 */
export async function experiment(
  options: ExperimentOptions,
  { onProgress = () => {}, calibration }: ExperimentModules = {},
): Promise<Experiment> {
  const { folder, prompts } = options
  const identifier = new ModelIdentifier({ cacheFolder: folder })
  const [other, claimed] = [
    await identifier.identify(options.model),
    await identifier.identify(options.claimed),
  ]
  if ((await vocabularyOf(options.model)) !== (await vocabularyOf(options.claimed))) {
    throw new RangeError(
      'the models have different vocabularies: tokens of the one mean nothing to the other, and a provider that passes text through both is not played here',
    )
  }
  if (calibration !== undefined && calibration.key.model !== claimed.id) {
    throw new RangeError(`the calibration is of ${calibration.key.model}, not of ${claimed.id}`)
  }
  const available = new Set(await flavours())
  const isPlayable = (id: string) => {
    const flavour = CONDITIONS.find(condition => condition.id === id)?.flavour
    return flavour === undefined || available.has(flavour)
  }
  const engines = new EngineRoom({ flavoursFolder: join(folder, 'flavours') })
  const notebook = new Notebook({ folder: join(folder, `${claimed.id.slice(-8)}-${options.answerTokens}`) })
  let measured: Measured
  try {
    measured = await measure(
      {
        ...{ claimed, other, folder, asks: asksOf(prompts, options.answerTokens), cheats: options.cheats },
        conditions: options.conditions.filter(isPlayable),
        calibration: calibration ?? {
          prompts: options.calibrationPrompts,
          samples: options.calibrationSamples,
        },
      },
      { identifier, plays: new Plays({ engines, notebook, onProgress }) },
    )
  } finally {
    await engines.stop()
  }
  return {
    model: { id: other.id, quantization: other.summary.quantization },
    claimed: { id: claimed.id, quantization: claimed.summary.quantization },
    options,
    leftOut: options.conditions.filter(id => !isPlayable(id)),
    ...judge(measured, options, onProgress),
  }
}

async function vocabularyOf(path: string): Promise<string> {
  const { metadata } = await readModel(path)
  return JSON.stringify(metadata['tokenizer.ggml.tokens']?.value ?? null)
}
