import type { ModelDigest } from './adapter.ts'
import type { TrainingSettings } from './training-settings.ts'

/** What is to be learned, from what, and where the result goes. */
export interface TrainingJob {
  base: { path: string; digest: ModelDigest }
  /** The adapter's name; `adapter` when left out. */
  name?: string
  /** Short texts that go with the adapter. */
  metadata?: Readonly<Record<string, string>>
  /** JSONL of examples; see examples/training-text.ts for the forms. */
  dataPath: string
  /** Examples that are only measured; null measures nothing. */
  heldOutPath: string | null
  /** The adapter; it appears whole or not at all, and takes the place of what is there. */
  outPath: string
  settings: TrainingSettings
  /** Adapter file to go on from; null begins anew. */
  initial: string | null
  /** Written now and then, gone on from if it is there and of this very job, removed at the end; of another job: replaced. */
  checkpointPath: string | null
}

export interface TrainingProgress {
  /** Steps done. */
  step: number
  steps: number
  /** Nats per answer token of the step's batches, before it. */
  loss: number
  /** The last one measured; null before the first. */
  heldOutLoss: number | null
  learningRate: number
  /** Of all gradients together, before clipping. */
  gradientNorm: number
  /** Tokens of rows, filled or not, over the time since the start or the resumption. */
  tokensPerSecond: number
  elapsedMs: number
}

/** What became of the training text. */
export interface TrainingTextReport {
  examples: number
  /** Too long for a row: cut to several, or to the part that fits. */
  splitExamples: number
  /** Examples with nothing left to learn from. */
  droppedExamples: number
  rows: number
  /** Tokens whose prediction is learned, in one pass over the text. */
  answerTokens: number
  heldOutExamples: number
}

export interface TrainingResult {
  /** Steps done; the adapter may be of an earlier one if training ended early. */
  steps: number
  /** Mean over the last steps, nats per answer token. */
  loss: number
  /** Of the adapter that was written; null without held-out text. */
  heldOutLoss: number | null
  /** Digest of the adapter's file. */
  digest: ModelDigest
  bytes: number
  /** Tokens of all rows computed for steps. */
  tokens: number
  tokensPerSecond: number
  ended: 'budget' | 'early_stop'
  /** Steps that a checkpoint had done before. */
  resumedAtStep: number
  /** Null where the trainer does not tell. */
  text: TrainingTextReport | null
}

export interface TrainOptions {
  signal?: AbortSignal
  onProgress?: (progress: TrainingProgress) => void
}

/** A training under way. It can be awaited. */
export interface Training extends PromiseLike<TrainingResult> {
  readonly result: Promise<TrainingResult>
  /**
   * Resolves when it uses no processor any more, which is within 2 s; idempotent.
   * @throws {LearningError} PAUSE_UNAVAILABLE
   */
  pause(): Promise<void>
  resume(): Promise<void>
}

/**
 * Trains adapters. One job at a time per training; it ends by itself, by the signal, or with the node.
 *
 * The result rejects with a LearningError: TRAINING_DATA_INVALID, TRAINING_DATA_EMPTY,
 * TRAINING_SETTINGS_INVALID, BASE_UNSUPPORTED, TRAINING_MEMORY, TRAINING_DIVERGED, TRAINER_CRASHED,
 * TRAINER_PROTOCOL, TRAINER_TIMEOUT, CHECKPOINT_INVALID, CANCELLED; or an AdapterError of `initial`.
 */
export interface Trainer {
  train(job: TrainingJob, options?: TrainOptions): Training
  /** Ends what runs; idempotent. */
  stop(): Promise<void>
}
