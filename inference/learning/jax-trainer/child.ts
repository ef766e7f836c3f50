import { flushCompileCache } from 'node:module'
import { tooMuchMemory } from '../held-process.ts'
import { useThreads } from '../jax/threads.ts'
import { type FromTrainer, type ToTrainer, toFailure, toTrainerSchema } from './ipc-messages.ts'
import { importResult, runJob } from './run-job.ts'

/**
 * Entry of the training process: one job at the end of an IPC channel. It lives as long as the channel: when the node is
 * gone, so is it.
 */

/** What the process takes beside the arrays of the mathematics: Node, the tokenizer, weights on their way. */
const PROCESS_BYTES = 320 * 1024 * 1024

/** The mathematics holds up the event loop for whole batches; messages come in between. */
class PauseGate {
  #paused: PromiseWithResolvers<void> | null = null
  #pausedMs = 0

  get pausedMs(): number {
    return this.#pausedMs
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers()
  }

  resume(pausedMs: number): void {
    this.#pausedMs += pausedMs
    this.#paused?.resolve()
    this.#paused = null
  }

  async pass(onWait: () => void): Promise<void> {
    // Messages that have come are delivered in a turn of their own.
    await new Promise(resolve => setImmediate(resolve))
    if (this.#paused === null) return
    onWait()
    await this.#paused.promise
  }
}

const gate = new PauseGate()

function send(message: FromTrainer, onSent: () => void = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, onSent)
}

async function receive(message: ToTrainer): Promise<void> {
  switch (message.type) {
    case 'train':
      return answer(async () => ({
        type: 'trained',
        result: await train(message),
      }))
    case 'import':
      return answer(async () => ({ type: 'imported', ...(await importResult(message.job, message.from)) }))
    case 'pause':
      return gate.pause()
    case 'resume':
      return gate.resume(message.pausedMs)
  }
}

async function answer(work: () => Promise<FromTrainer>): Promise<void> {
  try {
    const message = await work()
    flushCompileCache()
    send(message, end)
  } catch (error) {
    send({ type: 'failed', failure: toFailure(error) }, end)
  }
}

async function train({ job, maxMemoryBytes, threads }: ToTrainer & { type: 'train' }) {
  const between = async () => {
    await gate.pass(() => send({ type: 'paused' }))
    const bytes = process.memoryUsage.rss()
    if (maxMemoryBytes !== null && bytes > maxMemoryBytes) throw tooMuchMemory(bytes, maxMemoryBytes)
  }
  useThreads(threads)
  // Loaded where there is something to train: taking in an adapter needs neither.
  const [{ openRowTokenizer }, { JaxModel }, { hasGpu }] = await Promise.all([
    import('../../llama/row-tokenizer.ts'),
    import('../jax/model.ts'),
    import('../jax/backend.ts'),
  ])
  return runJob(job, {
    openTokenizer: openRowTokenizer,
    openModel: async ({ backend, ...options }) =>
      await JaxModel.open({
        ...options,
        backend: backend === 'auto' ? ((await hasGpu()) ? 'webgpu' : 'wasm') : backend,
        ...(maxMemoryBytes === null ? {} : { memoryBytes: Math.max(0, maxMemoryBytes - PROCESS_BYTES) }),
      }),
    nowMs: () => performance.now() - gate.pausedMs,
    onProgress: progress => send({ type: 'progress', progress }),
    between,
  })
}

/** Ends the process without running native destructors; the operating system frees everything anyway. */
function end(): void {
  process.kill(process.pid, 'SIGKILL')
}

process.title = 'shoal-trainer'
// An interrupt typed into the terminal reaches the whole process group; the node decides what ends when.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', end)
process.on('uncaughtException', error => {
  process.stderr.write(`${error.stack ?? error.message}\n`, end)
})
process.on('message', (message: unknown) => {
  // A rejection here is a defect and ends the process through `uncaughtException`.
  void receive(toTrainerSchema.parse(message))
})
