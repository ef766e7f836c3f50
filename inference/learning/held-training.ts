import { LearningError } from './errors.ts'
import { HeldProcess } from './held-process.ts'
import type { Training, TrainingResult } from './trainer.ts'

/** How the process of a training is treated. */
export interface TrainingProcessOptions {
  /** Memory that a training may take; any when left out. */
  maxMemoryBytes?: number
  /** As `nice` has it: learning yields the processor to all else. Defaults to 10. */
  niceness?: number
}

export interface HeldTrainingModules {
  /** How the training goes; it rejects when its process ends too early. */
  outcome: Promise<TrainingResult>
  /** Resolves when the process has ended, however that came. */
  exited: Promise<unknown>
  /** Holds up training where the system cannot stop processes; without it there is no pausing there. */
  pauseByMessage?: () => Promise<void>
  onPaused?: () => void
  onResumed?: (pausedMs: number) => void
}

const DEFAULT_NICENESS = 10

/** A training that runs in a process of its own, whatever runs there. */
export class HeldTraining implements Training {
  readonly result: Promise<TrainingResult>
  // biome-ignore lint/suspicious/noThenProperty: a training can be awaited
  readonly then: Training['then']
  readonly #modules: HeldTrainingModules
  readonly #process: HeldProcess | null
  /** What has this side ended the process for. */
  #endedFor: LearningError | null = null
  #pausedAtMs: number | null = null
  #pausing: Promise<void> = Promise.resolve()

  constructor(
    options: TrainingProcessOptions & { pid: number | undefined; isGroup: boolean; signal?: AbortSignal },
    modules: HeldTrainingModules,
  ) {
    this.#modules = modules
    const { pid, isGroup, signal, niceness = DEFAULT_NICENESS, maxMemoryBytes = null } = options
    this.result = modules.outcome.catch((error: unknown) => {
      throw this.#endedFor ?? error
    })
    // Whoever awaits the training is told by it and need not look at `result`, too.
    this.result.catch(() => {})
    // biome-ignore lint/suspicious/noThenProperty: a training can be awaited
    this.then = (...handlers) => this.result.then(...handlers)
    this.#process =
      pid === undefined
        ? null
        : new HeldProcess(
            { pid, isGroup, niceness, maxMemoryBytes },
            { onTooMuchMemory: error => this.fail(error) },
          )
    const abort = () => this.fail(cancelled())
    signal?.addEventListener('abort', abort, { once: true })
    void modules.exited.then(() => {
      this.#process?.ended()
      signal?.removeEventListener('abort', abort)
    })
    if (signal?.aborted === true) abort()
  }

  pause(): Promise<void> {
    if (this.#pausedAtMs !== null) return this.#pausing
    this.#pausing = this.#pause()
    return this.#pausing
  }

  async resume(): Promise<void> {
    if (this.#pausedAtMs === null) return
    const pausedMs = performance.now() - this.#pausedAtMs
    this.#pausedAtMs = null
    if (this.#process?.canPause === true) this.#process.resume()
    this.#modules.onResumed?.(pausedMs)
  }

  /** Ends it for this reason, unless it has another one already. */
  fail(reason: LearningError): void {
    this.#endedFor ??= reason
    this.#process?.kill()
  }

  /** Ends it; resolves when its process is gone and all is told. Idempotent. */
  async cancel(): Promise<void> {
    this.fail(cancelled())
    await this.#modules.exited
    await this.result.catch(() => {})
  }

  async #pause(): Promise<void> {
    const { pauseByMessage } = this.#modules
    if (this.#process?.canPause !== true && pauseByMessage === undefined) {
      throw new LearningError('PAUSE_UNAVAILABLE', 'this system cannot hold a training of another program', {
        fix: 'End the training and begin it again later.',
      })
    }
    this.#pausedAtMs = performance.now()
    this.#modules.onPaused?.()
    if (this.#process?.canPause === true) this.#process.pause()
    else await Promise.race([pauseByMessage?.(), this.#modules.exited])
  }
}

const cancelled = () => new LearningError('CANCELLED', 'training was cancelled')
