import { utf8Length } from '../../protocol/codec.ts'
import type { NodeKey, TaskId } from '../../protocol/ids.ts'
import { costRoundedUp, formatCredits } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { OfferBook } from '../market/offer-book.ts'
import type { Candidate, Demand, Listing, Outcome, ProviderId, Ranking } from '../market/routing/candidate.ts'
import type { TaskEvidence } from '../trust/reputation.ts'
import type { AskOptions, TaskEvent, TaskResult } from './ask.ts'
import { demandOf, promptTokensBound } from './demand.ts'
import { TaskError } from './errors.ts'
import { noProvider, promptTooLong } from './failures.ts'
import { PriceCap } from './price-cap.ts'
import type { AttemptReport, Progress, Venue } from './venue.ts'
import { evidenceOf, statusOf } from './verdict.ts'

/** Chooses whom a task is given to, and learns how it went. */
export interface TaskRouter {
  rank(demand: Demand): Ranking
  /** As `rank`, without a trace. */
  preview(demand: Demand, maxCandidates?: number): Ranking
  observe(outcome: Outcome): void
}

export interface TaskOptions {
  taskId: TaskId
  ask: AskOptions
  onEvent: (event: TaskEvent) => void
  signal: AbortSignal
  maxAttempts: number
}

export interface TaskModules {
  router: TaskRouter
  book: OfferBook
  clock: Clock
  /** Where attempts are made; a venue that is not there has no listings. */
  venues: { peer: Venue } & Partial<Record<Listing['venue'], Venue>>
  reputation: { observe: (provider: NodeKey, evidence: TaskEvidence) => Promise<void> }
}

/** One task over its attempts: what has come so far is never asked for, shown or paid again. */
export class Task {
  readonly #options: TaskOptions
  readonly #modules: TaskModules
  readonly #cap: PriceCap
  readonly #tried = new Set<ProviderId>()
  readonly #failures: { provider: ProviderId; why: string }[] = []
  /** Why no money could be put into the last channel that was wanted. */
  #unfunded: Error | null = null
  /** Output so far; its tokens belong to `model`. */
  readonly #progress = { text: '', tokens: [] as number[], model: null as string | null, outputTokens: 0 }
  #promptTokens = 0

  constructor(options: TaskOptions, modules: TaskModules) {
    this.#options = options
    this.#modules = modules
    this.#cap = new PriceCap(options.ask.maxPrice)
  }

  async run(): Promise<TaskResult> {
    const { taskId, ask, onEvent, maxAttempts } = this.#options
    onEvent({ type: 'started', taskId })
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      this.#throwIfCancelled(attempt)
      const { candidate, decisionId } = this.#choose(attempt)
      this.#tried.add(candidate.provider)
      const { outcome } = await this.#try(candidate, decisionId, attempt)
      if (outcome.kind === 'finished') return this.#result(candidate, outcome.reason, attempt)
      if (outcome.kind === 'cancelled') return this.#result(candidate, 'cancelled', attempt)
      const why = outcome.kind === 'refused' ? outcome.code : outcome.why
      this.#failures.push({ provider: candidate.provider, why })
      onEvent({ type: 'failover', from: candidate.provider, why, attempt })
      // All that was asked for has come: only the end was lost.
      if (this.#progress.outputTokens >= ask.maxTokens) return this.#result(candidate, 'length', attempt)
    }
    throw this.#allFailed()
  }

