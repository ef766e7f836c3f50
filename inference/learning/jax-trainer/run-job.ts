import { createHash } from 'node:crypto'
import { access, constants, mkdir, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { RowTokenizer } from '../../llama/row-tokenizer.ts'
import { readGgufHead, textOf } from '../../models/gguf-head.ts'
import type { Adapter, AdapterModule, AdapterShape, ModuleShape } from '../adapter.ts'
import { checkAdapter, importAdapterFile, readAdapterFile, writeAdapterFile } from '../adapter-file.ts'
import { checkMetadata, checkName } from '../adapter-metadata.ts'
import { layersIn, layersOf } from '../adapter-shape.ts'
import { LearningError } from '../errors.ts'
import { initialFactors } from '../initial-factors.ts'
import type { TrainingJob, TrainingProgress, TrainingResult } from '../trainer.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { type JobText, piecesDigest, readJobText } from './job-text.ts'
import { type DifferentiableModel, TrainingLoop, trainedSizes } from './training-loop.ts'

/** Changes when the same job would give other bytes than before. */
const RECIPE_VERSION = 1
const DEFAULT_NAME = 'adapter'

export interface OpenModelOptions {
  path: string
  rank: number
  alpha: number
  modules: readonly string[]
  rows: number
  rowTokens: number
  freezeA: boolean
  backend: 'auto' | 'wasm' | 'webgpu'
}

export interface RunJobModules {
  openTokenizer: (path: string) => Promise<RowTokenizer>
  openModel: (options: OpenModelOptions) => Promise<DifferentiableModel & { close(): void }>
  nowMs: () => number
  onProgress: (progress: TrainingProgress) => void
  /** Awaited between batches: it holds up training that is paused, and rejects to end it. */
  between: () => Promise<void>
}

/**
 * Trains one adapter in this process, from its files to its file.
 * @throws {LearningError} @throws {AdapterError} @throws {ModelError} @throws {EngineError} see `Trainer`
 */
export async function runJob(job: TrainingJob, modules: RunJobModules): Promise<TrainingResult> {
  const { settings } = job
  checkName(job.name ?? DEFAULT_NAME)
  checkMetadata(job.metadata ?? {})
  await prepareFolder(job.outPath)
  await removeUnfinished(job)
  const shape = await shapeOf(job)
  const layers = layersOf(shape, settings.modules)
  const initial = await initialOf(job, shape, layers)
  const text = await readText(job, modules)
  const key = jobKey(job, text, initial)
  const { checkpointPath } = job
  const sizes = trainedSizes(initial, settings.freezeA)
  const state = checkpointPath === null ? null : await readCheckpoint(checkpointPath, key, sizes)
  const resumedAtStep = state?.step ?? 0
  const model = await modules.openModel({
    path: job.base.path,
    rank: settings.rank,
    alpha: settings.alpha,
    modules: settings.modules,
    rows: text.rowCount,
    rowTokens: text.rowTokens,
    freezeA: settings.freezeA,
    backend: settings.backend,
  })
  try {
    const loop = new TrainingLoop(
      { ...text, settings, initial, state },
      {
        model,
        nowMs: modules.nowMs,
        onProgress: modules.onProgress,
        between: modules.between,
        saveCheckpoint: async current => {
          if (checkpointPath !== null) await writeCheckpoint(checkpointPath, key, current)
        },
      },
    )
    const { modules: factors, ...trained } = await loop.run()
    const written = await writeAdapterFile(job.outPath, adapterOf(job, shape, factors))
    if (checkpointPath !== null) await rm(checkpointPath, { force: true })
    return { ...trained, ...written, resumedAtStep, text: text.report }
  } finally {
    model.close()
  }
}

/**
 * Takes in the adapter that another program made of a job, in Shoal's own form.
 * @throws {AdapterError} whatever is wrong with it
 */
export async function importResult(
  job: TrainingJob,
  from: string,
): Promise<{ digest: string; bytes: number }> {
  const { settings } = job
  const shape = await shapeOf(job)
  const adapter = await importAdapterFile(from, { base: shape.digest, name: job.name ?? DEFAULT_NAME })
  checkAdapter(adapter, {
    architecture: shape.architecture,
    base: shape.digest,
    rank: settings.rank,
    alpha: settings.alpha,
    modules: layersOf(shape, settings.modules),
  })
  return await writeAdapterFile(job.outPath, adapterOf(job, shape, adapter.modules))
}

function adapterOf(job: TrainingJob, shape: AdapterShape, modules: readonly AdapterModule[]): Adapter {
  return {
    architecture: shape.architecture,
    name: job.name ?? DEFAULT_NAME,
    rank: job.settings.rank,
    alpha: job.settings.alpha,
    base: shape.digest,
    modules,
    metadata: job.metadata ?? {},
  }
}

/** The digest is the caller's word: reading a base of many GB through takes longer than some trainings. */
async function shapeOf({ base, settings }: TrainingJob): Promise<AdapterShape> {
  const { metadata, tensors } = await readGgufHead(base.path)
  const shape = {
    architecture: textOf(metadata, 'general.architecture') ?? '',
    digest: base.digest,
    modules: layersIn(tensors),
  }
  for (const kind of settings.modules) {
    if (layersOf(shape, [kind]).length > 0) continue
    throw new LearningError('TRAINING_SETTINGS_INVALID', `the base has no layer ${kind}`, {
      fix:
        kind === 'output'
          ? 'Leave output away: this base uses its embeddings in its place.'
          : 'Name only layers that the base has.',
      details: { module: kind },
    })
  }
  return shape
}

async function initialOf(
  { initial, settings }: TrainingJob,
  { architecture, digest }: AdapterShape,
  modules: readonly ModuleShape[],
): Promise<readonly AdapterModule[]> {
  if (initial === null) return initialFactors(modules, settings)
  const adapter = await readAdapterFile(initial)
  const { rank, alpha } = settings
  checkAdapter(adapter, { architecture, base: digest, rank, alpha, modules })
  return adapter.modules
}

async function readText(job: TrainingJob, modules: RunJobModules): Promise<JobText> {
  const tokenizer = await modules.openTokenizer(job.base.path)
  try {
    return await readJobText(job, { tokenizer })
  } finally {
    await tokenizer.close()
  }
}

/** Names all that decides what a job results in. */
function jobKey({ base, settings }: TrainingJob, text: JobText, initial: readonly AdapterModule[]): string {
  const { checkpointEverySteps: _, ...decisive } = settings
  const factors = createHash('sha256')
  for (const { name, a, b } of initial) {
    for (const { buffer, byteOffset, byteLength } of [a, b]) {
      factors.update(`${name} ${byteLength} `).update(new Uint8Array(buffer, byteOffset, byteLength))
    }
  }
  const parts = [
    RECIPE_VERSION,
    base.digest,
    Object.entries(decisive).sort(([x], [y]) => (x < y ? -1 : 1)),
    piecesDigest(text.pieces),
    piecesDigest(text.heldOut),
    factors.digest('hex'),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** What cannot be written is found before the work, not after it. */
async function prepareFolder(outPath: string): Promise<void> {
  const folder = dirname(outPath)
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (error) {
    throw new LearningError('OUTPUT_UNWRITABLE', `nothing can be written to ${folder} (${codeOf(error)})`, {
      fix: 'Name a folder that this user may write to.',
      details: { path: outPath },
      cause: error,
    })
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown error'
}

/** Takes away what a process that was killed left half written. */
async function removeUnfinished({ outPath, checkpointPath }: TrainingJob): Promise<void> {
  for (const path of [outPath, ...(checkpointPath === null ? [] : [checkpointPath])]) {
    const names = await readdir(dirname(path)).catch(() => [])
    const pattern = /^\.[0-9a-f-]{36}\.part$/
    for (const name of names) {
      const isOurs = name.startsWith(basename(path)) && pattern.test(name.slice(basename(path).length))
      if (isOurs) await rm(join(dirname(path), name), { force: true })
    }
  }
}
