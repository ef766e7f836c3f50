import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { AdapterSource, Engine, ModelSource } from '../../../inference/engine.ts'
import type { Adapter } from '../../../inference/learning/adapter.ts'
import {
  adapterModelId,
  readAdapterFile,
  writeAdapterFile,
} from '../../../inference/learning/adapter-file.ts'
import { adapterShapeOf } from '../../../inference/learning/adapter-shape.ts'
import { BLOCK_MODULES } from '../../../inference/learning/block-modules.ts'
import { asPrivate } from '../../../inference/learning/private-adapter.ts'
import { reduceToRank, stack } from '../../../inference/learning/stacking.ts'
import { measureSurprise, type Surprise } from '../../../inference/learning/surprise.ts'
import type { Trainer, TrainingJob, TrainingProgress } from '../../../inference/learning/trainer.ts'
import {
  type ModuleKind,
  type TrainingSettings,
  trainingSettingsSchema,
} from '../../../inference/learning/training-settings.ts'
import type { ModelIdentifier } from '../../../inference/models/identity.ts'
import type { Clock } from '../../clock.ts'
import { writePrivateFile } from '../../data-dir.ts'
import type { DataBook } from '../data/data-book.ts'
import type { LearningLifecycle } from '../lifecycle/lifecycle.ts'
import { TwinError } from './errors.ts'
import { rankThatFits, twinShape } from './twin-shape.ts'
import { sampleRows, writeBySurprise } from './twin-text.ts'

export interface TwinOptions {
  /** `learning/twin` of the data folder. */
  folder: string
}

export interface TwinModules {
  book: Pick<DataBook, 'trainingFiles'>
  engine: Pick<Engine, 'start' | 'load' | 'unload' | 'measureLoss'>
  trainer: Pick<Trainer, 'train'>
  /** Null trains at once: in a process that does nothing else. */
  lifecycle: Pick<LearningLifecycle, 'run'> | null
  identifier: ModelIdentifier
  clock: Clock
}

export interface TwinRequest {
  base: ModelSource
  /** A shared adapter that the twin is worn on top of; null for none. */
  under: AdapterSource | null
  /** Null takes all data. */
  domain: string | null
  settings?: Partial<TrainingSettings>
}

/** What a twin is, and what it is good for. */
export const twinStatusSchema = z.strictObject({
  base: z.string(),
  /** Digest of the base's file. */
  baseDigest: z.string(),
  under: z.nullable(z.string()),
  domain: z.nullable(z.string()),
  trainedAtMs: z.int(),
  bytes: z.int(),
  rank: z.int(),
  /** Nats per token of held-out text of the owner's, without the twin and with it. */
  heldOut: z.strictObject({ rows: z.int(), tokens: z.int(), before: z.number(), after: z.number() }),
  surprise: z.strictObject({
    rows: z.int(),
    median: z.number(),
    garbage: z.int(),
    draws: z.strictObject({ most: z.int(), least: z.int() }),
  }),
  steps: z.int(),
  /** Share of what was learnt that did not fit. */
  discardedEnergy: z.number(),
})
export type TwinStatus = z.infer<typeof twinStatusSchema>

export type TwinProgress =
  | { stage: 'measuring' | 'judging'; rows: number }
  | ({ stage: 'training' } & TrainingProgress)

const ADAPTER = 'twin.gguf'
const STATUS = 'twin.json'
/** Held to what a person waits for: a few minutes of measuring on a small machine. */
const MAX_MEASURED_ROWS = 1_024
const MAX_JUDGED_ROWS = 256
const MIN_ROWS = 4
const PASSES = 3
const MAX_STEPS = 2_000
const MIN_STEPS = 20

/**
 * An adapter of the owner's, of the owner's own text, for the owner's own tasks. What surprised the model is learnt more
 * often, within bounds. Its file says that it is private, which every door to other nodes refuses; nothing but `forOwnEngine` tells
 * where it lies.
 */
export class Twin {
  readonly #folder: string
  readonly #modules: TwinModules
  #busy = false

  constructor(options: TwinOptions, modules: TwinModules) {
    this.#folder = options.folder
    this.#modules = modules
  }

