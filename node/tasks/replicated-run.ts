import type { Divergence, DivergenceVerdict } from '../../inference/audit/divergence.ts'
import type { TaskId } from '../../protocol/ids.ts'
import { MAX_SEALED_WINDOW_TOKENS } from '../../protocol/limits.ts'
import type { Timer } from '../clock.ts'
import type { ProviderId } from '../market/routing/candidate.ts'
import { Agreement } from './agreement.ts'
import type { TaskEvent } from './ask.ts'
import type { SealedEvent } from './attempt.ts'
import type { Differed, RunningAttempt } from './attempt-runner.ts'
import { TaskError } from './errors.ts'
import { AttemptFailures, noProvider } from './failures.ts'
import { hedgeDelayMs } from './hedge.ts'
import type { RunModules, RunResult } from './run.ts'
import { SealedRace } from './sealed-race.ts'
import type { TranscriptJudge } from './transcript-judge.ts'
import type { AttemptReport, Choice, Progress } from './venue.ts'

export interface ReplicatedRunOptions {
  taskId: TaskId
  /** Operators whose majority decides. */
  replicas: number
}

export interface ReplicatedRunModules extends RunModules {
  /** Whether two providers are different operators, by all that is known. */
  areDistinct: (a: ProviderId, b: ProviderId) => boolean
  transcripts: TranscriptJudge
}

/** Nobody is late who is expected within so long, ms. */
const MIN_SEALING_MS = 2_000
/** Nor is somebody waited for longer where others can be asked, whatever is expected; */
const MAX_SEALING_MS = 20_000
/** and never so long that those who wait would lose patience. */
const LAST_SEALING_MS = 28_000
const SIGNS_OF_PROGRESS: ReadonlySet<string> = new Set(['channel', 'accepted', 'sealed', 'output'])
/** A window may take so many times as long as was expected. */
const SEALING_TOLERANCE = 4

/**
 * A task done by several distinct operators at once, with the same model, sampling and seed. Each commits to a window of its output before
 * any of them shows it, so that nobody can copy; who keeps the others waiting is waited for only so long. What a majority
 * of the replicas has made alike is shown, and the first answer that a majority has ended alike wins. As many
 * are asked as a majority needs, by auction where that is wanted; others join, from what is agreed on, when one fails,
 * is late or differs, at the prices of their offers. Who differs from the majority is let go, and it counts against it
 * unless this node's own model says that an honest one may well have differed there. Where nobody is left to decide, the answer that this node
 * can explain best is taken, if it can explain all of it.
 */
export class ReplicatedRun {
  readonly #options: ReplicatedRunOptions
  readonly #modules: ReplicatedRunModules
  readonly #quorum: number
  readonly #agreement: Agreement<RunningAttempt>
  readonly #failures = new AttemptFailures()
  readonly #running = new Set<RunningAttempt>()
  /** All asked: somebody who was let go is no more distinct for that. */
  readonly #asked: Choice[] = []
  readonly #race: SealedRace<RunningAttempt>
  /** When something last came of it. */
  readonly #heardAtMs = new Map<RunningAttempt, number>()
  /** Others were asked in their place, or would be if there were any. */
  readonly #replaced = new Set<RunningAttempt>()
  readonly #sealing = new Set<RunningAttempt>()
  /** Those that have sealed or shown something. */
  readonly #begun = new Set<RunningAttempt>()
  readonly #late = new Set<RunningAttempt>()
  /** Those that differ, and how this node's own model sees that. */
  readonly #dissenting = new Map<RunningAttempt, Promise<Divergence>>()
  readonly #ended: Promise<unknown>[] = []
  readonly #over = Promise.withResolvers<RunResult>()
  #model = ''
  #hedge: Timer | null = null
  #waiting: Timer | null = null
  #channels = 0
  #isOver = false

