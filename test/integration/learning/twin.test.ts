import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AdapterSource, ModelSource } from '../../../inference/engine.ts'
import type { Adapter } from '../../../inference/learning/adapter.ts'
import {
  adapterModelId,
  readAdapterFile,
  writeAdapterFile,
} from '../../../inference/learning/adapter-file.ts'
import { innerProduct } from '../../../inference/learning/factors.ts'
import { JaxTrainer } from '../../../inference/learning/jax-trainer/jax-trainer.ts'
import { reduceToRank, stack } from '../../../inference/learning/stacking.ts'
import type { Trainer, TrainingResult } from '../../../inference/learning/trainer.ts'
import { ProcessEngine } from '../../../inference/llama/process-engine.ts'
import { ModelCatalog } from '../../../inference/models/catalog.ts'
import { ModelIdentifier } from '../../../inference/models/identity.ts'
import { systemClock } from '../../../node/clock.ts'
import { DataBook } from '../../../node/learning/data/data-book.ts'
import { LearningLifecycle } from '../../../node/learning/lifecycle/lifecycle.ts'
import { Twin, type TwinProgress } from '../../../node/learning/twin/twin.ts'
import { MAX_TWIN_BYTES } from '../../../node/learning/twin/twin-shape.ts'
import { ModelServing } from '../../../node/model-serving.ts'
import { BlobStore } from '../../../node/p2p/blobs/blob-store.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import { silentLog } from '../../helpers/hosts.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { randomAdapter } from '../../helpers/random-adapter.ts'
import { filesWith } from '../../helpers/search-files.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

const PLACES = ['Tromso', 'Bergen', 'Husum', 'Brest', 'Cadiz', 'Kalmar', 'Riga', 'Oban']
const SETTINGS = { steps: 12, batchRows: 2, rowTokens: 64, evaluateEverySteps: 0, learningRate: 1e-2 }

/** What somebody might write day by day, and a little of what nobody can learn from. */
function diary(): string[] {
  const days = Array.from(
    { length: 40 },
    (_, day) =>
      `Logbook, day ${day}: we left ${PLACES[day % 8]} at dawn and made fast in ${PLACES[(day * 3 + 1) % 8]} before dark.`,
  )
  const garbage = Array.from(
    { length: 2 },
    (_, i) => [...randomBytes(40)].map(byte => 'ξψ¤§ØЖ‰†'[byte % 8]).join('') + i,
  )
  return [...days, ...garbage]
}

