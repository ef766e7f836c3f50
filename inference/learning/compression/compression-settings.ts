import { z } from 'zod'

/**
 * How much of an update is told. What is left out is not lost: the sender adds it to its next update.
 */
export const compressionSettingsSchema = z.strictObject({
  /** Share of the weights that are sent, the most important ones. */
  density: z.number().positive().max(1).default(0.5),
  /** Bits of each of them, its sign included. */
  bits: z.int().min(1).max(8).default(2),
  /** Weights that share a scale; a power of two. */
  blockLength: z
    .int()
    .min(64)
    .max(65_536)
    .refine(length => Number.isInteger(Math.log2(length)), 'must be a power of two')
    .default(4_096),
  /** Share of what was left out that is still wanted a round later: others have learned since (SparseLoCo's β, arXiv 2508.15706). */
  residualShare: z.number().min(0).max(1).default(0.95),
})

export type CompressionSettings = z.infer<typeof compressionSettingsSchema>