  constructor(options: ReplicatedRunOptions, modules: ReplicatedRunModules) {
    this.#options = options
    this.#modules = modules
    this.#quorum = Math.floor(options.replicas / 2) + 1
    this.#agreement = new Agreement(this.#quorum)
    this.#race = new SealedRace(this.#quorum)
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
      this.#waiting?.cancel()
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
    this.#race.join(attempt, this.#agreement.agreed.tokens.length)
    this.#heard(attempt)
    this.#running.add(attempt)
    const ended = attempt.ended.then(report => this.#attemptEnded(attempt, provider, report))
    this.#ended.push(ended)
    ended.catch(this.#over.reject)
  }

  #take(event: TaskEvent | SealedEvent, attempt: RunningAttempt): void {
    if (SIGNS_OF_PROGRESS.has(event.type)) this.#heard(attempt)
    if (event.type === 'sealed') {
      this.#sealing.add(attempt)
      this.#begun.add(attempt)
      this.#race.seal(attempt, event)
      this.#step()
      return
    }
    if (event.type === 'output') {
      this.#begun.add(attempt)
      if (!this.#sealing.has(attempt)) this.#race.made(attempt, event.tokens.length)
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
    this.#hedge = clock.setTimer(() => this.#begunLate(delayMs), delayMs)
  }

  async #attemptEnded(attempt: RunningAttempt, provider: ProviderId, report: AttemptReport): Promise<void> {
    const { outcome } = report
    this.#running.delete(attempt)
    if (outcome.kind === 'finished') {
      this.#agreement.end(attempt, outcome.reason)
      this.#race.ended(attempt)
      this.#finished.push(attempt)
    } else {
      this.#leave(attempt)
      await this.#judge(attempt)
      if (outcome.kind !== 'cancelled' || this.#late.has(attempt)) {
        const why =
          outcome.kind === 'refused' ? outcome.code : outcome.kind === 'failed' ? outcome.why : 'stalled'
        this.#failures.add(provider, why, report)
        this.#modules.onEvent({ type: 'failover', from: provider, why, attempt: attempt.number })
      }
    }
    this.#step()
  }

  readonly #finished: RunningAttempt[] = []
  #isSettling = false

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
      // Too few are left to show each other anything, and nobody can be asked in place of the others.
      if (this.#race.isShort) for (const attempt of this.#running) attempt.cancel()
      this.#race.step()
      this.#watchSealing()
      if (this.#running.size === 0 && !this.#isSettling) {
        this.#isSettling = true
        this.#settle().catch(this.#over.reject)
      }
    }
  }

  /** Who keeps the others waiting is let go, or, where they are too few without it, another is asked. */
  #watchSealing(): void {
    this.#waiting?.cancel()
    const nowMs = this.#modules.clock.nowMs()
    let soonestMs = Number.POSITIVE_INFINITY
    for (const attempt of this.#race.waitedFor()) {
      const waitedMs = nowMs - this.#heardAtMs.get(attempt)!
      const isReplaced = this.#replaced.has(attempt)
      const isOverdue = waitedMs >= sealingMs(attempt)
      if (waitedMs >= LAST_SEALING_MS || (isOverdue && this.#race.canDoWithout(attempt))) {
        this.#late.add(attempt)
        this.#leave(attempt)
        attempt.cancel()
        this.#race.step()
      } else {
        soonestMs = Math.min(soonestMs, (isOverdue ? LAST_SEALING_MS : sealingMs(attempt)) - waitedMs)
        if (!isOverdue || isReplaced) continue
        this.#replaced.add(attempt)
        this.#another()
      }
    }
    if (this.#isOver || soonestMs === Number.POSITIVE_INFINITY) return
    this.#waiting = this.#modules.clock.setTimer(() => this.#step(), soonestMs)
  }

  #heard(attempt: RunningAttempt): void {
    this.#heardAtMs.set(attempt, this.#modules.clock.nowMs())
  }

  #leave(attempt: RunningAttempt): void {
    this.#agreement.leave(attempt)
    this.#race.leave(attempt)
  }

