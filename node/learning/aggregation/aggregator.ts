import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import pLimit from 'p-limit'
import { AdapterError, type AdapterErrorCode } from '../../../inference/learning/errors.ts'
import { AggregationError, type AggregationErrorCode } from './errors.ts'
import type { AggregationOptions, UpdateWeight } from './rules.ts'
import type { WorkerAnswer } from './worker.ts'

/** An aggregation of files: nothing of the adapters passes through the event loop that asks. */
export interface AggregationJob {
  updates: readonly { id: string; author: string; path: string; weight: number }[]
  parentPath: string | null
  trustedPath?: string
  /** The parent's own parent, for `momentumBeta`; without one it began from nothing. */
  previousPath?: string
  options: Omit<AggregationOptions, 'trusted' | 'momentum'> & { momentumBeta?: number }
  /** The adapter; it appears whole or not at all. */
  outPath: string
}

export interface AggregationResult {
  /** `sha256:…` of the file: what voters compare. */
  digest: string
  bytes: number
  weights: readonly UpdateWeight[]
  discardedEnergy: number
  outerLearningRate: number
}

/** Aggregates in a thread of its own, one job at a time; further ones wait. */
export class Aggregator {
  readonly #oneAtATime = pLimit(1)
  readonly #stopped = new AbortController()

  /**
   * @throws {AggregationError} as `aggregate`; AGGREGATOR_CRASHED; CANCELLED by the signal or by `stop`
   * @throws {AdapterError} of files that cannot be read or do not fit
   */
  run(job: AggregationJob, { signal }: { signal?: AbortSignal } = {}): Promise<AggregationResult> {
    const ended = signal ? AbortSignal.any([signal, this.#stopped.signal]) : this.#stopped.signal
    return this.#oneAtATime(() => runInThread(job, ended))
  }

  /** Ends what runs and what waits; idempotent. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#oneAtATime(() => {})
  }
}

async function runInThread(job: AggregationJob, signal: AbortSignal): Promise<AggregationResult> {
  const cancelled = () => new AggregationError('CANCELLED', 'The aggregation was cancelled.')
  if (signal.aborted) throw cancelled()
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(fileURLToPath(new URL(`./worker.${extension}`, import.meta.url)), {
    workerData: job,
  })
  const { promise, resolve, reject } = Promise.withResolvers<AggregationResult>()
  const cancel = () => reject(cancelled())
  signal.addEventListener('abort', cancel)
  worker.once('message', (answer: WorkerAnswer) => {
    if (answer.type === 'done') resolve(answer.result)
    else reject(errorOf(answer))
  })
  worker.once('error', error => reject(crashed('failed', error)))
  worker.once('exit', code => reject(crashed(`ended with status ${code}`)))
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', cancel)
    await worker.terminate()
  }
}

function errorOf({ name, code, message, fix }: WorkerAnswer & { type: 'failed' }): Error {
  const options = fix === undefined ? {} : { fix }
  return name === 'AdapterError'
    ? new AdapterError(code as AdapterErrorCode, message, options)
    : new AggregationError(code as AggregationErrorCode, message, options)
}

function crashed(what: string, cause?: unknown): AggregationError {
  return new AggregationError('AGGREGATOR_CRASHED', `The aggregating thread ${what}.`, {
    fix: 'Try again; free memory if it happens again.',
    ...(cause === undefined ? {} : { cause }),
  })
}
