import { utf8Length } from '../../protocol/codec.ts'
import type { NodeKey, TaskId } from '../../protocol/ids.ts'
import { costRoundedUp } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { Listing, Outcome } from '../market/routing/candidate.ts'
import type { TaskEvidence } from '../trust/reputation.ts'
import type { AskOptions, TaskEvent } from './ask.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import { promptTokensBound } from './demand.ts'
import type { PriceCap } from './price-cap.ts'
import type { AttemptReport, Choice, Progress, Venue } from './venue.ts'
import { circuitSignalOf, evidenceOf, statusOf } from './verdict.ts'

export interface AttemptRunnerOptions {
  taskId: TaskId
  ask: AskOptions
  deadlineAtMs: number | null
  maxAttempts: number
  onEvent: (event: TaskEvent) => void
}

/** Those who learn from attempts, and what attempts are made with. */
export interface AttemptRunnerModules {
  clock: Clock
  /** Where attempts are made; a venue that is not there has no listings. */
  venues: { peer: Venue } & Partial<Record<Listing['venue'], Venue>>
  router: { observe(outcome: Outcome): void }
  breaker: Pick<CircuitBreaker, 'begin' | 'observe'>
  reputation: { observe: (provider: NodeKey, evidence: TaskEvidence) => Promise<void> }
}

/** One attempt on its way. */
export interface RunningAttempt {
  readonly choice: Choice
  readonly number: number
  /** Whether it has made output. */
  readonly hasOutput: boolean
  readonly promptTokens: number
  readonly ended: Promise<AttemptReport>
  /** The provider is told; what came is paid. Idempotent. */
  cancel(): void
}

/** Makes a task's attempts: within its price cap, each told to those who learn from it. */
export class AttemptRunner {
  readonly #options: AttemptRunnerOptions
  readonly #modules: AttemptRunnerModules
  readonly #cap: PriceCap
  readonly #signal: AbortSignal
  #started = 0

  /** @param modules.signal cancels all attempts */
  constructor(
    options: AttemptRunnerOptions,
    modules: AttemptRunnerModules & { cap: PriceCap; signal: AbortSignal },
  ) {
    this.#options = options
    this.#modules = modules
    this.#cap = modules.cap
    this.#signal = modules.signal
  }

  /** Attempts begun so far. */
  get started(): number {
    return this.#started
  }

  /** Whether another may be begun. */
  get mayStart(): boolean {
    return this.#started < this.#options.maxAttempts && !this.#signal.aborted
  }

  /** What an attempt could cost at most from where the task stands, base units. */
  worstCost(price: Choice['price'], progress: Progress): bigint {
    return costRoundedUp(price, {
      inputTokens: this.#promptBound(progress),
      outputTokens: this.#left(progress),
    })
  }

  /**
   * Begins an attempt; its report counts in the cap when `ended` resolves.
   * @param onEvent what happens in it; the caller decides what of it is the task's
   */
  start(choice: Choice, progress: Progress, onEvent: (event: TaskEvent) => void): RunningAttempt {
    const { taskId, ask, deadlineAtMs } = this.#options
    const { clock, venues, breaker } = this.#modules
    const { provider, model, venue } = choice.candidate
    const number = this.#started++
    const maxTokens = this.#left(progress)
    const hold = this.#cap.hold(this.worstCost(choice.price, progress))
    const cancel = new AbortController()
    const startedAtMs = clock.nowMs()
    const seen = { ttftMs: null as number | null, outputTokens: 0, promptTokens: 0 }
    breaker.begin(provider, model.model)
    const running = venues[venue]!.run(
      {
        ...{ taskId, attempt: number, choice, ask, deadlineAtMs, maxTokens },
        // Taken as it is now: the task goes on while the attempt does.
        progress: { ...progress, tokens: [...progress.tokens] },
        promptTokensBound: this.#promptBound(progress),
        maxAmount: hold.amount,
        onEvent: event => {
          if (event.type === 'accepted') {
            seen.promptTokens = event.promptTokens
            const { promptTokens: inputTokens } = event
            hold.lower(costRoundedUp(choice.price, { inputTokens, outputTokens: maxTokens }))
          } else if (event.type === 'output') {
            if (event.tokens.length > 0) seen.ttftMs ??= clock.nowMs() - startedAtMs
            seen.outputTokens += event.tokens.length
          }
          onEvent(event)
        },
      },
      AbortSignal.any([this.#signal, cancel.signal]),
    )
    const ended = running.then(report => {
      hold.settle(report.paid)
      this.#reports.set(attempt, { report, totalMs: clock.nowMs() - startedAtMs })
      return report
    })
    const attempt: RunningAttempt = {
      choice,
      number,
      ended,
      get hasOutput() {
        return seen.outputTokens > 0
      },
      get promptTokens() {
        return seen.promptTokens
      },
      cancel: () => cancel.abort(),
    }
    this.#seen.set(attempt, seen)
    return attempt
  }

  readonly #reports = new WeakMap<RunningAttempt, { report: AttemptReport; totalMs: number }>()
  readonly #seen = new WeakMap<RunningAttempt, Pick<Outcome, 'ttftMs' | 'outputTokens' | 'promptTokens'>>()

  /**
   * Tells those who learn how an ended attempt went.
   * @param disagreed others' answers were another one: that counts, however it ended
   */
  async judge(attempt: RunningAttempt, disagreed = false): Promise<void> {
    const ended = this.#reports.get(attempt)
    if (ended === undefined) return
    const { router, breaker, reputation } = this.#modules
    const { candidate, decisionId } = attempt.choice
    const { provider, venue, model } = candidate
    const { outcome, paid } = ended.report
    breaker.observe(provider, model.model, disagreed ? 'failure' : circuitSignalOf(outcome))
    const status = disagreed ? 'failed' : statusOf(outcome)
    const { totalMs } = ended
    if (status !== null)
      router.observe({ decisionId, provider, status, totalMs, paid, ...this.#seen.get(attempt)! })
    const evidence = disagreed ? 'disagreed' : evidenceOf(outcome)
    if (venue === 'peer' && evidence !== null) await reputation.observe(provider, evidence)
  }

  #left(progress: Progress): number {
    return Math.max(1, this.#options.ask.maxTokens - progress.outputTokens)
  }

  /** What has come is read again as part of the prompt; each of its bytes could be a token. */
  #promptBound({ text, tokens }: Progress): number {
    return promptTokensBound(this.#options.ask.input) + Math.max(utf8Length(text), tokens.length)
  }
}
