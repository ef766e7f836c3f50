import { parentPort, workerData } from 'node:worker_threads'
import { readAdapterFile, writeAdapterFile } from '../../../inference/learning/adapter-file.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import { aggregate } from './aggregate.ts'
import type { AggregationJob, AggregationResult } from './aggregator.ts'

/** What the thread says at its end. */
export type WorkerAnswer =
  | { type: 'done'; result: AggregationResult }
  | { type: 'failed'; name: string; code: string; message: string; fix: string | undefined }

/** Entry of the aggregation thread: one job, one answer. */
async function run(job: AggregationJob): Promise<AggregationResult> {
  const { momentumBeta = 0, ...options } = job.options
  const read = (path: string | null | undefined) => (path ? readAdapterFile(path) : null)
  const updates = []
  for (const { path, ...update } of job.updates)
    updates.push({ ...update, adapter: await readAdapterFile(path) })
  const [parent, trusted, previous] = [
    await read(job.parentPath),
    await read(job.trustedPath),
    await read(job.previousPath),
  ]
  const { adapter, ...rest } = aggregate(updates, parent, {
    ...options,
    ...(trusted ? { trusted } : {}),
    ...(momentumBeta > 0 ? { momentum: { beta: momentumBeta, previous } } : {}),
  })
  return { ...rest, ...(await writeAdapterFile(job.outPath, adapter)) }
}

function failureOf(error: unknown): WorkerAnswer {
  if (!isShoalError(error)) throw error
  const { name, code, message, fix } = error
  return { type: 'failed', name, code, message, fix }
}

const answer: WorkerAnswer = await run(workerData as AggregationJob).then(
  result => ({ type: 'done', result }),
  failureOf,
)
parentPort?.postMessage(answer)
