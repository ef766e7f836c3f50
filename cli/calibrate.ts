import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { CalibrationProgress } from '../inference/audit/calibration-run.ts'
import { ProcessEngine } from '../inference/llama/process-engine.ts'
import { systemClock } from '../node/clock.ts'
import { ensureDataDir } from '../node/data-dir.ts'
import { createNativeNodeSigner } from '../node/ed25519.ts'
import {
  type CalibrateResultView,
  type CalibrationView,
  calibrationView,
  calibrationViews,
  matchRateOf,
} from '../node/gateway/calibration-views.ts'
import { loadOrCreateNodeKey } from '../node/identity.ts'
import { openCatalog } from '../node/model-catalog.ts'
import { Store } from '../node/store/store.ts'
import { calibrationJob } from '../node/trust/audits/calibration-job.ts'
import { CalibrationStore } from '../node/trust/audits/calibration-store.ts'
import { shippedCalibrations } from '../node/trust/audits/shipped-calibrations.ts'
import type { CalibrateOptions } from './commands/audit.ts'
import { type CommonOptions, dataDirFrom, outputFrom, runningNodeOrNull } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { configFrom } from './setting-flags.ts'
import { modelName, type Output, table } from './ui/output.ts'
import { ProgressBar } from './ui/progress-bar.ts'
import { count, readableTime } from './ui/readable.ts'

/** Makes honest outputs, audits them, and keeps what honest looks like; sets the exit status. */
export async function calibrate(options: CalibrateOptions): Promise<void> {
  const output = outputFrom(options)
  const abort = new AbortController()
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(EXIT.interrupted))
    abort.abort()
  })
  const bar = new ProgressBar(process.stderr)
  const onProgress = ({ stage, done, total }: CalibrationProgress) => bar.show(STAGES[stage], done, total)
  try {
    const result = await run(options, abort.signal, onProgress)
    bar.stop()
    if (options.out !== undefined && result.measurement !== null)
      await writeFile(options.out, `${JSON.stringify(result.measurement)}\n`)
    const { measurement: _, ...view } = result
    output.result(view, () => describe(result, options, output))
  } catch (error) {
    bar.stop()
    if (!abort.signal.aborted) throw error
    output.note('Cancelled; nothing was kept.')
    process.exitCode = EXIT.interrupted
  }
}

const STAGES = { generating: 'Generating', scoring: 'Auditing' } as const

/** Shows what is known of honest outputs. */
export async function listCalibrations(options: CommonOptions): Promise<void> {
  const output = outputFrom(options)
  const running = await runningNodeOrNull(options)
  const views =
    running === null
      ? await withStore(options, store => calibrationViews(store))
      : ((await running.call('calibrations', {})) as CalibrationView[])
  output.result(views, () =>
    views.length === 0
      ? output.copyable('Nothing is calibrated; begin with shoal audit calibrate.')
      : table(
          ['MODEL', 'PROVIDER', 'AUDITOR', 'SOURCE', 'PROMPTS', 'TOKENS', 'OPERATORS', 'MEASURED'],
          views.map(view => [
            modelName(view.model),
            view.providerBackend,
            view.auditorBackend,
            view.source ?? 'too few',
            ...[view.prompts, view.tokens, view.operators],
            view.measuredAt === null ? '-' : readableTime(view.measuredAt),
          ]),
          { columns: output.columns, mayLack: ['OPERATORS', 'PROMPTS', 'MEASURED'] },
        ),
  )
}

async function run(
  options: CalibrateOptions,
  signal: AbortSignal,
  onProgress: (progress: CalibrationProgress) => void,
): Promise<CalibrateResultView> {
  const plan = {
    prompts: options.prompts,
    samples: options.samples,
    outputsFrom: options.outputsFrom === undefined ? null : resolve(options.outputsFrom),
    outputsTo: options.outputsTo === undefined ? null : resolve(options.outputsTo),
  }
  const running = await runningNodeOrNull(options)
  if (running !== null) {
    const result = await running.stream(
      'calibrate',
      { model: options.model, ...plan },
      event => onProgress(event as CalibrationProgress),
      signal,
    )
    return result as CalibrateResultView
  }
  return withStore(options, async store => {
    const { config } = await configFrom(options)
    const dataDir = dataDirFrom(options)
    const source = await openCatalog(dataDir, config).resolve(options.model, { signal })
    const engine = new ProcessEngine({
      gpu: config['engine.gpu'] === 'off' ? false : 'auto',
      cacheFolder: dataDir.engine,
      ...(config['engine.threads'] === null ? {} : { threads: config['engine.threads'] }),
    })
    try {
      await engine.start()
      const model = await engine.load(source, { signal })
      const job = { engine, signal, onProgress, clock: systemClock }
      const measurement = await calibrationJob(model, plan, job)
      if (measurement === null) return { calibration: null, matchRate: null, measurement }
      const calibration = await store.add(measurement)
      return {
        calibration: calibrationView(measurement.key, { source: 'own', calibration }),
        matchRate: matchRateOf(measurement),
        measurement,
      }
    } finally {
      await engine.stop()
    }
  })
}

/** The calibrations of a node that does not run. */
async function withStore<T>(
  options: CommonOptions,
  use: (store: CalibrationStore) => Promise<T>,
): Promise<T> {
  const dataDir = dataDirFrom(options)
  await ensureDataDir(dataDir)
  const { seed } = await loadOrCreateNodeKey(dataDir.nodeKey)
  const store = await Store.open(dataDir.store)
  try {
    const signer = createNativeNodeSigner(seed)
    const calibrations = new CalibrationStore({
      ...{ store, signer, clock: systemClock, shipped: shippedCalibrations },
      self: bytesToHex(signer.publicKey),
      // Others' count only while the node runs and knows who they are.
      areDistinct: () => false,
      isTrusted: () => false,
      baseOf: () => null,
    })
    await calibrations.start()
    return await use(calibrations)
  } finally {
    await store.close()
  }
}

function describe(
  { calibration, matchRate }: CalibrateResultView,
  options: CalibrateOptions,
  output: Output,
): string {
  if (calibration === null) {
    return output.copyable(
      `The outputs are in ${options.outputsTo}. Audit them on the other machine: shoal audit calibrate --model ${options.model} --outputs-from ${options.outputsTo}`,
    )
  }
  const { model, providerBackend, auditorBackend, prompts, receipts, tokens } = calibration
  const agreed = `${((matchRate ?? 1) * 100).toFixed(2)} %`
  return [
    `${modelName(model)}, made on ${providerBackend} and audited on ${auditorBackend}:`,
    `${count(prompts, 'prompt')}, ${count(receipts, 'output')}, ${count(tokens, 'token')}; ${agreed} of them are what the audit would have chosen.`,
    'Kept; audits of this model are judged by it from now on.',
  ].join('\n')
}
