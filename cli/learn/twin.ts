import { join } from 'node:path'
import { JaxTrainer } from '../../inference/learning/jax-trainer/jax-trainer.ts'
import { ProcessEngine } from '../../inference/llama/process-engine.ts'
import { ModelIdentifier } from '../../inference/models/identity.ts'
import { systemClock } from '../../node/clock.ts'
import { type TwinView, twinView } from '../../node/gateway/twin-views.ts'
import { Twin, type TwinProgress } from '../../node/learning/twin/twin.ts'
import { openCatalog } from '../../node/model-catalog.ts'
import type { TrainTwinOptions } from '../commands/learn/twin.ts'
import { type CommonOptions, dataDirFrom, outputFrom, runningNodeOrNull } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { openBook } from '../learn-data.ts'
import { configFrom } from '../setting-flags.ts'
import { type Output, paint, properties } from '../ui/output.ts'
import { ProgressBar } from '../ui/progress-bar.ts'
import { count, readableBytes, readableTime } from '../ui/readable.ts'
import { abortOnInterrupt } from './interrupt.ts'

const MIB = 1024 * 1024
const STAGES = {
  measuring: 'Measuring surprise',
  training: 'Training',
  judging: 'Measuring the gain',
} as const

/** `shoal learn twin train`: by the running node, or by itself. @throws as `Twin.train` */
export async function trainTwin(options: TrainTwinOptions): Promise<void> {
  const output = outputFrom(options)
  const signal = abortOnInterrupt()
  const bar = new ProgressBar(process.stderr)
  let told = ''
  const onProgress = (progress: TwinProgress) => {
    if (output.json) return
    if (progress.stage === 'training') bar.show(STAGES.training, progress.step, progress.steps)
    else if (told !== progress.stage) {
      bar.stop()
      output.note(`${STAGES[progress.stage]} of ${count(progress.rows, 'row')}`)
    }
    told = progress.stage
  }
  const order = { base: options.base ?? null, domain: options.domain ?? null, steps: options.steps ?? null }
  try {
    const running = await runningNodeOrNull(options)
    const view = (
      running === null
        ? await trainAlone(options, order, { signal, onProgress })
        : await running.stream('trainTwin', order, event => onProgress(event as TwinProgress), signal)
    ) as TwinView
    bar.stop()
    output.result(view, () => describe(view, output))
  } catch (error) {
    bar.stop()
    if (!signal.aborted) throw error
    output.note('Interrupted; the twin there was is as it was.')
    process.exitCode = EXIT.interrupted
  }
}

/** `shoal learn twin status`. */
export async function showTwin(options: CommonOptions): Promise<void> {
  const output = outputFrom(options)
  const running = await runningNodeOrNull(options)
  const view =
    running === null
      ? twinView({ twin: await (await openTwin(options)).twin.status(), model: null })
      : ((await running.call('twin', {})) as TwinView)
  output.result(view, () => describe(view, output))
}

/** `shoal learn twin forget`. */
export async function forgetTwin(options: CommonOptions): Promise<void> {
  const output = outputFrom(options)
  const running = await runningNodeOrNull(options)
  const { forgotten } =
    running === null
      ? { forgotten: await (await openTwin(options)).twin.forget() }
      : ((await running.call('forgetTwin', {})) as { forgotten: boolean })
  output.result({ forgotten }, () =>
    forgotten ? `${paint('green', '✓')} It is forgotten.` : 'There was none.',
  )
}

async function trainAlone(
  options: TrainTwinOptions,
  { base, domain, steps }: { base: string | null; domain: string | null; steps: number | null },
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: TwinProgress) => void },
): Promise<TwinView> {
  const { twin, catalog, stop } = await openTwin(options)
  try {
    const source = await catalog.resolve(base ?? 'shoal-mini', { signal })
    const settings = steps === null ? {} : { steps }
    const request = {
      base: { id: source.base ?? source.id, path: source.path },
      under: null,
      domain,
      settings,
    }
    return twinView({ twin: await twin.train(request, { signal, onProgress }), model: null })
  } finally {
    await stop()
  }
}

/** That of a data folder whose node does not run. */
async function openTwin(options: CommonOptions) {
  const dataDir = dataDirFrom(options)
  const { config } = await configFrom({ ...options })
  const book = await openBook(dataDir)
  const engine = new ProcessEngine({
    gpu: config['engine.gpu'] === 'off' ? false : 'auto',
    cacheFolder: dataDir.engine,
    ...(config['engine.threads'] === null ? {} : { threads: config['engine.threads'] }),
  })
  const maxMemory = config['learning.maxMemory']
  const trainer = new JaxTrainer({
    niceness: config['learning.niceness'],
    ...(maxMemory === null ? {} : { maxMemoryBytes: maxMemory * MIB }),
  })
  const identifier = new ModelIdentifier({ cacheFolder: dataDir.engine })
  const twin = new Twin(
    { folder: join(dataDir.root, 'learning', 'twin') },
    { book, engine, trainer, lifecycle: null, identifier, clock: systemClock },
  )
  const stop = async () => {
    await Promise.all([engine.stop(), trainer.stop()])
    await book.stop()
  }
  return { twin, catalog: openCatalog(dataDir, config), stop }
}

function describe({ twin, model }: TwinView, output: Output): string {
  if (twin === null) return output.copyable('There is no twin yet. shoal learn twin train makes one.')
  const { heldOut, surprise } = twin
  const share = (100 * (heldOut.before - heldOut.after)) / heldOut.before
  return properties([
    ['Twin', `of ${twin.base}, rank ${twin.rank}, ${readableBytes(twin.bytes)}`],
    ['On top of', twin.under ?? 'nothing else'],
    ['At work', model ?? 'not now; a running node does own tasks with it'],
    ['Trained', `${readableTime(twin.trainedAt)}, ${count(twin.steps, 'step')}`],
    [
      'Surprise',
      `${surprise.median.toFixed(2)} nats per token in the middle of ${count(surprise.rows, 'row')}, drawn ${surprise.draws.least} to ${surprise.draws.most} times; ${surprise.garbage} more likely garbage`,
    ],
    [
      'Held-out text',
      `${heldOut.before.toFixed(3)} nats per token without it, ${paint('green', heldOut.after.toFixed(3))} with it (${share.toFixed(0)} % less), over ${count(heldOut.tokens, 'token')}`,
    ],
  ])
}
