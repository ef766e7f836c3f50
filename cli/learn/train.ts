import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { LearningError } from '../../inference/learning/errors.ts'
import { ExternalTrainer } from '../../inference/learning/external-trainer.ts'
import { JaxTrainer } from '../../inference/learning/jax-trainer/jax-trainer.ts'
import type { Trainer, TrainingProgress, TrainingResult } from '../../inference/learning/trainer.ts'
import { type TrainingSettings, trainingSettingsSchema } from '../../inference/learning/training-settings.ts'
import type { TrainCommandOptions } from '../commands/learn/train.ts'
import { usageError } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { type Output, properties } from '../ui/output.ts'
import { count, readableBytes, readableSpan } from '../ui/readable.ts'
import { drawLossCurve, TrainingScreen } from '../ui/training-screen.ts'
import { findBase } from './base-model.ts'
import { abortOnInterrupt } from './interrupt.ts'

const MEBIBYTE = 1_048_576
const DEFAULT_TRAINER_TIMEOUT_S = 86_400
/** Points of the curve that JSON tells; longer trainings are told by every n-th step. */
const MAX_CURVE_POINTS = 1_000

/** Trains one adapter; sets the exit status. */
export async function trainAdapter(options: TrainCommandOptions, output: Output): Promise<void> {
  const settings = await settingsOf(options)
  const [dataPath, outPath] = [resolve(options.data), resolve(options.out)]
  const checkpointPath = `${outPath}.checkpoint`
  await checkWay(options, { outPath, checkpointPath })
  const signal = abortOnInterrupt()
  const { source } = await findBase(options.base, signal)
  const trainer = trainerOf(options)
  const screen = new TrainingScreen(process.stderr)
  const curve: TrainingProgress[] = []
  try {
    const training = trainer.train(
      {
        base: { path: source.path, digest: digestOf(source.id) },
        name: options.name ?? nameOf(outPath),
        ...{ dataPath, outPath, settings, checkpointPath },
        heldOutPath: options.heldOut === undefined ? null : resolve(options.heldOut),
        initial: options.initial === undefined ? null : resolve(options.initial),
      },
      {
        signal,
        onProgress: progress => {
          curve.push(progress)
          if (!output.json) screen.show(progress)
        },
      },
    )
    const result = await training.result
    screen.stop()
    output.result({ ...result, base: source.id, adapter: outPath, settings, curve: curveOf(curve) }, () =>
      describe(result, curve, output.columns, outPath),
    )
  } catch (error) {
    screen.stop()
    if (!signal.aborted) throw error
    output.note(
      existsSync(checkpointPath) ? 'Interrupted; --resume goes on from the last checkpoint.' : 'Interrupted.',
    )
    process.exitCode = EXIT.interrupted
  } finally {
    await trainer.stop()
  }
}

/** Nothing of anybody is written over unasked. */
async function checkWay(
  options: TrainCommandOptions,
  { outPath, checkpointPath }: { outPath: string; checkpointPath: string },
): Promise<void> {
  if (options.force === true) {
    if (options.resume !== true) await rm(checkpointPath, { force: true })
    return
  }
  if (existsSync(outPath)) {
    throw new LearningError('FILE_EXISTS', `${outPath} is there already`, {
      fix: 'Name another file with --out, or write over it with --force.',
      details: { path: outPath },
    })
  }
  if (options.resume !== true && existsSync(checkpointPath)) {
    throw new LearningError('FILE_EXISTS', `${checkpointPath} is left of a training that was broken off`, {
      fix: 'Go on from it with --resume, or begin anew with --force.',
      details: { path: checkpointPath },
    })
  }
}

function trainerOf(options: TrainCommandOptions): Trainer {
  const memory = options.memory === undefined ? {} : { maxMemoryBytes: options.memory * MEBIBYTE }
  if (options.trainer === undefined) return new JaxTrainer({ ...memory, threads: options.threads ?? 1 })
  return new ExternalTrainer({
    ...memory,
    command: options.trainer,
    timeoutMs: (options.trainerTimeout ?? DEFAULT_TRAINER_TIMEOUT_S) * 1_000,
  })
}

