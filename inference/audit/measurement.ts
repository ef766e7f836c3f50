import { z } from 'zod'
import { MODEL_ID_PATTERN } from '../../protocol/ids.ts'
import { backendSchema } from '../../protocol/messages/backend.ts'
import { type Assessment, SAMPLER_IDS, type SamplerId } from './assessment.ts'
import { CATEGORIES, CELLS, STATISTIC_VERSION, WON } from './cells.ts'
import { AuditError } from './errors.ts'

/** What a calibration holds for: honest outputs differ between these. */
export interface CalibrationKey {
  model: string
  /** As the model file says, `Q8_0`. */
  quantization: string
  providerBackend: z.infer<typeof backendSchema>
  auditorBackend: z.infer<typeof backendSchema>
  sampler: SamplerId
}

/** Receipts of one prompt, pooled: they vary together. */
export interface PromptCounts {
  receipts: number
  /** `[cell, tokens]` of each cell that has any, by rising cell. */
  cells: readonly (readonly [cell: number, tokens: number])[]
}

/** What one node counted in outputs it knows to be honest: small enough to be told to others, who bound it themselves. */
export interface Measurement {
  version: typeof STATISTIC_VERSION
  key: CalibrationKey
  /** Of the engine that scored them. */
  engineRelease: string
  measuredAtMs: number
  prompts: readonly PromptCounts[]
}

export const MAX_PROMPTS = 512
const MAX_TOKENS_PER_PROMPT = 1_000_000
const MAX_RECEIPTS_PER_PROMPT = 1_000

/** Fewer say too little of what an honest node's worst prompts look like. */
export const MIN_PROMPTS = 60
export const MIN_TOKENS = 8_000
/** An honest node that disagrees with an auditor more often than this runs something else. */
const MIN_MATCH_RATE = 0.9
/** Half of all that went wrong in so few prompts is no noise. */
const MIN_PROMPTS_OF_HALF = 3

export const calibrationKeySchema: z.ZodType<CalibrationKey> = z.strictObject({
  model: z.string().regex(MODEL_ID_PATTERN),
  quantization: z.string().regex(/^[A-Za-z0-9_]{1,24}$/),
  providerBackend: backendSchema,
  auditorBackend: backendSchema,
  sampler: z.enum(SAMPLER_IDS),
})

const promptCountsSchema = z.strictObject({
  receipts: z.int().min(1).max(MAX_RECEIPTS_PER_PROMPT),
  cells: z
    .array(
      z.tuple([
        z
          .int()
          .min(0)
          .max(CELLS - 1),
        z.int().min(1).max(MAX_TOKENS_PER_PROMPT),
      ]),
    )
    .max(CELLS)
    .refine(cells => cells.every(([cell], index) => index === 0 || cells[index - 1]![0] < cell)),
})

export const measurementSchema: z.ZodType<Measurement> = z.strictObject({
  version: z.literal(STATISTIC_VERSION),
  key: calibrationKeySchema,
  engineRelease: z.string().max(32),
  measuredAtMs: z.int().min(0),
  prompts: z.array(promptCountsSchema).min(1).max(MAX_PROMPTS),
})

/** One text for one key. */
export function calibrationKeyText(key: CalibrationKey): string {
  return [key.model, key.quantization, key.providerBackend, key.auditorBackend, key.sampler].join('|')
}

/**
 * Pools the honest receipts of one prompt.
 * @throws {AuditError} MISMATCH where they are of different samplers
 */
export function countPrompt(assessments: readonly Assessment[]): PromptCounts {
  if (new Set(assessments.map(({ sampler }) => sampler)).size > 1) {
    throw new AuditError('MISMATCH', 'assessments of different samplers do not go together')
  }
  const cells = Array.from({ length: CELLS }, (_, cell): [number, number] => [
    cell,
    assessments.reduce((sum, assessment) => sum + assessment.cells[cell]!, 0),
  ])
  return { receipts: assessments.length, cells: cells.filter(([, tokens]) => tokens > 0) }
}

/**
 * Refuses a measurement nobody should be judged by.
 * @throws {AuditError} TOO_FEW_SAMPLES, ABSURD
 */
export function checkMeasurement(measurement: Measurement): void {
  const { prompts } = measurement
  const tokensOf = (counts: PromptCounts) => counts.cells.reduce((sum, [, tokens]) => sum + tokens, 0)
  const lostOf = (counts: PromptCounts) =>
    counts.cells.reduce((sum, [cell, tokens]) => sum + (cell % CATEGORIES === WON ? 0 : tokens), 0)
  const tokens = prompts.reduce((sum, counts) => sum + tokensOf(counts), 0)
  if (prompts.length < MIN_PROMPTS || tokens < MIN_TOKENS) {
    throw new AuditError(
      'TOO_FEW_SAMPLES',
      `a calibration needs ${MIN_PROMPTS} prompts and ${MIN_TOKENS} tokens, this one has ${prompts.length} and ${tokens}`,
      { fix: 'Calibrate with more --prompts or --samples.', details: { prompts: prompts.length, tokens } },
    )
  }
  const lost = prompts.map(lostOf).sort((a, b) => b - a)
  const allLost = lost.reduce((sum, count) => sum + count, 0)
  const ofFew = lost.slice(0, MIN_PROMPTS_OF_HALF - 1).reduce((sum, count) => sum + count, 0)
  const isLumped = allLost > 40 && ofFew > allLost / 2
  if (allLost > tokens * (1 - MIN_MATCH_RATE) || isLumped) {
    throw new AuditError(
      'ABSURD',
      'honest outputs do not differ so much from what the auditor’s model says of them',
      {
        fix: 'Check that provider and auditor run the same model file, and measure again.',
        details: { tokens, lost: allLost },
      },
    )
  }
}
