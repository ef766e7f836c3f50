import type { EngineLog } from '../../llama/engine-log.ts'
import type { ProcessExit } from '../../own-process.ts'
import { LearningError } from '../errors.ts'
import { HeldTraining, type TrainingProcessOptions } from '../held-training.ts'
import type { Trainer, Training, TrainingJob, TrainingResult, TrainOptions } from '../trainer.ts'
import { type FromTrainer, fromFailure, trainingJobSchema } from './ipc-messages.ts'
import { forkTrainerProcess, type StartTrainerProcess } from './trainer-process.ts'

export interface JaxTrainerOptions extends TrainingProcessOptions {
  /** Threads that a step is shared out to, with the same result bit by bit; 1 when left out. */
  threads?: number
}

export interface JaxTrainerModules {
  startProcess?: StartTrainerProcess
  log?: EngineLog
}

/** Trains with `@jax-js/jax`, each job in a process of its own, so that neither its work nor its end is felt here. */
export class JaxTrainer implements Trainer {
  readonly #options: JaxTrainerOptions
  readonly #modules: Required<JaxTrainerModules>
  readonly #trainings = new Set<HeldTraining>()

  constructor(options: JaxTrainerOptions = {}, modules: JaxTrainerModules = {}) {
    this.#options = options
    this.#modules = { startProcess: forkTrainerProcess, log: () => {}, ...modules }
  }

  train(job: TrainingJob, options: TrainOptions = {}): Training {
    const outcome = Promise.withResolvers<TrainingResult>()
    let paused = Promise.withResolvers<void>()
    const receive = (message: FromTrainer) => {
      if (message.type === 'progress') options.onProgress?.(message.progress)
      else if (message.type === 'paused') paused.resolve()
      else if (message.type === 'trained') outcome.resolve(message.result)
      else if (message.type === 'failed') outcome.reject(fromFailure(message.failure))
    }
    const child = this.#modules.startProcess({
      onMessage: receive,
      onOutput: line => this.#modules.log('debug', line),
    })
    // Nothing happens here where the process has said how it went.
    void child.exited.then(exit => outcome.reject(crashed(exit)))
    const training = new HeldTraining(
      {
        ...this.#options,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        pid: child.pid,
        isGroup: false,
      },
      {
        outcome: outcome.promise,
        exited: child.exited,
        pauseByMessage: () => {
          paused = Promise.withResolvers()
          child.send({ type: 'pause' })
          return paused.promise
        },
        onResumed: pausedMs => child.send({ type: 'resume', pausedMs }),
      },
    )
    const parsed = trainingJobSchema.safeParse(job)
    if (parsed.success) {
      const { maxMemoryBytes = null, threads = 1 } = this.#options
      child.send({ type: 'train', job: parsed.data, maxMemoryBytes, threads })
    } else training.fail(badJob(parsed.error.issues[0]?.path.join('.') ?? ''))
    this.#trainings.add(training)
    void child.exited.then(() => this.#trainings.delete(training))
    return training
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#trainings].map(training => training.cancel()))
  }
}

export const crashed = ({ how, lastOutput }: ProcessExit) =>
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