  #letGo(agreed: RunningAttempt[], dissenting: RunningAttempt[]): void {
    for (const attempt of dissenting) {
      this.#dissenting.set(attempt, this.#divergenceOf(attempt))
      this.#leave(attempt)
      attempt.cancel()
    }
    const providersOf = (attempts: RunningAttempt[]) =>
      attempts.map(({ choice }) => choice.candidate.provider)
    this.#modules.onEvent({
      ...{ type: 'disagreement', agreed: providersOf(agreed), dissenting: providersOf(dissenting) },
      atToken: this.#agreement.agreed.tokens.length,
    })
  }

  async #divergenceOf(attempt: RunningAttempt): Promise<Divergence> {
    return (await this.#judged(attempt, this.#agreement.agreed.tokens))?.divergence ?? 'unknown'
  }

  /** @param others what it differs from */
  #judged(attempt: RunningAttempt, others: readonly number[]): Promise<DivergenceVerdict | null> {
    const { ask, transcripts, signal } = this.#modules
    const transcript = this.#agreement.transcript(attempt)
    if (transcript === null) return Promise.resolve(null)
    const { text, ended } = transcript
    const tokens = [...transcript.tokens]
    const first = tokens.findIndex((token, index) => token !== others[index])
    const divergedAt = first === -1 ? tokens.length : first
    const { taskId } = this.#options
    return transcripts.judge({ taskId, ask, choice: attempt.choice, tokens, text, ended, divergedAt }, signal)
  }

  /** Nobody is left to decide between answers that differ: the one is taken that this node's own model explains best, and wholly. */
  async #settle(): Promise<void> {
    const { agreed } = this.#agreement
    let best: RunningAttempt | null = null
    let leastMargin = Number.POSITIVE_INFINITY
    // One that is alone is not taken: nobody was there to differ.
    const finished = this.#finished.length < this.#quorum ? [] : this.#finished
    for (const attempt of finished) {
      if (this.#agreement.transcript(attempt)?.text.startsWith(agreed.text) !== true) continue
      const verdict = await this.#judged(attempt, agreed.tokens)
      this.#dissenting.set(attempt, Promise.resolve(verdict?.divergence === 'beyond' ? 'beyond' : 'honest'))
      if (verdict === null || !verdict.isExplicable || verdict.meanMargin >= leastMargin) continue
      best = attempt
      leastMargin = verdict.meanMargin
    }
    if (this.#modules.signal.aborted) return this.#finish([], 'cancelled')
    if (best === null) return this.#over.reject(this.#noAgreement())
    this.#dissenting.delete(best)
    const { text, tokens } = this.#agreement.settle(best)
    if (text !== '' || tokens.length > 0) this.#modules.onEvent({ type: 'output', tokens, text })
    this.#finish([best], this.#agreement.transcript(best)!.ended!)
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

  /** Somebody has not begun yet, though everybody should have: one more is asked. */
  #begunLate(afterMs: number): void {
    const { hedging, runner, onEvent } = this.#modules
    const hasBegun = (attempt: RunningAttempt) => this.#begun.has(attempt)
    if (this.#isOver || this.#agreement.agreed.tokens.length > 0 || [...this.#running].every(hasBegun)) return
    if (!hedging.spend()) return
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
      const differed: Differed[] = []
      for (const [attempt, divergence] of this.#dissenting)
        differed.push({ attempt, divergence: await divergence })
      await this.#modules.runner.compared(agreed, differed, tokens)
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

  async #judge(attempt: RunningAttempt): Promise<void> {
    const divergence = (await this.#dissenting.get(attempt)) ?? 'honest'
    // Who still waits for a slot has not kept it from us.
    const isLate = this.#late.has(attempt) && attempt.promptTokens > 0
    const otherwise = divergence !== 'honest' ? 'disagreed' : isLate ? 'stalled' : null
    return this.#modules.runner.judge(attempt, otherwise)
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

/** How long a replica may take for a window while others wait for it, ms. */
function sealingMs({ choice }: RunningAttempt): number {
  const { ttftP95Ms, tokensPerSecond } = choice.candidate.prediction
  const windowMs = tokensPerSecond > 0 ? (MAX_SEALED_WINDOW_TOKENS * 1_000) / tokensPerSecond : 0
  return Math.min(MAX_SEALING_MS, Math.max(MIN_SEALING_MS, SEALING_TOLERANCE * (ttftP95Ms + windowMs)))
}