  #choose(attempt: number): { candidate: Candidate; decisionId: string } {
    const { ask, onEvent } = this.#options
    const demand = demandOf(ask, { excluded: this.#tried, maxPrice: this.#cap.available() })
    const ranking = this.#modules.router.rank(demand)
    if (attempt === 0) onEvent({ type: 'ranked', ranking })
    const [candidate] = ranking.candidates
    if (candidate === undefined)
      throw attempt === 0 ? noProvider(ask, ranking, this.#modules.book) : this.#allFailed()
    onEvent({ type: 'chosen', candidate, attempt, alternatives: ranking.candidates.length - 1 })
    return { candidate, decisionId: ranking.decisionId }
  }

  async #try(candidate: Candidate, decisionId: string, attempt: number): Promise<AttemptReport> {
    const { ask, taskId, onEvent, signal } = this.#options
    const { venues, clock } = this.#modules
    const bound = this.#promptBound()
    const maxTokens = Math.max(1, ask.maxTokens - this.#progress.outputTokens)
    const worst = costRoundedUp(candidate.model, { inputTokens: bound, outputTokens: maxTokens })
    const hold = this.#cap.hold(worst)
    const startedAtMs = clock.nowMs()
    const seen = { ttftMs: null as number | null, outputTokens: 0, promptTokens: 0 }
    const report = await venues[candidate.venue]!.run(
      {
        taskId,
        attempt,
        candidate,
        ask,
        progress: this.#progress as Progress,
        maxTokens,
        promptTokensBound: bound,
        maxAmount: hold.amount,
        deadlineAtMs: null,
        onEvent: event => {
          if (event.type === 'accepted') {
            seen.promptTokens = event.promptTokens
            this.#promptTokens = event.promptTokens
          }
          if (event.type === 'output') {
            seen.ttftMs ??= clock.nowMs() - startedAtMs
            seen.outputTokens += event.count ?? event.tokens.length
            this.#take(event, candidate.model.model)
          }
          onEvent(event)
        },
      },
      signal,
    )
    hold.settle(report.paid)
    if (report.unfunded !== undefined) this.#unfunded = report.unfunded
    const totalMs = clock.nowMs() - startedAtMs
    await this.#judge(candidate, report, { decisionId, totalMs, ...seen })
    return report
  }

  #take(event: Extract<TaskEvent, { type: 'output' }>, model: string): void {
    const progress = this.#progress
    if (progress.model !== model) {
      // The tokens so far are another model's and mean nothing to this one; their text does.
      progress.tokens = []
      progress.model = model
    }
    progress.tokens.push(...event.tokens)
    progress.outputTokens += event.count ?? event.tokens.length
    progress.text += event.text
  }

  async #judge(
    { provider, venue }: Candidate,
    { outcome, paid }: AttemptReport,
    seen: Omit<Outcome, 'provider' | 'status' | 'paid'>,
  ): Promise<void> {
    const status = statusOf(outcome)
    if (status !== null) this.#modules.router.observe({ ...seen, provider, status, paid })
    const evidence = evidenceOf(outcome)
    if (venue === 'peer' && evidence !== null) await this.#modules.reputation.observe(provider, evidence)
  }

  #promptBound(): number {
    const { text, tokens } = this.#progress
    return promptTokensBound(this.#options.ask.input) + Math.max(utf8Length(text), tokens.length)
  }

  #result(candidate: Candidate, reason: TaskResult['reason'], attempt: number): TaskResult {
    return {
      taskId: this.#options.taskId,
      status: reason === 'cancelled' ? 'cancelled' : reason === 'deadline' ? 'expired' : 'completed',
      reason,
      text: this.#progress.text,
      outputTokens: this.#progress.outputTokens,
      promptTokens: this.#promptTokens,
      paid: this.#cap.spent,
      provider: candidate.provider,
      model: candidate.model.model,
      attempts: attempt + 1,
      agreed: [candidate.provider],
    }
  }

  #throwIfCancelled(attempt: number): void {
    if (!this.#options.signal.aborted) return
    throw new TaskError('CANCELLED', 'the task was cancelled', {
      details: { attempts: attempt, paid: formatCredits(this.#cap.spent) },
    })
  }

  #allFailed(): Error {
    if (this.#unfunded !== null && this.#failures.every(({ why }) => why === 'unfunded'))
      return this.#unfunded
    if (this.#failures.every(({ why }) => why === 'prompt_too_long')) return promptTooLong()
    const tried = this.#failures.map(({ why }) => why.replaceAll('_', ' ')).join(', ')
    return new TaskError('ALL_PROVIDERS_FAILED', `no provider could finish the task: ${tried}`, {
      fix: 'Try again, or wait for other providers; shoal offers lists them.',
      details: {
        failures: this.#failures.map(({ provider, why }) => `${provider.slice(0, 8)}: ${why}`),
        outputTokens: this.#progress.outputTokens,
        paid: formatCredits(this.#cap.spent),
      },
    })
  }
}
