import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import type { ModelId } from '../ids.ts'
import { backendSchema } from './backend.ts'
import { SAMPLERS, type SamplerId } from './receipt.ts'

/** What a calibration holds for: honest outputs differ between these. */
export interface CalibrationKey {
  model: ModelId
  /** As the model file says, `Q8_0`. */
  quantization: string
  providerBackend: z.infer<typeof backendSchema>
  auditorBackend: z.infer<typeof backendSchema>
  sampler: SamplerId
}

/** Receipts of one prompt, pooled: they vary together. */
export interface PromptCounts {
  receipts: number
  /** `[cell, tokens]` of each cell of the statistic that has any, by rising cell. */
  cells: [cell: number, tokens: number][]
}

/**
 * What a node counted when it audited outputs that it knows to be honest: small enough to be told to others, who
 * bound it themselves.
 */
export interface CalibrationMeasurement {
  version: 1
  /** Which cells there are, and what they mean. */
  statistic: number
  key: CalibrationKey
  /** Of the engine that scored them. */
  engineRelease: string
  measuredAtMs: number
  prompts: PromptCounts[]
}

export const MAX_PROMPTS_PER_CALIBRATION = 512
const MAX_RECEIPTS_PER_PROMPT = 1_000
const MAX_TOKENS_PER_CELL = 1_000_000
const MAX_CELLS = 256

const cellCount = z.tuple([
  z
    .int()
    .min(0)
    .max(MAX_CELLS - 1),
  z.int().min(1).max(MAX_TOKENS_PER_CELL),
])

export const calibrationMessage: MessageDefinition<CalibrationMeasurement> = {
  type: 'calibration',
  maxBytes: 61_440,
  schema: z.strictObject({
    version: z.literal(1),
    statistic: z.int().min(1).max(65_535),
    key: z.strictObject({
      model: wire.modelId,
      quantization: z.string().regex(/^[A-Za-z0-9_]{1,24}$/),
      providerBackend: backendSchema,
      auditorBackend: backendSchema,
      sampler: z.enum(SAMPLERS),
    }),
    engineRelease: z.string().max(32),
    measuredAtMs: wire.timeMs,
    prompts: z
      .array(
        z.strictObject({
          receipts: z.int().min(1).max(MAX_RECEIPTS_PER_PROMPT),
          cells: z
            .array(cellCount)
            .max(MAX_CELLS)
            .refine(cells => cells.every(([cell], index) => index === 0 || cells[index - 1]![0] < cell), {
              message: 'cells must rise',
            }),
        }),
      )
      .min(1)
      .max(MAX_PROMPTS_PER_CALIBRATION),
  }),
}

/** One text for one key. */
export function calibrationKeyText(key: CalibrationKey): string {
  return [key.model, key.quantization, key.providerBackend, key.auditorBackend, key.sampler].join('|')
}
