import { setPriority } from 'node:os'
import type { EngineLog } from '../../llama/engine-log.ts'
import type { ProcessExit } from '../../own-process.ts'
import { LearningError } from '../errors.ts'
import { ProcessGuardian } from '../process-guardian.ts'
import { residentBytes } from '../resident-memory.ts'
import type { Trainer, Training, TrainingJob, TrainingResult, TrainOptions } from '../trainer.ts'
import { type FromTrainer, fromFailure, trainingJobSchema } from './ipc-messages.ts'
import { forkTrainerProcess, type StartTrainerProcess, type TrainerProcess } from './trainer-process.ts'

export interface JaxTrainerOptions {
  /** Memory that a training may take; any when left out. */
  maxMemoryBytes?: number
  /** As `nice` has it: learning yields the processor to all else. Defaults to 10. */
  niceness?: number
}

export interface JaxTrainerModules {
  startProcess?: StartTrainerProcess
  log?: EngineLog
}

const DEFAULT_NICENESS = 10
const MEMORY_CHECK_INTERVAL_MS = 500

/** Trains with `@jax-js/jax`, each job in a process of its own, so that neither its work nor its end is felt here. */
export class JaxTrainer implements Trainer {
  readonly #options: JaxTrainerOptions
  readonly #modules: Required<JaxTrainerModules>
  readonly #trainings = new Set<ProcessTraining>()

  constructor(options: JaxTrainerOptions = {}, modules: JaxTrainerModules = {}) {
    this.#options = options
    this.#modules = { startProcess: forkTrainerProcess, log: () => {}, ...modules }
  }

  train(job: TrainingJob, options: TrainOptions = {}): Training {
    const training = new ProcessTraining({ job, ...this.#options, ...options }, this.#modules)
    this.#trainings.add(training)
    const forget = () => this.#trainings.delete(training)
    training.result.then(forget, forget)
    return training
  }

  async stop(): Promise<void> {
    await Promise.allSettled([...this.#trainings].map(training => training.cancel()))
  }
}

class ProcessTraining implements Training {
  readonly result: Promise<TrainingResult>
  // biome-ignore lint/suspicious/noThenProperty: a training can be awaited
  readonly then: Training['then']
  readonly #process: TrainerProcess
  readonly #guardian: ProcessGuardian | null
  readonly #settled = Promise.withResolvers<TrainingResult>()
  /** What has this side ended the process for. */
  #endedFor: LearningError | null = null
  #pausedAtMs: number | null = null
  #waiting: PromiseWithResolvers<void> | null = null

  constructor(
    options: { job: TrainingJob } & JaxTrainerOptions & TrainOptions,
    modules: Required<JaxTrainerModules>,
  ) {
    this.result = this.#settled.promise
    // Whoever only awaits the training is told by it; nobody need look at `result`, too.
    this.result.catch(() => {})
    // biome-ignore lint/suspicious/noThenProperty: a training can be awaited
    this.then = (...handlers) => this.result.then(...handlers)
    const { signal, onProgress, niceness = DEFAULT_NICENESS, maxMemoryBytes = null } = options
    this.#process = modules.startProcess({
      onMessage: message => this.#receive(message, onProgress),
      onOutput: line => modules.log('debug', line),
    })
    const { pid } = this.#process
    this.#guardian = pid === undefined ? null : new ProcessGuardian({ pid, isGroup: false })
    if (pid !== undefined) lowerPriority(pid, niceness)
    const abort = () => void this.cancel()
    signal?.addEventListener('abort', abort, { once: true })
    const watch = this.#watchMemory(maxMemoryBytes)
    void this.#process.exited.then(exit => {
      clearInterval(watch)
      signal?.removeEventListener('abort', abort)
      this.#guardian?.stop()
      this.#waiting?.resolve()
      // Nothing happens where the process has said how it went.
      this.#settled.reject(this.#endedFor ?? crashed(exit))
    })
    const job = trainingJobSchema.safeParse(options.job)
    if (!job.success) this.#end(badJob(job.error.issues[0]?.path.join('.') ?? ''))
    else if (signal?.aborted === true) abort()
    else this.#process.send({ type: 'train', job: job.data, maxMemoryBytes })
  }

  async pause(): Promise<void> {
    if (this.#pausedAtMs !== null) return this.#waiting?.promise
    this.#pausedAtMs = performance.now()
    if (process.platform === 'win32') {
      this.#waiting = Promise.withResolvers()
      this.#process.send({ type: 'pause' })
      return this.#waiting.promise
    }
    this.#guardian?.start()
    this.#process.signal('SIGSTOP')
  }

  async resume(): Promise<void> {
    if (this.#pausedAtMs === null) return
    const pausedMs = performance.now() - this.#pausedAtMs
    this.#pausedAtMs = null
    this.#waiting?.resolve()
    this.#waiting = null
    if (process.platform !== 'win32') this.#process.signal('SIGCONT')
    this.#process.send({ type: 'resume', pausedMs })
  }

  /** Ends it; resolves when its process is gone. Idempotent. */
  async cancel(): Promise<void> {
    this.#end(new LearningError('CANCELLED', 'training was cancelled'))
    await this.#process.exited
  }

  #end(reason: LearningError): void {
    this.#endedFor ??= reason
    this.#process.kill()
  }

  #receive(message: FromTrainer, onProgress: TrainOptions['onProgress']): void {
    switch (message.type) {
      case 'progress':
        if (this.#endedFor === null) onProgress?.(message.progress)
        return
      case 'paused':
        this.#waiting?.resolve()
        return
      case 'trained':
        this.#settled.resolve(message.result)
        return
      case 'failed':
        this.#settled.reject(fromFailure(message.failure))
        return
      case 'imported':
        this.#end(new LearningError('TRAINER_CRASHED', 'the training process answered what nobody asked'))
    }
  }

  /** Watches from outside, since a process at its limits may not get to look. */
  #watchMemory(maxBytes: number | null): NodeJS.Timeout | undefined {
    const { pid } = this.#process
    if (maxBytes === null || pid === undefined) return undefined
    const timer = setInterval(async () => {
      const bytes = await residentBytes(pid)
      if (bytes === null || bytes <= maxBytes) return
      this.#end(
        new LearningError(
          'TRAINING_MEMORY',
          `training takes ${bytes} bytes of memory, ${maxBytes} are allowed`,
          {
            fix: 'Train with fewer or shorter rows, or allow more memory.',
            details: { bytes, maxBytes },
          },
        ),
      )
    }, MEMORY_CHECK_INTERVAL_MS)
    timer.unref()
    return timer
  }
}

function lowerPriority(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness)
  } catch {
    // It has ended already, or the system does not allow it: slower for others, not wrong.
  }
}

const crashed = ({ how, lastOutput }: ProcessExit) =>
  new LearningError('TRAINER_CRASHED', `the training process died (${how})`, {
    fix: 'See that the machine has free memory; go on from the checkpoint, if there is one.',
    details: lastOutput === '' ? {} : { lastOutput },
  })

const badJob = (at: string) =>
  new LearningError(
    'TRAINING_SETTINGS_INVALID',
    `the training job is not right${at === '' ? '' : ` at ${at}`}`,
    {
      fix: 'Check the settings of the training against their limits.',
    },
  )
