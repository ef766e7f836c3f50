import type { Timer } from '../clock.ts'
import type { ProviderId } from '../market/routing/candidate.ts'
import { Agreement } from './agreement.ts'
import type { TaskEvent } from './ask.ts'
import type { RunningAttempt } from './attempt-runner.ts'
import { TaskError } from './errors.ts'
import { AttemptFailures, noProvider } from './failures.ts'
import { hedgeDelayMs } from './hedge.ts'
import type { RunModules, RunResult } from './run.ts'
import type { AttemptReport, Choice, Progress } from './venue.ts'

export interface ReplicatedRunOptions {
  /** Operators whose majority decides. */
  replicas: number
}

export interface ReplicatedRunModules extends RunModules {
  /** Whether two providers are different operators, by all that is known. */
  areDistinct: (a: ProviderId, b: ProviderId) => boolean
}

/**
 * A task done by several distinct operators at once, with the same model, sampling and seed. What a majority
 * of the replicas has made alike is shown, and the first answer that a majority has ended alike wins. As many
 * are asked as a majority needs, by auction where that is wanted; others join, from what is agreed on, when one fails,
 * is late or differs, at the prices of their offers. Who differs from the majority is let go, and it counts against it.
 */
export class ReplicatedRun {
  readonly #modules: ReplicatedRunModules
  readonly #quorum: number
  readonly #agreement: Agreement<RunningAttempt>
  readonly #failures = new AttemptFailures()
  readonly #running = new Set<RunningAttempt>()
  /** All asked: somebody who was let go is no more distinct for that. */
  readonly #asked: Choice[] = []
  readonly #dissenting = new Set<RunningAttempt>()
  readonly #ended: Promise<unknown>[] = []
  readonly #over = Promise.withResolvers<RunResult>()
  #model = ''
  #hedge: Timer | null = null
  #channels = 0
  #isOver = false

  constructor(options: ReplicatedRunOptions, modules: ReplicatedRunModules) {
    this.#modules = modules
    this.#quorum = Math.floor(options.replicas / 2) + 1
    this.#agreement = new Agreement(this.#quorum)
  }

