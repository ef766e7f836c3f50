import type { Clock } from '../clock.ts'
import type { OfferBook } from '../market/offer-book.ts'
import type { ProviderId } from '../market/routing/candidate.ts'
import type { AskOptions, TaskEvent, TaskResult } from './ask.ts'
import type { AttemptRunner, AttemptRunnerModules } from './attempt-runner.ts'
import type { Chooser } from './choosing.ts'
import type { HedgeBudget } from './hedge.ts'
import type { Choice, Progress } from './venue.ts'

/** What a task hands to the way it is done: with one provider at a time, or with several whose answers are compared. */
export interface RunModules {
  ask: AskOptions
  chooser: Chooser
  /**
   * Lets choices bid where the task asks for that.
   * @param from.choices the best first; at least one
   * @param from.best who is asked without an auction
   * @returns as many as `best`
   */
  auction: (from: { choices: readonly Choice[]; best: readonly Choice[] }) => Promise<Choice[]>
  runner: AttemptRunner
  hedging: HedgeBudget
  venues: AttemptRunnerModules['venues']
  book: OfferBook
  clock: Clock
  onEvent: (event: TaskEvent) => void
  /** Cancels the task, or ends it at its deadline. */
  signal: AbortSignal
}

/** How a task ended, as far as it has an answer, whole or not. */
export interface RunResult {
  reason: Exclude<TaskResult['reason'], 'deadline'>
  progress: Progress
  promptTokens: number
  /** Who did it, or its last part. */
  choice: Choice
  agreed: ProviderId[]
}
