import { z } from 'zod'
import { BLOCK_MODULES } from './block-modules.ts'

const MODULE_KINDS = [...BLOCK_MODULES, 'output'] as const

const positiveInteger = (max: number) => z.int().min(1).max(max)

/** How an adapter is trained. Every field has a default: `trainingSettingsSchema.parse({})`. */
export const trainingSettingsSchema = z.strictObject({
  /** Inner dimension of the adapter. */
  rank: positiveInteger(256).default(8),
  /** ΔW = (alpha/rank)·B·A. */
  alpha: z.number().positive().max(4_096).default(16),
  /** Kinds of linear layers that learn, in every block; `output` is the one after the last block. */
  modules: z
    .array(z.enum(MODULE_KINDS))
    .min(1)
    .max(MODULE_KINDS.length)
    .refine(kinds => new Set(kinds).size === kinds.length, 'names a kind of layer twice')
    .default([...BLOCK_MODULES]),
  /** Steps of the optimiser. */
  steps: positiveInteger(1_000_000).default(200),
  /** Rows computed at once. */
  batchRows: positiveInteger(256).default(4),
  /** Tokens of a row; several short examples share one. */
  rowTokens: positiveInteger(8_192).default(256),
  /** Batches whose gradients make one step. */
  accumulation: positiveInteger(1_024).default(1),
  /** At the top of the schedule. */
  learningRate: z.number().positive().max(1).default(3e-3),
  /** What the cosine ends at, as a share of `learningRate`. */
  finalLearningRateShare: z.number().min(0).max(1).default(0.05),
  /** Share of the steps in which the rate rises from nothing. */
  warmupShare: z.number().min(0).max(1).default(0.05),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.99),
  epsilon: z.number().positive().max(1).default(1e-8),
  /** Decoupled weight decay. */
  weightDecay: z.number().min(0).max(1).default(0),
  /** The largest norm that all gradients together may have. */
  clipNorm: z.number().positive().max(1e6).default(1),
  /** Order of the examples and the first A come from it. */
  seed: z.int().min(0).max(0xffff_ffff).default(42),
  /** Share of the examples that are set aside to be measured, where no held-out text is given. */
  heldOutShare: z.number().min(0).max(0.9).default(0),
  /** Steps between measurements on the held-out text; 0 measures only at the end. */
  evaluateEverySteps: z.int().min(0).max(1_000_000).default(20),
  /** Measurements without a better held-out loss after which training ends; 0 goes on to the last step. */
  patience: z.int().min(0).max(10_000).default(0),
  /** Steps between checkpoints; 0 makes none. */
  checkpointEverySteps: z.int().min(0).max(1_000_000).default(50),
  /** A stays as the seed made it and only B learns (FFA-LoRA, arXiv 2403.12313). */
  freezeA: z.boolean().default(false),
  /** Where the mathematics runs: `auto` takes a GPU where there is one. */
  backend: z.enum(['auto', 'wasm', 'webgpu']).default('auto'),
})

export type TrainingSettings = z.infer<typeof trainingSettingsSchema>
export type ModuleKind = (typeof MODULE_KINDS)[number]
