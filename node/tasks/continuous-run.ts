import type { Timer } from '../clock.ts'
import type { TaskEvent } from './ask.ts'
import type { SealedEvent } from './attempt.ts'
import type { RunningAttempt } from './attempt-runner.ts'
import { AttemptFailures, noProvider } from './failures.ts'
import { hedgeDelayMs } from './hedge.ts'
import type { RunModules, RunResult } from './run.ts'
import { Standby } from './standby.ts'
import type { AttemptReport, Choice, TryOutcome } from './venue.ts'

/** Attempts side by side until one makes output: a second one is the hedge. */
interface Race {
  readonly lanes: Set<RunningAttempt>
  /** Who has made the first output, or has ended well without any: it goes on alone. */
  winner: RunningAttempt | null
  hedge: Timer | null
  /** Tokens of the texts that were embedded before. */
  readonly vectorTokens: number
  readonly over: PromiseWithResolvers<RaceEnd>
  end: RaceEnd | null
}
interface RaceEnd {
  attempt: RunningAttempt
  outcome: TryOutcome
}

/**
 * A task done by one provider at a time: the next one goes on where one fails, from what has come, which is
 * never asked for, shown or paid again. While the first token is late, a second provider is asked, and the
 * first to answer goes on.
 */
export class ContinuousRun {
  readonly #modules: RunModules
  readonly #standby: Standby
  readonly #failures = new AttemptFailures()
  /** Output so far; its tokens belong to `model`. */
  readonly #progress = {
    ...{ text: '', tokens: [] as number[], model: null as string | null, outputTokens: 0 },
    ...{ vectors: [] as Float32Array[], vectorTokens: 0 },
  }
  /** Races whose losers have still to say what they did. */
  readonly #paying = new Set<Promise<unknown>>()

  constructor(modules: RunModules) {
    this.#modules = modules
    const { chooser, clock, venues, runner, onEvent } = modules
    this.#standby = new Standby({
      clock,
      venues,
      choose: isFit => (runner.mayStart ? chooser.successor(isFit) : null),
      isOpen: choice => chooser.isOpen(choice),
      worstCost: ({ price }) => runner.allowance(price, this.#progress),
      onReady: provider => onEvent({ type: 'standby', provider }),
    })
  }

  /**
   * Runs the task to its end.
   * @throws {TaskError} when nobody can be asked, or nobody finishes it
   */
  async run(): Promise<RunResult> {
    const { ask, runner, onEvent } = this.#modules
    try {
      let choice = await this.#first()
      for (;;) {
        const { attempt, outcome } = await this.#race(choice)
        if (outcome.kind === 'finished') return this.#result(attempt, outcome.reason)
        if (outcome.kind === 'cancelled') return this.#result(attempt, 'cancelled')
        // All that was asked for has come: only the end was lost.
        if (ask.input.kind === 'embedding') {
          if (this.#progress.vectors.length === ask.input.inputs.length) return this.#result(attempt, 'stop')
        } else if (this.#progress.outputTokens >= ask.maxTokens) return this.#result(attempt, 'length')
        if (this.#modules.signal.aborted) return this.#result(attempt, 'cancelled')
        choice = this.#next()
        onEvent({
          ...{ type: 'chosen', candidate: choice.candidate, attempt: runner.started },
          alternatives: this.#modules.chooser.all().length - 1,
        })
      }
    } finally {
      this.#standby.stop()
      await Promise.allSettled(this.#paying)
    }
  }

  async #first(): Promise<Choice> {
    const { ask, auction, chooser, book, onEvent } = this.#modules
    const ranking = chooser.rank()
    onEvent({ type: 'ranked', ranking })
    const choices = chooser.all()
    if (choices.length === 0) throw noProvider(ask, ranking, book)
    const [choice] = (await auction({ choices, best: choices.slice(0, 1) })) as [Choice]
    onEvent({
      ...{ type: 'chosen', candidate: choice.candidate, attempt: 0 },
      alternatives: ranking.candidates.length - 1,
    })
    return choice
  }

  /** Who goes on: whoever stands by, else the best the market has now. */
  #next(): Choice {
    const { ask, chooser, runner } = this.#modules
    if (!runner.mayStart) throw this.#failures.error(this.#progress)
    const standby = this.#standby.take()
    if (standby !== null && this.#goesOn(standby)) return standby
    const same = this.#sameModel()
    if (same !== null) return same
    chooser.rank()
    let choice = chooser.best()
    if (choice === null && ask.preferences.mode === 'spot') {
      // What has begun is finished, in full if it must be; the price cap holds all the same.
      chooser.rank({ mode: 'on-demand' })
      choice = chooser.best()
    }
    if (choice === null) throw this.#failures.error(this.#progress)
    return choice
  }

  /** Vectors of different models do not compare. */
  #goesOn({ candidate }: Choice): boolean {
    const { vectors, model } = this.#progress
    return vectors.length === 0 || candidate.model.model === model
  }

  /** Who goes on with an embedding; null when there is nobody: it then begins anew, with what there is. */
  #sameModel(): Choice | null {
    const { vectors, model } = this.#progress
    if (vectors.length === 0 || model === null) return null
    const { chooser } = this.#modules
    chooser.rank({ model })
    const same = chooser.best()
    if (same === null) {
      this.#progress.vectors = []
      this.#progress.vectorTokens = 0
    }
    return same
  }

  async #race(first: Choice): Promise<RaceEnd> {
    const over = Promise.withResolvers<RaceEnd>()
    const { vectorTokens } = this.#progress
    const race: Race = { lanes: new Set(), winner: null, hedge: null, vectorTokens, over, end: null }
    this.#enter(first, race)
    try {
      return await over.promise
    } finally {
      race.hedge?.cancel()
      for (const lane of race.lanes) lane.cancel()
    }
  }

  #enter(choice: Choice, race: Race): void {
    const { chooser, runner } = this.#modules
    chooser.take(choice)
    const attempt = runner.start(choice, this.#progress, event => this.#take(event, attempt, race))
    race.lanes.add(attempt)
    if (choice.candidate.venue !== 'peer') this.#armHedge(choice, race)
    const ended = attempt.ended.then(report => this.#ended(attempt, report, race))
    this.#paying.add(ended)
    ended.catch(race.over.reject).finally(() => this.#paying.delete(ended))
  }

  #take(event: TaskEvent | SealedEvent, attempt: RunningAttempt, race: Race): void {
    const { onEvent } = this.#modules
    // Only replicas seal what they make.
    if (event.type === 'sealed') return
    const isLoser = race.winner !== null && race.winner !== attempt
    if (event.type === 'channel' && race.lanes.size === 1) this.#armHedge(attempt.choice, race)
    else if (event.type === 'accepted') this.#standby.watch()
    else if ((event.type === 'suspected' || event.type === 'notice') && !isLoser)
      this.#standby.expectFailure()
    else if (event.type === 'output') {
      // What a loser still makes until it hears of it is paid and not shown.
      if (isLoser) return
      if (race.winner === null) this.#win(attempt, race)
      this.#add(event, attempt.choice.candidate.model.model)
    } else if (event.type === 'vectors') {
      if (isLoser) return
      if (race.winner === null) this.#win(attempt, race)
      this.#progress.model = attempt.choice.candidate.model.model
      this.#progress.vectors.push(...event.vectors)
      this.#progress.vectorTokens += event.tokens
    } else if (event.type === 'counted' && !isLoser) {
      this.#progress.outputTokens += event.surplus
      if (this.#progress.vectors.length > 0)
        this.#progress.vectorTokens = race.vectorTokens + event.promptTokens
    }
    onEvent(event)
  }

  #win(attempt: RunningAttempt, race: Race): void {
    race.winner = attempt
    race.hedge?.cancel()
    for (const lane of race.lanes) if (lane !== attempt) lane.cancel()
  }

  async #ended(attempt: RunningAttempt, report: AttemptReport, race: Race): Promise<void> {
    const { runner, onEvent } = this.#modules
    const { outcome } = report
    race.lanes.delete(attempt)
    // Whoever is still silent when somebody else was asked, has answered, and it was told to stop, is dead.
    const hasLost = race.winner !== null && race.winner !== attempt
    await runner.judge(
      attempt,
      hasLost && outcome.kind === 'cancelled' && outcome.isSilent === true ? 'stalled' : null,
    )
    if (race.winner === null && (outcome.kind === 'finished' || this.#modules.signal.aborted))
      this.#win(attempt, race)
    const isLoser = race.winner !== null && race.winner !== attempt
    if (!isLoser) race.end = { attempt, outcome }
    if (!isLoser && outcome.kind !== 'finished' && outcome.kind !== 'cancelled') {
      const why = outcome.kind === 'refused' ? outcome.code : outcome.why
      const { provider } = attempt.choice.candidate
      this.#failures.add(provider, why, report)
      onEvent({ type: 'failover', from: provider, why, attempt: attempt.number })
    }
    // The winner's end is the race's; losers only have to say what they did, and need not be waited for yet.
    if (race.end !== null && (race.winner === attempt || race.lanes.size === 0)) race.over.resolve(race.end)
  }

  #armHedge(first: Choice, race: Race): void {
    const { ask, clock } = this.#modules
    const delayMs = hedgeDelayMs(first.candidate.prediction, ask.preferences)
    if (race.hedge !== null || race.winner !== null || delayMs === null) return
    race.hedge = clock.setTimer(() => this.#hedge(race, delayMs), delayMs)
  }

  #hedge(race: Race, afterMs: number): void {
    const { chooser, runner, hedging, onEvent } = this.#modules
    if (race.winner !== null || race.lanes.size !== 1 || !runner.mayStart) return
    const choice = chooser.best()
    if (choice === null || !hedging.spend()) return
    onEvent({ type: 'hedged', provider: choice.candidate.provider, attempt: runner.started, afterMs })
    this.#enter(choice, race)
  }

  #add(event: Extract<TaskEvent, { type: 'output' }>, model: string): void {
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

  #result({ choice, ...attempt }: RunningAttempt, reason: RunResult['reason']): RunResult {
    const isEmbedding = this.#modules.ask.input.kind === 'embedding'
    const promptTokens = isEmbedding ? this.#progress.vectorTokens : attempt.promptTokens
    return { reason, choice, promptTokens, progress: this.#progress, agreed: [choice.candidate.provider] }
  }
}