/** @throws {LearningError} TRAINING_SETTINGS_INVALID */
async function settingsOf(options: TrainCommandOptions): Promise<TrainingSettings> {
  const flags = {
    rank: options.rank,
    alpha: options.alpha,
    modules: options.modules?.split(',').map(name => name.trim()),
    steps: options.steps,
    batchRows: options.batchRows,
    rowTokens: options.rowTokens,
    accumulation: options.accumulation,
    learningRate: options.lr,
    warmupShare: options.warmup,
    weightDecay: options.weightDecay,
    clipNorm: options.clip,
    seed: options.seed,
    heldOutShare: options.heldOutShare,
    evaluateEverySteps: options.evaluateEvery,
    patience: options.patience,
    checkpointEverySteps: options.checkpointEvery,
    freezeA: options.freezeA,
    backend: options.backend,
  }
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
  const parsed = trainingSettingsSchema.safeParse({ ...(await settingsFile(options.settings)), ...given })
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new LearningError(
    'TRAINING_SETTINGS_INVALID',
    `the setting ${issue?.path.join('.') || '(all)'} is not right: ${issue?.message}`,
    { fix: 'See shoal learn train --help for what settings take.' },
  )
}

async function settingsFile(path: string | undefined): Promise<object> {
  if (path === undefined) return {}
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw usageError(`${path} is no JSON object`, 'Write the settings as {"rank": 8, "steps": 200}.')
}

function digestOf(modelId: string): string {
  return modelId.slice(modelId.indexOf('@') + 1)
}

/** What a file may be called that an adapter may not. */
function nameOf(path: string): string {
  const name = basename(path)
    .replace(/\.gguf$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 64)
  return name === '' ? 'adapter' : name
}

function curveOf(
  progress: readonly TrainingProgress[],
): { step: number; loss: number; heldOutLoss: number | null }[] {
  const every = Math.ceil(progress.length / MAX_CURVE_POINTS)
  return progress
    .filter((_, i) => i % every === 0 || i === progress.length - 1)
    .map(({ step, loss, heldOutLoss }) => ({ step, loss, heldOutLoss }))
}

function describe(
  result: TrainingResult,
  curve: readonly TrainingProgress[],
  columns: number,
  outPath: string,
): string {
  const { text } = result
  const early = result.ended === 'early_stop' ? ', then the held-out loss got no better' : ''
  const resumed = result.resumedAtStep > 0 ? `, gone on from step ${result.resumedAtStep}` : ''
  const cut =
    text === null || text.splitExamples === 0 ? '' : `, ${text.splitExamples} of them cut to several rows`
  const dropped =
    text === null || text.droppedExamples === 0 ? '' : `, ${text.droppedExamples} without anything to learn`
  return [
    drawLossCurve(curve, columns),
    '',
    properties([
      ['Adapter', outPath],
      ['Digest', `${result.digest}, ${readableBytes(result.bytes)}`],
      ...(text === null
        ? []
        : [
            [
              'Text',
              `${count(text.examples, 'example')}, ${count(text.answerTokens, 'token')} to learn, ${count(text.rows, 'row')}${cut}${dropped}`,
            ] as const,
          ]),
      ['Steps', `${result.steps}${early}${resumed}`],
      ['Loss', `${result.loss.toFixed(4)} nats a token at the end`],
      ...(result.heldOutLoss === null
        ? []
        : [['Held out', `${result.heldOutLoss.toFixed(4)} nats a token`] as const]),
      [
        'Speed',
        `${Math.round(result.tokensPerSecond)} tokens/s, ${readableSpan(curve.at(-1)?.elapsedMs ?? 0)}`,
      ],
    ]),
  ].join('\n')
}
