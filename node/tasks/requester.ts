import { LinkedAbort } from '../../inference/linked-abort.ts'
import type { TaskId } from '../../protocol/ids.ts'
import type { Demand, Ranking } from '../market/routing/candidate.ts'
import type { AskOptions, TaskEvent, TaskResult } from './ask.ts'
import { demandOf } from './demand.ts'
import { Task, type TaskModules, type TaskOptions } from './task.ts'
import type { TaskNews } from './task-news.ts'

export type RequesterOptions = Pick<TaskOptions, 'maxAttempts' | 'replicas' | 'attestedStake'>

export interface RequesterModules extends TaskModules {
  randomTaskId: () => TaskId
  /** Told how each task goes. */
  onTask?: (news: TaskNews) => void
}

/** Sends tasks to whoever does them best, and goes on elsewhere when a provider fails. */
export class Requester {
  readonly #options: RequesterOptions
  readonly #modules: RequesterModules
  readonly #abort = new AbortController()
  readonly #running = new Map<TaskId, { cancel: LinkedAbort; ended: Promise<unknown> }>()

  constructor(options: RequesterOptions, modules: RequesterModules) {
    this.#options = options
    this.#modules = modules
  }

  /** Cancels what runs and waits for it. Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended))
  }

  /**
   * Runs one task to its end.
   * @param onEvent told of everything as it happens
   * @throws {TaskError} NO_PROVIDER, NOTHING_FITS, MODEL_NOT_OFFERED, KIND_NOT_OFFERED, TOO_EXPENSIVE, PROMPT_TOO_LONG, ALL_PROVIDERS_FAILED, CANCELLED,
   *   DEADLINE_PASSED with nothing to show, TOO_FEW_OPERATORS and NO_AGREEMENT in the SLA classes A and S
   * @throws {PaymentError} when no money can be put into a channel
   */
  ask(options: AskOptions, onEvent: (event: TaskEvent) => void, signal: AbortSignal): Promise<TaskResult> {
    const taskId = this.#modules.randomTaskId()
    const cancel = new LinkedAbort(signal, this.#abort.signal)
    const { onTask = () => {} } = this.#modules
    const task = new Task(
      {
        ...this.#options,
        ask: options,
        taskId,
        onEvent: event => {
          onTask({ taskId, ask: options, type: 'event', event })
          onEvent(event)
        },
        signal: cancel.signal,
      },
      this.#modules,
    )
    onTask({ taskId, ask: options, type: 'began' })
    const ended = task.run()
    this.#running.set(taskId, { cancel, ended })
    return ended
      .then(
        result => {
          onTask({ taskId, ask: options, type: 'ended', result })
          return result
        },
        (error: unknown) => {
          onTask({ taskId, ask: options, type: 'failed', error })
          throw error
        },
      )
      .finally(() => {
        cancel.unlink()
        this.#running.delete(taskId)
      })
  }

  /** Cancels a running task; its `ask` then ends with what has come. @returns whether it was running */
  cancel(taskId: TaskId): boolean {
    const running = this.#running.get(taskId)
    running?.cancel.abort()
    return running !== undefined
  }

  /** What the router would choose among for a demand, without a trace. */
  preview(demand: Demand, limit: number): Ranking {
    return this.#modules.router.preview(demand, limit)
  }

  /** What a task would be given to, best first. */
  rank(options: AskOptions): Ranking {
    return this.#modules.router.preview(
      demandOf(options, { excluded: new Set(), maxPrice: options.maxPrice }),
    )
  }
}