  /** Null where there is none. */
  async status(): Promise<TwinStatus | null> {
    const text = await readFile(join(this.#folder, STATUS), 'utf8').catch(() => null)
    if (text === null) return null
    return twinStatusSchema.parse(JSON.parse(text))
  }

  /** For this node's own engine alone: what it wears besides what is shared. Null where there is none. */
  async forOwnEngine(): Promise<(AdapterSource & { base: string; under: string | null }) | null> {
    const status = await this.status()
    if (status === null) return null
    const path = join(this.#folder, ADAPTER)
    const id = adapterModelId(await readAdapterFile(path))
    return { path, scale: 1, id, base: status.base, under: status.under }
  }

  /** Removes it and all that was made on the way. Idempotent. @returns whether there was one */
  async forget(): Promise<boolean> {
    if (this.#busy) throw busy()
    const had = (await this.status()) !== null
    await rm(this.#folder, { recursive: true, force: true })
    return had
  }

  /**
   * Trains a twin anew, in place of one there is; that stays where the new one is no better than none.
   * @throws {TwinError} TWIN_NO_DATA, TWIN_TOO_LARGE, TWIN_NO_GAIN, TWIN_BUSY
   * @throws {ShoalError} of the data, the engine and the trainer
   */
  async train(
    request: TwinRequest,
    options: { signal?: AbortSignal; onProgress?: (progress: TwinProgress) => void } = {},
  ): Promise<TwinStatus> {
    if (this.#busy) throw busy()
    this.#busy = true
    try {
      return await this.#train(request, options)
    } finally {
      this.#busy = false
    }
  }

  async #train(
    { base, under, domain, settings: wished = {} }: TwinRequest,
    {
      signal,
      onProgress = () => {},
    }: { signal?: AbortSignal; onProgress?: (progress: TwinProgress) => void },
  ): Promise<TwinStatus> {
    const { book, engine, identifier, clock } = this.#modules
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const shape = await adapterShapeOf(base.path, { identifier })
    const shared = under === null ? null : await readAdapterFile(under.path)
    const form = shared === null ? twinShape(shape) : sharedForm(shared)
    const files = await book.trainingFiles(domain)
    try {
      if (files.heldOut === null || files.trainRows < MIN_ROWS) throw tooLittle(files.trainRows)
      const rows = await sampleRows(files.train, files.trainRows, MAX_MEASURED_ROWS)
      onProgress({ stage: 'measuring', rows: rows.length })
      await engine.start()
      const surprises = await measureSurprise(engine, this.#wearing(base, under, []), rows, signal)
      const text = join(dirname(files.train), 'surprise.jsonl')
      const seed = wished.seed ?? 42
      const surprise = await writeBySurprise(text, rows, surprises, (seed % 1_000) / 1_000)
      const tokens = surprises.reduce((sum, row) => sum + row.tokens, 0)
      const settings = trainingSettingsSchema.parse({
        ...{ rank: form.rank, alpha: shared?.alpha ?? 2 * form.rank, modules: form.modules, patience: 4 },
        steps: stepsFor(tokens, wished),
        ...wished,
      })
      const made = join(this.#folder, 'trained.gguf')
      const result = await this.#run(
        {
          base: { path: base.path, digest: shape.digest },
          dataPath: text,
          heldOutPath: files.heldOut,
          outPath: made,
          settings,
          initial: under?.path ?? null,
          checkpointPath: join(this.#folder, 'checkpoint'),
        },
        progress => onProgress({ stage: 'training', ...progress }),
        signal,
      )
      const trained = await readAdapterFile(made)
      const { adapter, discardedEnergy } = beyond(trained, shared)
      const candidate = join(this.#folder, 'candidate.gguf')
      const { bytes } = await writeAdapterFile(candidate, asPrivate({ ...adapter, name: 'twin' }))
      await chmod(candidate, 0o600)
      await rm(made, { force: true })

      const judged = await sampleRows(files.heldOut, files.heldOutRows, MAX_JUDGED_ROWS)
      onProgress({ stage: 'judging', rows: judged.length })
      const before = await measureSurprise(engine, this.#wearing(base, under, []), judged, signal)
      const after = await measureSurprise(
        engine,
        this.#wearing(base, under, [{ path: candidate, scale: 1 }]),
        judged,
        signal,
      )
      const heldOut = { rows: judged.length, ...gain(before, after) }
      if (!(heldOut.after < heldOut.before)) {
        await rm(candidate, { force: true })
        throw noGain(heldOut)
      }
      const status: TwinStatus = {
        base: base.id,
        baseDigest: shape.digest,
        under: under?.id ?? null,
        ...{ domain, bytes, rank: adapter.rank, heldOut, surprise, steps: result.steps, discardedEnergy },
        trainedAtMs: clock.nowMs(),
      }
      await rename(candidate, join(this.#folder, ADAPTER))
      await writePrivateFile(join(this.#folder, STATUS), `${JSON.stringify(status, null, 2)}\n`)
      return status
    } finally {
      await files.release()
    }
  }

  #run(job: TrainingJob, onProgress: (progress: TrainingProgress) => void, signal: AbortSignal | undefined) {
    const { trainer, lifecycle } = this.#modules
    const own = signal === undefined ? {} : { signal }
    if (lifecycle === null) return trainer.train(job, { ...own, onProgress })
    return lifecycle.run(
      {
        name: 'training of the personal twin',
        kind: 'learning',
        begin: ended => trainer.train(job, { signal: ended, onProgress }),
      },
      own,
    )
  }

  /** Under a name of its own, so that nothing that is served is touched. */
  #wearing(base: ModelSource, under: AdapterSource | null, over: readonly AdapterSource[]): ModelSource {
    const adapters = [...(under === null ? [] : [under]), ...over]
    const digest = base.id.split('@sha256:')[1] ?? ''
    return { id: `twin-measured-${over.length}@sha256:${digest}`, path: base.path, base: base.id, adapters }
  }
}

/** What was learnt beyond what is shared: the difference of the two, as exact as a twin's size allows. */
function beyond(trained: Adapter, shared: Adapter | null): { adapter: Adapter; discardedEnergy: number } {
  if (shared === null) return { adapter: trained, discardedEnergy: 0 }
  const parts = [
    { adapter: trained, weight: 1 },
    { adapter: shared, weight: -1 },
  ]
  const rank = Math.min(rankThatFits(shared.modules), trained.rank + shared.rank)
  if (rank === 0)
    throw new TwinError('TWIN_TOO_LARGE', 'no twin on top of this adapter is small enough', {
      fix: 'Train it on the base alone.',
    })
  return reduceToRank(stack(parts), { rank, alpha: rank, name: 'twin' })
}

function sharedForm({ rank, modules }: Adapter): { rank: number; modules: ModuleKind[] } {
  const kinds = [...BLOCK_MODULES, 'output' as const]
  return {
    rank,
    modules: kinds.filter(kind => modules.some(({ name }) => name === kind || name.endsWith(`.${kind}`))),
  }
}

/** A few passes over the text. */
function stepsFor(
  tokens: number,
  { batchRows = 4, rowTokens = 256, accumulation = 1 }: Partial<TrainingSettings>,
): number {
  const steps = Math.ceil((PASSES * tokens) / (batchRows * rowTokens * accumulation))
  return Math.min(MAX_STEPS, Math.max(MIN_STEPS, steps))
}

/** Nats per token over all rows. */
function gain(
  before: readonly (Surprise & { loss: number })[],
  after: readonly (Surprise & { loss: number })[],
): { tokens: number; before: number; after: number } {
  const tokens = before.reduce((sum, row) => sum + row.tokens, 0)
  const mean = (rows: typeof before) => rows.reduce((sum, row) => sum + row.loss * row.tokens, 0) / tokens
  return { tokens, before: mean(before), after: mean(after) }
}

function busy(): TwinError {
  return new TwinError('TWIN_BUSY', 'the twin is being trained', {
    fix: 'Wait until it is done, or cancel it first.',
  })
}

function tooLittle(rows: number): TwinError {
  return new TwinError('TWIN_NO_DATA', `${rows} rows are too few to train a twin on and measure it`, {
    fix: 'Add more text of your own: shoal learn add FOLDER',
  })
}

function noGain({ before, after }: { before: number; after: number }): TwinError {
  return new TwinError(
    'TWIN_NO_GAIN',
    `your held-out text is foretold no better with the twin (${after.toFixed(3)} nats per token, ${before.toFixed(3)} without)`,
    { fix: 'Add more text of your own, or train with fewer --steps.', details: { before, after } },
  )
}
