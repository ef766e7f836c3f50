import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import {
  type CalibrationPlan,
  type CalibrationProgress,
  generateHonest,
  type HonestOutputs,
  honestOutputsSchema,
  scoreHonest,
} from '../../../inference/audit/calibration-run.ts'
import { AuditError } from '../../../inference/audit/errors.ts'
import type { Engine, LoadedModel } from '../../../inference/engine.ts'
import type { CalibrationMeasurement } from '../../../protocol/messages/calibration.ts'
import type { Clock } from '../../clock.ts'

export interface CalibrationJobOptions extends CalibrationPlan {
  /** A file of outputs made elsewhere to be audited, in place of own ones. */
  outputsFrom: string | null
  /** Where own outputs are written to be audited elsewhere; nothing is audited here then. */
  outputsTo: string | null
}

export interface CalibrationJobModules {
  engine: Engine
  clock: Clock
  signal: AbortSignal
  onProgress: (progress: CalibrationProgress) => void
}

/**
 * Makes honest outputs and audits them, both with this node's own engine; or one half of it.
 * @returns null where the outputs were written to be audited elsewhere
 * @throws {EngineError} as `Engine.generate` and `Engine.score`; {AuditError} ABSURD where the file of outputs is none or
 * of another model; what the file system says
 */
export async function calibrationJob(
  model: LoadedModel,
  options: CalibrationJobOptions,
  { engine, clock, signal, onProgress }: CalibrationJobModules,
): Promise<CalibrationMeasurement | null> {
  const modules = { engine, signal, onProgress, nowMs: () => clock.nowMs(), seed: freshSeed }
  const { outputsFrom, outputsTo } = options
  const outputs =
    outputsFrom === null ? await generateHonest(model, options, modules) : await readOutputs(outputsFrom)
  if (outputs.model !== model.id) {
    throw new AuditError('ABSURD', `the outputs in ${outputsFrom} are of another model`, {
      fix: `Give --model a file with the digest of ${outputs.model}.`,
      details: { expected: model.id, actual: outputs.model },
    })
  }
  if (outputsTo === null) return scoreHonest(model, outputs, modules)
  await writeFile(outputsTo, JSON.stringify(outputs))
  return null
}

async function readOutputs(path: string): Promise<HonestOutputs> {
  const text = await readFile(path, 'utf8')
  try {
    return honestOutputsSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new AuditError('ABSURD', `${path} holds no outputs to calibrate with`, {
      fix: 'Make it with shoal audit calibrate --outputs-to on the other machine.',
      cause,
    })
  }
}

function freshSeed(): string {
  return `0x${randomBytes(32).toString('hex')}`
}
