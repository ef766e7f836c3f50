import { resolve } from 'node:path'
import type { AdapterSource, LossRow, ModelSource, RowLoss } from '../../inference/engine.ts'
import { MAX_LOSS_CHARS, MAX_LOSS_ROWS } from '../../inference/engine.ts'
import { importAdapterFile } from '../../inference/learning/adapter-file.ts'
import { readTrainingText } from '../../inference/learning/examples/training-text.ts'
import { ProcessEngine } from '../../inference/llama/process-engine.ts'
import { ModelIdentifier } from '../../inference/models/identity.ts'
import { adaptedModelId } from '../../protocol/adapted-model.ts'
import type { EvalCommandOptions } from '../commands/learn/eval.ts'
import { EXIT } from '../exit-codes.ts'
import { type Output, paint, properties } from '../ui/output.ts'
import { ProgressBar } from '../ui/progress-bar.ts'
import { count } from '../ui/readable.ts'
import { findBase } from './base-model.ts'
import { abortOnInterrupt } from './interrupt.ts'

/** What a model makes of a text. */
export interface EvaluationView {
  base: string
  /** What it was measured as; the base itself where it wears nothing. */
  model: string
  adapters: string[]
  examples: number
  /** Nats per token that counts. */
  loss: number
  answerTokens: number
  /** Examples with an answer, and those whose greedy answer is the one of the text. */
  answers: number
  exact: number
  /** Longer than the context: only their beginning was measured. */
  cutExamples: number
  tokensPerSecond: number
}

/** Measures a model on a text; sets the exit status. */
export async function evaluateModel(options: EvalCommandOptions, output: Output): Promise<void> {
  const signal = abortOnInterrupt()
  const bar = new ProgressBar(process.stderr)
  try {
    const view = await evaluate(options, signal, (done, total) => {
      if (!output.json) bar.show('Measuring', done, total)
    })
    bar.stop()
    output.result(view, () => describe(view))
  } catch (error) {
    bar.stop()
    if (!signal.aborted) throw error
    output.note('Interrupted.')
    process.exitCode = EXIT.interrupted
  }
}

async function evaluate(
  options: EvalCommandOptions,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<EvaluationView> {
  const rows = await readTrainingText(resolve(options.data))
  const { source: base, dataDir, config } = await findBase(options.base, signal)
  const adapters = await Promise.all((options.adapter ?? []).map(path => adapterSource(resolve(path), base)))
  const source = wearing(base, adapters)
  const engine = new ProcessEngine({
    gpu: config['engine.gpu'] === 'off' ? false : 'auto',
    cacheFolder: dataDir.engine,
    ...(config['engine.threads'] === null ? {} : { threads: config['engine.threads'] }),
  })
  try {
    await engine.start()
    await engine.load(source, { signal })
    const measured: RowLoss[] = []
    let [computedTokens, elapsedMs] = [0, 0]
    for (const part of parts(rows)) {
      const loss = await engine.measureLoss({ model: source.id, rows: part }, { signal })
      measured.push(...loss.rows)
      computedTokens += loss.computedTokens
      elapsedMs += loss.elapsedMs
      onProgress(measured.length, rows.length)
    }
    const answerTokens = measured.reduce((sum, { tokens }) => sum + tokens, 0)
    const nats = measured.reduce((sum, { loss, tokens }) => sum + loss * tokens, 0)
    const answers = measured.filter((row, i) => row.tokens > 0 && !('text' in rows[i]!))
    return {
      base: base.id,
      model: source.id,
      adapters: adapters.map(({ id }) => id),
      examples: rows.length,
      loss: answerTokens === 0 ? 0 : nats / answerTokens,
      answerTokens,
      answers: answers.length,
      exact: answers.filter(({ isExact, isCut }) => isExact && !isCut).length,
      cutExamples: measured.filter(({ isCut }) => isCut).length,
      tokensPerSecond: elapsedMs > 0 ? (computedTokens / elapsedMs) * 1_000 : 0,
    }
  } finally {
    await engine.stop()
  }
}

/** @throws {AdapterError} what is wrong with the file, or WRONG_BASE */
async function adapterSource(path: string, base: ModelSource): Promise<AdapterSource & { id: string }> {
  const digest = base.id.slice(base.id.indexOf('@') + 1)
  const { name } = await importAdapterFile(path, { base: digest, name: 'adapter' })
  const sha256 = await new ModelIdentifier({ cacheFolder: null }).digest(path)
  return { path, scale: 1, id: `${name}@sha256:${sha256}` }
}

function wearing(base: ModelSource, adapters: readonly (AdapterSource & { id: string })[]): ModelSource {
  if (adapters.length === 0) return base
  return {
    id: adaptedModelId(
      base.id,
      adapters.map(({ id }) => id),
    ),
    path: base.path,
    adapters,
    base: base.id,
  }
}

/** Rows in requests as large as the engine takes; one row alone may be more than that, which it refuses. */
function* parts(rows: readonly LossRow[]): Generator<LossRow[]> {
  let part: LossRow[] = []
  let chars = 0
  for (const row of rows) {
    const length = JSON.stringify(row).length
    if (part.length > 0 && (part.length === PART_ROWS || chars + length > MAX_LOSS_CHARS)) {
      yield part
      part = []
      chars = 0
    }
    part.push(row)
    chars += length
  }
  yield part
}

/** Few enough that progress is seen. */
const PART_ROWS = Math.min(64, MAX_LOSS_ROWS)

function describe(view: EvaluationView): string {
  const exact = `${view.exact} of ${view.answers}`
  const share = view.answers === 0 ? '' : `, ${((100 * view.exact) / view.answers).toFixed(1)} %`
  return properties([
    ['Model', view.base],
    ...(view.adapters.length === 0 ? [] : [['Wearing', view.adapters.join('\n')] as const]),
    ['Text', `${count(view.examples, 'example')}, ${count(view.answerTokens, 'token')} to foretell`],
    ['Loss', `${view.loss.toFixed(4)} nats a token`],
    ['Exact', `${exact}${share}`],
    ...(view.cutExamples === 0
      ? []
      : [['Cut', paint('yellow', `${count(view.cutExamples, 'example')} longer than the context`)] as const]),
  ])
}
