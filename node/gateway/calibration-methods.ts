import { z } from 'zod'
import { MAX_PROMPTS_PER_CALIBRATION } from '../../protocol/messages/calibration.ts'

/** Outputs of one prompt. */
const MAX_SAMPLES = 64
const MAX_PATH_CHARS = 4_096

const path = z.nullable(z.string().min(1).max(MAX_PATH_CHARS))

/** The commands about calibrations of audits; part of `controlMethods`. */
export const calibrationMethods = {
  /** Streams how far it is; the caller going away cancels it. */
  calibrate: z.strictObject({
    /** One that is loaded: its id, or its name where that is enough. */
    model: z.string().min(1).max(200),
    prompts: z.int().min(1).max(MAX_PROMPTS_PER_CALIBRATION),
    samples: z.int().min(1).max(MAX_SAMPLES),
    outputsFrom: path.default(null),
    outputsTo: path.default(null),
  }),
  calibrations: z.strictObject({}),
} as const
