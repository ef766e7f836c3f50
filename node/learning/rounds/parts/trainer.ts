import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readAdapterFile, writeAdapterFile } from '../../../../inference/learning/adapter-file.ts'
import type { Trainer, TrainingJob } from '../../../../inference/learning/trainer.ts'
import { trainingSettingsSchema } from '../../../../inference/learning/training-settings.ts'
import { parseModelId } from '../../../../protocol/ids.ts'
import type { DataFormat, RoundManifest } from '../../../../protocol/messages/learning/round-manifest.ts'
import type { PrivacyClaim } from '../../../../protocol/messages/learning/update-reveal.ts'
import { epsilonOf } from '../../aggregation/privacy/accountant.ts'
import { privatise } from '../../aggregation/privacy/privatise.ts'
import type { DataSet, TrainingFiles } from '../../data/data-set.ts'
import type { LearningLifecycle } from '../../lifecycle/lifecycle.ts'
import type { BaseModels } from '../../scoring/round-base.ts'
import type { RoundContext, RoundTrainer, RoundTrainingProgress, TrainedUpdate } from '../seams.ts'
import { ANY_DOMAIN } from './any-domain.ts'
import { moduleKinds } from './bases.ts'
import type { UpdateCodec } from './codec.ts'
import { roundFactors } from './round-factors.ts'

export interface LocalTrainerModules {
  trainer: Trainer
  data: {
    list(): Promise<DataSet[]>
    trainingFiles(domain: string | null): Promise<TrainingFiles>
  }
  lifecycle: Pick<LearningLifecycle, 'run'>
  bases: BaseModels
  codec: UpdateCodec
}

/** Trains this node's update of a round: on the owner's data, when the lifecycle lets it. */
export class LocalTrainer implements RoundTrainer {
  readonly #folder: string
  readonly #modules: LocalTrainerModules

  /** @param options.folder for files of rounds */
  constructor(options: { folder: string }, modules: LocalTrainerModules) {
    this.#folder = options.folder
    this.#modules = modules
  }

  async domainFor(manifest: RoundManifest): Promise<string | null> {
    const { data, bases } = this.#modules
    const sets = (await data.list()).filter(({ rows }) => rows > 0)
    const fitting = sets.filter(({ domain }) => [domain, ANY_DOMAIN].includes(manifest.domain))
    if (fitting.length === 0) return null
    try {
      moduleKinds(manifest)
      await bases.find(manifest.base)
    } catch {
      // What this version cannot train, or has not, others do.
      return null
    }
    return fitting.sort((a, b) => b.rows - a.rows || (a.domain < b.domain ? -1 : 1))[0]!.domain
  }

  async train(
    context: RoundContext,
    options: { signal: AbortSignal; onProgress: (progress: RoundTrainingProgress) => void },
  ): Promise<TrainedUpdate> {
    const { round, manifest } = context
    const { lifecycle, trainer, codec } = this.#modules
    const folder = join(this.#folder, round)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const done = join(folder, 'trained.json')
    const before = await readTrained(done)
    if (before !== null) return before
    const { signal, onProgress } = options
    const job = await this.#job(context, folder)
    const result = await lifecycle
      .run(
        {
          name: `round ${manifest.name}`,
          kind: 'learning',
          begin: ended => trainer.train(job.training, { signal: ended, onProgress }),
        },
        { signal },
      )
      .finally(() => job.release())
    const privacy = await this.#privatise(context, job.training.outPath)
    const sent = await codec.encode(context, job.training.outPath, folder)
    const trained = { ...sent, privacy, tokens: result.tokens, domain: job.domain }
    await writeFile(done, JSON.stringify(trained), { mode: 0o600 })
    return trained
  }

  async #job(
    { round, manifest, parentPath }: RoundContext,
    folder: string,
  ): Promise<{ training: TrainingJob; domain: string; release: () => Promise<void> }> {
    const { data, bases } = this.#modules
    const domain = (await this.domainFor(manifest)) ?? manifest.domain
    const base = await bases.find(manifest.base)
    const files = await data.trainingFiles(manifest.domain === ANY_DOMAIN ? null : manifest.domain)
    const written: string[] = []
    const release = async () => {
      await files.release()
      await Promise.all(written.map(path => rm(path, { force: true })))
    }
    try {
      const inForm = async (path: string, name: string) => {
        if (manifest.format === 'any') return path
        // Where it is removed, too, when this process ends without a word.
        const kept = join(dirname(path), name)
        written.push(kept)
        await writeFile(kept, await rowsOfFormat(path, manifest.format), { mode: 0o600 })
        return kept
      }
      const { steps, batchRows, rowTokens, accumulation, learningRate, seed } = manifest.training
      const settings = trainingSettingsSchema.parse({
        ...{ steps, batchRows, rowTokens, accumulation, learningRate, seed },
        ...{ rank: manifest.rank, alpha: manifest.alpha, modules: moduleKinds(manifest) },
        freezeA: manifest.freezeA,
      })
      const training: TrainingJob = {
        base: { path: base.path, digest: `sha256:${parseModelId(manifest.base)!.sha256}` },
        name: manifest.name,
        metadata: { 'shoal.round': round },
        dataPath: await inForm(files.train, 'train-of-form.jsonl'),
        heldOutPath: files.heldOut === null ? null : await inForm(files.heldOut, 'held-out-of-form.jsonl'),
        outPath: join(folder, 'update.gguf'),
        ...{ settings, initial: parentPath, checkpointPath: join(folder, 'checkpoint') },
      }
      return { training, domain, release }
    } catch (error) {
      await release()
      throw error
    }
  }

  /** Clips and adds noise, where the round asks for it; in place, so that what is not private is nowhere. */
  async #privatise(context: RoundContext, path: string): Promise<PrivacyClaim | null> {
    const { privacy } = context.manifest
    if (privacy === null) return null
    const { clipNorm, noiseMultiplier, deltaExponent } = privacy
    const parent = await roundFactors(context, this.#modules)
    const { adapter } = privatise(await readAdapterFile(path), parent, { clipNorm, noiseMultiplier })
    await writeAdapterFile(path, adapter)
    const delta = 10 ** -deltaExponent
    const epsilon = Math.min(MAX_EPSILON, epsilonOf({ noiseMultiplier, rounds: 1, delta }))
    return { epsilon, delta, clipNorm, noiseMultiplier }
  }
}

/** What an earlier process has finished; noise is added only once. */
async function readTrained(path: string): Promise<TrainedUpdate | null> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as TrainedUpdate
  } catch {
    return null
  }
}

/** Without noise there is no bound; a message must hold a number. */
const MAX_EPSILON = 1e9

/** The lines of a JSONL file that are of a form. */
async function rowsOfFormat(path: string, format: Exclude<DataFormat, 'any'>): Promise<string> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter(line => line !== '')
  return lines
    .filter(line => format in (JSON.parse(line) as object))
    .map(line => `${line}\n`)
    .join('')
}