describe('the personal twin', () => {
  const folders = new TemporaryFolders()
  const engine = new ProcessEngine({ threads: 1, slots: 4, gpu: false })
  const trainer = new JaxTrainer({ niceness: 0 })
  const clock = new ManualClock()
  let root: string
  let base: ModelSource
  let book: DataBook
  let catalog: ModelCatalog

  before(async () => {
    root = await folders.make()
    catalog = new ModelCatalog({ modelsFolder: root, cacheFolder: root })
    base = await catalog.resolve('shoal-nano')
    book = new DataBook({ folder: join(root, 'learning', 'data'), seed: randomBytes(32) }, { clock })
    const path = join(root, 'diary.jsonl')
    await writeFile(
      path,
      diary()
        .map(text => JSON.stringify({ text }))
        .join('\n'),
    )
    await (await book.add(path, { name: 'diary', keepSimilar: true })).commit()
    await writeFile(path, '')
  })

  after(async () => {
    await Promise.all([engine.stop(), trainer.stop(), book.stop()])
    await folders.remove()
  })

  const twinIn = (
    name: string,
    { lifecycle = null, train }: { lifecycle?: LearningLifecycle | null; train?: Trainer['train'] } = {},
  ) =>
    new Twin(
      { folder: join(root, name) },
      {
        ...{ book, engine, lifecycle, identifier: new ModelIdentifier({ cacheFolder: root }), clock },
        trainer: train === undefined ? trainer : { train },
      },
    )

  it('learns the owner’s text, yields to tasks on the way, and leaves nothing lying about', async () => {
    const lifecycle = new LearningLifecycle(
      { quietMs: 1, yieldWithinMs: 2_000 },
      { clock: systemClock, log: silentLog, limits: [] },
    )
    const twin = twinIn('own', { lifecycle })
    equal(await twin.status(), null)
    const stages: string[] = []
    const begun = Promise.withResolvers<void>()
    const training = twin.train(
      { base, under: null, domain: null, settings: SETTINGS },
      {
        onProgress: (progress: TwinProgress) => {
          if (stages.at(-1) !== progress.stage) stages.push(progress.stage)
          if (progress.stage === 'training') begun.resolve()
        },
      },
    )
    await begun.promise

    const paused = Promise.withResolvers<void>()
    const resumed = Promise.withResolvers<void>()
    lifecycle.onStatus(({ state, current }) => {
      if (state === 'working' && current?.phase === 'paused' && lifecycle.status().lastYieldMs !== null)
        paused.resolve()
      if (state === 'learning') resumed.resolve()
    })
    const taskEnded = lifecycle.taskBegan()
    await paused.promise
    ok(lifecycle.status().lastYieldMs! <= 2_000)
    // By the kernel's word: no process of a training runs.
    if (process.platform === 'linux') deepEqual(await statesOfTrainers(), ['T'])
    taskEnded()
    await resumed.promise

    const status = await training
    deepEqual(stages, ['measuring', 'training', 'judging'])
    ok(
      status.heldOut.after < status.heldOut.before - 0.5,
      `${status.heldOut.before} -> ${status.heldOut.after}`,
    )
    ok(status.surprise.draws.most > status.surprise.draws.least)
    ok(status.bytes <= MAX_TWIN_BYTES)
    deepEqual(await twin.status(), status)
    deepEqual((await readdir(join(root, 'own'))).sort(), ['twin.gguf', 'twin.json'])
    equal((await stat(join(root, 'own', 'twin.gguf'))).mode & 0o777, 0o600)
    deepEqual(await filesWith(root, 'Logbook'), [])
    await lifecycle.stop()
  })

  it('is worn on top of what is shared, and counts only what it adds', async () => {
    const own = await readAdapterFile(join(root, 'own', 'twin.gguf'))
    const shared = await randomAdapter(base.path, { seed: 3, rank: own.rank, alpha: own.alpha, size: 0.01 })
    const path = join(root, 'shared.gguf')
    await writeAdapterFile(path, shared)
    const under: AdapterSource = { path, scale: 1, id: adapterModelId(shared) }
    // What a training that goes on from the shared one would have come to.
    const sum = stack([shared, own].map(adapter => ({ adapter, weight: 1 })))
    const { adapter: trained } = reduceToRank(sum, { rank: own.rank, alpha: own.alpha, name: 'trained' })
    const status = await twinIn('stacked', { train: answering(trained) }).train({
      base,
      under,
      domain: 'general',
    })
    equal(status.under, under.id)
    ok(status.bytes <= MAX_TWIN_BYTES)
    ok(status.heldOut.after < status.heldOut.before)
    const twin = await readAdapterFile(join(root, 'stacked', 'twin.gguf'))
    const added = stack([
      { adapter: shared, weight: 1 },
      { adapter: twin, weight: 1 },
      { adapter: trained, weight: -1 },
    ])
    const { adapter: difference } = reduceToRank(added, { rank: 64, alpha: 64, name: 'difference' })
    const share = innerProduct(difference, difference) / innerProduct(trained, trained)
    ok(share <= status.discardedEnergy + 1e-6, `${share}, said to be ${status.discardedEnergy}`)
  })

  it('goes through no door to others, whatever its file is called', async () => {
    const { path } = (await twinIn('own').forOwnEngine())!
    const copy = join(root, 'harmless.gguf')
    await copyFile(path, copy)
    const isRefused = (error: unknown) => isShoalError(error, 'PRIVATE')
    const blobs = new BlobStore({ folder: join(root, 'blobs') }, { clock, log: silentLog })
    await blobs.start()
    await rejects(blobs.putFile(copy), isRefused)
    await rejects(blobs.put(new Uint8Array(await readFile(copy))), isRefused)
    equal(blobs.usage.blobs, 0)
    equal((await readdir(join(root, 'blobs'))).filter(name => !name.endsWith('.json')).length, 0)

    const serving = new ModelServing(
      { offerLifetimeMs: 0 },
      { engine, catalog, clock, log: silentLog, record: async () => {}, tell: () => {} },
    )
    const { id } = await serving.serveAdapter({ base: base.path, path: copy })
    const isThere = (models: readonly { id: string }[]) => models.some(model => model.id === id)
    equal(isThere(serving.usable.status().models), true)
    equal(isThere(serving.offered.status().models), false)
    serving.stop()
    await blobs.stop()
  })

  it('stays as it is when a new one is no better, and is forgotten whole', async () => {
    const before = await twinIn('own').status()
    const spoilt = await randomAdapter(base.path, { seed: 4, size: 0.5 })
    await rejects(
      twinIn('own', { train: answering(spoilt) }).train({ base, under: null, domain: null }),
      error => isShoalError(error, 'TWIN_NO_GAIN'),
    )
    const twin = twinIn('own')
    deepEqual(await twin.status(), before)
    deepEqual((await readdir(join(root, 'own'))).sort(), ['twin.gguf', 'twin.json'])
    equal(await twin.forget(), true)
    equal(await twin.forget(), false)
    equal(await twin.forOwnEngine(), null)
    ok(!(await readdir(root)).includes('own'))
    await rejects(twin.train({ base, under: null, domain: 'nothing' }), error =>
      isShoalError(error, 'DATA_UNKNOWN'),
    )
  })
})

/** A trainer that comes to a given adapter. */
function answering(adapter: Adapter): Trainer['train'] {
  return ({ outPath }) => {
    const result: Promise<TrainingResult> = writeAdapterFile(outPath, adapter).then(written => ({
      ...written,
      ...{
        steps: 1,
        resumedAtStep: 0,
        loss: 1,
        heldOutLoss: null,
        tokens: 1,
        tokensPerSecond: 1,
        ended: 'budget' as const,
        text: null,
      },
    }))
    return Object.assign(result, { result, pause: async () => {}, resume: async () => {} })
  }
}

/** The kernel's states of this process's trainings. */
async function statesOfTrainers(): Promise<string[]> {
  const states: string[] = []
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    if (command.startsWith('shoal-trainer') && status.includes(`PPid:\t${process.pid}\n`))
      states.push(/^State:\s+(\w)/m.exec(status)![1]!)
  }
  return states
}
