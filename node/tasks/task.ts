import type { TaskId } from '../../protocol/ids.ts'
import { formatCredits, maxAmount } from '../../protocol/money.ts'
import { isReplicated, type SlaClass } from '../../protocol/sla-class.ts'
import type { Timer } from '../clock.ts'
import type { Auctioneer } from '../market/auction/auctioneer.ts'
import type { OfferBook } from '../market/offer-book.ts'
import type { ProviderId } from '../market/routing/candidate.ts'
import type { AskOptions, TaskEvent, TaskResult } from './ask.ts'
import { AttemptRunner, type AttemptRunnerModules } from './attempt-runner.ts'
import { chooseByAuction } from './auction-choice.ts'
import { Chooser, type TaskRouter } from './choosing.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import { ContinuousRun } from './continuous-run.ts'
import { TaskError } from './errors.ts'
import type { HedgeBudget } from './hedge.ts'
import { PriceCap } from './price-cap.ts'
import { ReplicatedRun } from './replicated-run.ts'
import type { RunModules, RunResult } from './run.ts'
import type { TranscriptJudge } from './transcript-judge.ts'

export interface TaskOptions {
  taskId: TaskId
  ask: AskOptions
  onEvent: (event: TaskEvent) => void
  signal: AbortSignal
  /** Providers a task is given to, at most; those of an SLA class with replicas come on top. */
  maxAttempts: number
  /** Distinct operators of which a majority decides, in the SLA classes A and S. */
  replicas: number
  /** What operators must have at stake in the SLA class S, base units. */
  attestedStake: bigint
}

export interface TaskModules extends Omit<AttemptRunnerModules, 'router' | 'breaker'> {
  router: TaskRouter
  breaker: CircuitBreaker
  hedging: HedgeBudget
  auctioneer: Pick<Auctioneer, 'sell'>
  book: OfferBook
  areDistinct: (a: ProviderId, b: ProviderId) => boolean
  /** Who gets no tasks of a class, for what it did. */
  excludedFrom?: (slaClass: SlaClass) => readonly ProviderId[]
  transcripts: TranscriptJudge
}

/** One task: its price cap, its deadline, and the way its SLA class is done. */
export class Task {
  readonly #options: TaskOptions
  readonly #ask: AskOptions
  readonly #modules: TaskModules
  readonly #cap: PriceCap
  readonly #deadline = new AbortController()

  constructor(options: TaskOptions, modules: TaskModules) {
    this.#options = options
    this.#ask = attested(options)
    this.#modules = modules
    this.#cap = new PriceCap(options.ask.maxPrice)
  }

  /**
   * Runs the task to its end; nothing of it runs, and all that was paid is counted, when this settles.
   * @throws {TaskError} see `Requester.ask`
   */
  async run(): Promise<TaskResult> {
    const { taskId, onEvent, signal, maxAttempts, replicas } = this.#options
    const ask = this.#ask
    const { clock, hedging } = this.#modules
    onEvent({ type: 'started', taskId })
    if (signal.aborted) throw this.#cancelled(0)
    if (ask.input.kind === 'embedding' && isReplicated(ask.preferences.slaClass)) throw notCompared()
    hedging.earn()
    const { deadlineMs, slaClass } = ask.preferences
    const ends = deadlineMs === null ? signal : AbortSignal.any([signal, this.#deadline.signal])
    const runner = new AttemptRunner(
      {
        ...{ taskId, ask, onEvent },
        deadlineAtMs: deadlineMs === null ? null : clock.nowMs() + deadlineMs,
        maxAttempts: isReplicated(slaClass) ? maxAttempts + replicas - 1 : maxAttempts,
      },
      { ...this.#modules, cap: this.#cap, signal: ends },
    )
    const chooser = new Chooser({ ...ask, taskId }, { ...this.#modules, cap: this.#cap })
    const run: RunModules = {
      ...this.#modules,
      ...{ ask, chooser, runner, onEvent, signal: ends },
      auction: from =>
        chooseByAuction({ taskId, ask, maxPrice: this.#cap.available() }, from, {
          auctioneer: this.#modules.auctioneer,
          areDistinct: this.#modules.areDistinct,
          onEvent,
          signal: ends,
        }),
    }
    const timer: Timer | null =
      deadlineMs === null ? null : clock.setTimer(() => this.#deadline.abort(), deadlineMs)
    try {
      const result = isReplicated(slaClass)
        ? await new ReplicatedRun({ taskId, replicas }, { ...this.#modules, ...run }).run()
        : await new ContinuousRun(run).run()
      return this.#result(result, runner.started)
    } finally {
      timer?.cancel()
    }
  }

  #result({ reason, progress, promptTokens, choice, agreed }: RunResult, attempts: number): TaskResult {
    const isLate = reason === 'cancelled' && this.#deadline.signal.aborted
    if (isLate && progress.text === '') throw this.#expired()
    return {
      taskId: this.#options.taskId,
      status: isLate ? 'expired' : reason === 'cancelled' ? 'cancelled' : 'completed',
      reason: isLate ? 'deadline' : reason,
      text: progress.text,
      ...(reason === 'stop' && this.#ask.input.kind === 'embedding'
        ? { vectors: progress.vectors ?? [] }
        : {}),
      outputTokens: progress.outputTokens,
      promptTokens,
      paid: this.#cap.spent,
      provider: choice.candidate.provider,
      model: choice.candidate.model.model,
      attempts,
      agreed,
    }
  }

  #cancelled(attempts: number): TaskError {
    return new TaskError('CANCELLED', 'the task was cancelled', {
      details: { attempts, paid: formatCredits(this.#cap.spent) },
    })
  }

  #expired(): TaskError {
    return new TaskError('DEADLINE_PASSED', 'the deadline passed before anything had come', {
      fix: 'Allow more time with --deadline, or ask for --strategy speed.',
      details: { paid: formatCredits(this.#cap.spent) },
    })
  }
}

function notCompared(): TaskError {
  return new TaskError(
    'NOTHING_FITS',
    'vectors of several providers differ in their last bits and are not compared',
    {
      fix: 'Embed in the SLA class B.',
    },
  )
}

/** In the SLA class S only operators with a stake are asked. */
function attested({ ask, attestedStake }: TaskOptions): AskOptions {
  const { preferences } = ask
  if (preferences.slaClass !== 'S') return ask
  return { ...ask, preferences: { ...preferences, minStake: maxAmount(preferences.minStake, attestedStake) } }
}
