import { Worker } from 'node:worker_threads'
import type { Inspection, InspectionJob } from './update-inspection.ts'

/**
 * Looks into updates in a thread of its own: reading hundreds of megabytes and comparing all pairs would hold up everything
 * else. What a stranger's file does to the thread does not reach the node.
 */
export class UpdateInspector {
  readonly #workers = new Set<Worker>()

  /** @throws the signal's reason when it is aborted, and whatever ends the thread */
  async run(job: InspectionJob, signal: AbortSignal): Promise<Inspection> {
    signal.throwIfAborted()
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./inspection-thread.${extension}`, import.meta.url), {
      workerData: job,
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    })
    this.#workers.add(worker)
    const onAbort = () => void worker.terminate()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await new Promise<Inspection>((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
        worker.once('exit', () => reject(signal.reason ?? new Error('the inspection ended early')))
      })
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#workers.delete(worker)
      await worker.terminate()
    }
  }

  /** Ends what runs. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([...this.#workers].map(worker => worker.terminate()))
  }
}

/** Of JavaScript's own heap; the numbers of adapters lie outside it. */
const MAX_HEAP_MB = 512
