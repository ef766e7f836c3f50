import { z } from 'zod'
import { isShoalError, type ShoalError } from '../../../protocol/errors.ts'
import { EngineError } from '../../engine.ts'
import { ModelError } from '../../models/errors.ts'
import { MODEL_DIGEST_PATTERN } from '../adapter.ts'
import { AdapterError, LearningError } from '../errors.ts'
import { trainingSettingsSchema } from '../training-settings.ts'

/** What the node and the training process say to each other. */

const digest = z.string().regex(MODEL_DIGEST_PATTERN)
const path = z.string().min(1).max(4_096)

export const trainingJobSchema = z.strictObject({
  base: z.strictObject({ path, digest }),
  name: z.string().max(64).optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  dataPath: path,
  heldOutPath: path.nullable(),
  outPath: path,
  settings: trainingSettingsSchema,
  initial: path.nullable(),
  checkpointPath: path.nullable(),
})

export const toTrainerSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('train'),
    job: trainingJobSchema,
    maxMemoryBytes: z.int().positive().nullable(),
    threads: z.int().min(1).max(1_024),
  }),
  /** Takes in what another program made, as the adapter of this job. */
  z.strictObject({ type: z.literal('import'), job: trainingJobSchema, from: path }),
  /** Holds up training between batches; for systems that cannot stop a process. */
  z.strictObject({ type: z.literal('pause') }),
  /** Goes on; the time that it was held up counts for no rate. */
  z.strictObject({ type: z.literal('resume'), pausedMs: z.number().min(0) }),
])
export type ToTrainer = z.infer<typeof toTrainerSchema>

const count = z.int().min(0)
const progressSchema = z.strictObject({
  step: count,
  steps: count,
  loss: z.number(),
  heldOutLoss: z.number().nullable(),
  learningRate: z.number(),
  gradientNorm: z.number(),
  tokensPerSecond: z.number(),
  elapsedMs: z.number(),
})

const textReportSchema = z.strictObject({
  examples: count,
  splitExamples: count,
  droppedExamples: count,
  rows: count,
  answerTokens: count,
  heldOutExamples: count,
})

const resultSchema = z.strictObject({
  steps: count,
  loss: z.number(),
  heldOutLoss: z.number().nullable(),
  digest,
  bytes: count,
  tokens: count,
  tokensPerSecond: z.number(),
  ended: z.enum(['budget', 'early_stop']),
  resumedAtStep: count,
  text: textReportSchema.nullable(),
})

const failureSchema = z.strictObject({
  room: z.enum(['learning', 'adapter', 'model', 'engine', 'defect']),
  code: z.string().max(64),
  message: z.string(),
  fix: z.string().nullable(),
  details: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]),
  ),
})
export type TrainerFailure = z.infer<typeof failureSchema>

export const fromTrainerSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('progress'), progress: progressSchema }),
  z.strictObject({ type: z.literal('paused') }),
  z.strictObject({ type: z.literal('trained'), result: resultSchema }),
  z.strictObject({ type: z.literal('imported'), digest, bytes: count }),
  z.strictObject({ type: z.literal('failed'), failure: failureSchema }),
])
export type FromTrainer = z.infer<typeof fromTrainerSchema>

const ROOMS = [
  ['learning', LearningError],
  ['adapter', AdapterError],
  ['model', ModelError],
  ['engine', EngineError],
] as const

/** An error as it crosses. What is no ShoalError is a defect, with its stack. */
export function toFailure(error: unknown): TrainerFailure {
  if (!isShoalError(error)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return {
      room: 'defect',
      code: 'TRAINER_CRASHED',
      message: message.slice(0, 4_000),
      fix: null,
      details: {},
    }
  }
  const room = ROOMS.find(([, Room]) => error instanceof Room)?.[0] ?? 'defect'
  const { code, message, fix = null, details } = error
  return {
    ...{ room, code, message, fix },
    details: Object.fromEntries(
      Object.entries(details).map(([key, value]) => [key, Array.isArray(value) ? [...value] : value]),
    ) as TrainerFailure['details'],
  }
}

/** The inverse of `toFailure`. */
export function fromFailure({ room, code, message, fix, details }: TrainerFailure): ShoalError {
  const Room = ROOMS.find(([name]) => name === room)?.[1]
  const options = { ...(fix === null ? {} : { fix }), details }
  if (Room !== undefined) return new (Room as typeof ShoalError)(code, message, options)
  return new LearningError('TRAINER_CRASHED', `training failed: ${message}`, {
    fix: 'This is a defect; report it with the message.',
    details,
  })
}