  /**
   * Runs the task to its end.
   * @throws {TaskError} TOO_FEW_OPERATORS before anybody is asked; NO_AGREEMENT when no answer finds a majority
   */
  async run(): Promise<RunResult> {
    try {
      await this.#begin()
      return await this.#over.promise
    } finally {
      this.#isOver = true
      this.#hedge?.cancel()
      for (const attempt of this.#running) attempt.cancel()
      await Promise.allSettled(this.#ended)
    }
  }

  async #begin(): Promise<void> {
    const { ask, auction, chooser, book, onEvent } = this.#modules
    const ranking = chooser.rank()
    onEvent({ type: 'ranked', ranking })
    const choices = chooser.all()
    if (choices.length === 0) throw noProvider(ask, ranking, book)
    const best = this.#firstChoices(choices)
    this.#model = best[0]!.candidate.model.model
    const first = await auction({ choices, best })
    for (const choice of first) this.#enter(choice, choices.length - 1)
  }

  /** The best that a majority of distinct operators run the model of. */
  #firstChoices(choices: readonly Choice[]): Choice[] {
    let most = 0
    const models = new Set<string>()
    for (const { candidate } of choices) {
      const { model } = candidate.model
      if (models.has(model)) continue
      models.add(model)
      const distinct = this.#distinct(choices.filter(choice => choice.candidate.model.model === model))
      most = Math.max(most, distinct.length)
      if (distinct.length >= this.#quorum) return distinct.slice(0, this.#quorum)
    }
    throw new TaskError('TOO_FEW_OPERATORS', 'too few distinct operators run one model for this SLA class', {
      fix: 'Ask for another model, wait for more providers, or take --sla B.',
      details: { needed: this.#quorum, distinct: most },
    })
  }

  /** The best first, each of another operator than those before it and all that were asked. */
  #distinct(choices: readonly Choice[]): Choice[] {
    const chosen: Choice[] = []
    for (const choice of choices) {
      // Somebody else's model on somebody else's machine draws no reproducible tokens.
      if (choice.candidate.venue === 'cloud') continue
      const isDistinct = [...this.#asked, ...chosen].every(other =>
        this.#modules.areDistinct(choice.candidate.provider, other.candidate.provider),
      )
      if (isDistinct) chosen.push(choice)
    }
    return chosen
  }

  #enter(choice: Choice, alternatives: number): void {
    const { chooser, runner, onEvent } = this.#modules
    chooser.take(choice)
    this.#asked.push(choice)
    const { provider } = choice.candidate
    onEvent({ type: 'chosen', candidate: choice.candidate, attempt: runner.started, alternatives })
    const attempt = runner.start(choice, this.#progress(), event => this.#take(event, attempt))
    this.#agreement.join(attempt)
    this.#running.add(attempt)
    const ended = attempt.ended.then(report => this.#attemptEnded(attempt, provider, report))
    this.#ended.push(ended)
    ended.catch(this.#over.reject)
  }

  #take(event: TaskEvent, attempt: RunningAttempt): void {
    if (event.type === 'output') {
      this.#agreement.output(attempt, event.tokens, event.text)
      this.#step()
      return
    }
    // Until all have been asked there is money to be moved, which nobody is to blame for.
    if (event.type === 'channel' && ++this.#channels === this.#quorum) this.#armHedge()
    this.#modules.onEvent(event)
  }

  #armHedge(): void {
    const { ask, clock } = this.#modules
    const delays = this.#asked.map(({ candidate }) => hedgeDelayMs(candidate.prediction, ask.preferences))
    if (this.#isOver || delays.includes(null)) return
    const delayMs = Math.max(...(delays as number[]))
    this.#hedge = clock.setTimer(() => this.#late(delayMs), delayMs)
  }

  async #attemptEnded(attempt: RunningAttempt, provider: ProviderId, report: AttemptReport): Promise<void> {
    const { outcome } = report
    this.#running.delete(attempt)
    if (outcome.kind === 'finished') {
      this.#agreement.end(attempt, outcome.reason)
      this.#finished.push(attempt)
    } else {
      this.#agreement.leave(attempt)
      await this.#judge(attempt)
      if (outcome.kind !== 'cancelled') {
        const why = outcome.kind === 'refused' ? outcome.code : outcome.why
        this.#failures.add(provider, why, report)
        this.#modules.onEvent({ type: 'failover', from: provider, why, attempt: attempt.number })
      }
    }
    this.#step()
  }

  readonly #finished: RunningAttempt[] = []

  /** Shows what has come to be agreed on, lets go who differs, and sees whether that is all or more are needed. */
  #step(): void {
    if (this.#isOver) return
    const { text, tokens, agreed, dissenting } = this.#agreement.step()
    if (text !== '' || tokens.length > 0) this.#modules.onEvent({ type: 'output', tokens, text })
    if (dissenting.length > 0) this.#letGo(agreed, dissenting)
    const verdict = this.#agreement.verdict()
    if (verdict !== null) this.#finish(verdict.agreed, verdict.reason)
    else if (this.#modules.signal.aborted) {
      if (this.#running.size === 0) this.#finish([], 'cancelled')
    } else {
      for (let missing = this.#agreement.missing(); missing > 0; missing--) if (!this.#another()) break
      if (this.#running.size === 0) this.#over.reject(this.#noAgreement())
    }
  }

  #letGo(agreed: RunningAttempt[], dissenting: RunningAttempt[]): void {
    for (const attempt of dissenting) {
      this.#dissenting.add(attempt)
      this.#agreement.leave(attempt)
      attempt.cancel()
    }
    const providersOf = (attempts: RunningAttempt[]) =>
      attempts.map(({ choice }) => choice.candidate.provider)
    this.#modules.onEvent({
      ...{ type: 'disagreement', agreed: providersOf(agreed), dissenting: providersOf(dissenting) },
      atToken: this.#agreement.agreed.tokens.length,
    })
  }

  /** @returns whether somebody more could be asked */
  #another(): boolean {
    const { chooser, runner } = this.#modules
    if (!runner.mayStart) return false
    const runsModel = ({ candidate }: Choice) => candidate.model.model === this.#model
    let [choice] = this.#distinct(chooser.all().filter(runsModel))
    if (choice === undefined) {
      chooser.rank({ model: this.#model })
      ;[choice] = this.#distinct(chooser.all().filter(runsModel))
    }
    if (choice === undefined) return false
    this.#enter(choice, chooser.all().length - 1)
    return true
  }

  /** Nothing is agreed on yet, though everybody should have begun: one more is asked. */
  #late(afterMs: number): void {
    const { hedging, runner, onEvent } = this.#modules
    if (this.#isOver || this.#agreement.agreed.tokens.length > 0 || !hedging.spend()) return
    const attempt = runner.started
    if (!this.#another()) return
    const { provider } = this.#asked.at(-1)!.candidate
    onEvent({ type: 'hedged', provider, attempt, afterMs })
  }

  #finish(agreed: readonly RunningAttempt[], reason: RunResult['reason']): void {
    this.#isOver = true
    const first = agreed[0]
    const tokens = this.#agreement.agreed.tokens.length
    const judged = (async () => {
      await Promise.all(this.#finished.map(attempt => this.#judge(attempt)))
      await this.#modules.runner.compared(agreed, [...this.#dissenting], tokens)
    })()
    this.#ended.push(judged)
    judged.catch(this.#over.reject)
    this.#over.resolve({
      reason,
      progress: this.#progress(),
      promptTokens: first?.promptTokens ?? 0,
      choice: first?.choice ?? this.#asked[0]!,
      agreed: agreed.map(({ choice }) => choice.candidate.provider),
    })
  }

  #judge(attempt: RunningAttempt): Promise<void> {
    return this.#modules.runner.judge(attempt, this.#dissenting.has(attempt) ? 'disagreed' : null)
  }

  #progress(): Progress {
    const { text, tokens } = this.#agreement.agreed
    return { text, tokens, model: this.#model, outputTokens: tokens.length }
  }

  #noAgreement(): Error {
    const progress = this.#progress()
    if (this.#finished.length === 0) return this.#failures.error(progress)
    return new TaskError('NO_AGREEMENT', 'the providers answered differently, and nobody is left to decide', {
      fix: 'Ask again with another --seed or --temperature 0, wait for more providers, or take --sla B.',
      details: {
        providers: this.#asked.map(({ candidate }) => candidate.provider.slice(0, 8)),
        agreedTokens: progress.outputTokens,
      },
    })
  }
}
