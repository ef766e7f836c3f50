import type { TaskId } from '../../protocol/ids.ts'
import type { Award } from '../../protocol/messages/bid.ts'
import type { TokenPrice } from '../../protocol/money.ts'
import type { CapacityMode } from '../../protocol/sla-class.ts'
import type { Candidate } from '../market/routing/candidate.ts'
import type { AskOptions, TaskEvent } from './ask.ts'
import type { AttemptEvent, AttemptOutcome, SealedEvent } from './attempt.ts'

/** A candidate on the terms on which it is asked. */
export interface Choice {
  candidate: Candidate
  /** Of the ranking it comes from. */
  decisionId: string
  /** Base units per million tokens. */
  price: TokenPrice
  mode: CapacityMode
  /** The bid that was accepted; null where the price is the offer's. */
  award: Award | null
}

/** What one attempt is to do. */
export interface AttemptOrder {
  taskId: TaskId
  /** Rises with each attempt of a task. */
  attempt: number
  choice: Choice
  ask: AskOptions
  /** What has come from earlier attempts: gone on from, never asked for, shown or paid again. */
  progress: Progress
  /** Output tokens still wanted. */
  maxTokens: number
  /** What the prompt, with what has come, can have at most. */
  promptTokensBound: number
  /** The most it may cost, base units; held for it from the task's cap. */
  maxAmount: bigint
  /** Until the whole task must be done; null for no limit. */
  deadlineAtMs: number | null
  onEvent: (event: AttemptEvent | SealedEvent | Extract<TaskEvent, { type: 'funding' | 'channel' }>) => void
}

/** Output so far. */
export interface Progress {
  readonly text: string
  /** Of `model`, and the beginning of its output. */
  readonly tokens: readonly number[]
  readonly model: string | null
  /** Over all models. */
  readonly outputTokens: number
  /** Of the first inputs of an embedding, all by `model`, and how many tokens those inputs are. */
  readonly vectors?: readonly Float32Array[]
  readonly vectorTokens?: number
}

/** How it went with one provider; with `unfunded` and `not_cleared` nothing was asked of it. */
export type TryOutcome = AttemptOutcome | { kind: 'failed'; why: 'unfunded' | 'not_cleared' }

export interface AttemptReport {
  outcome: TryOutcome
  /** What it has cost, base units; exact, however it ended. */
  paid: bigint
  /** Set with `unfunded`: why no money could be put into a channel. */
  unfunded?: Error
}

/** Where attempts are made: at peers, or on an engine that this node may use without paying anybody. */
export interface Venue {
  /** Whether an attempt could begin at once: nobody is to be dialled and no money to be moved first. */
  isReady(candidate: Candidate, options: { maxAmount: bigint }): boolean
  /** Runs one attempt to its end. @param signal cancels: the provider is told, and what came is paid */
  run(order: AttemptOrder, signal: AbortSignal): Promise<AttemptReport>
  /**
   * Makes ready what an attempt at this candidate would have to wait for. Never throws.
   * @param options.maxAmount what it may have to pay for, base units; null makes no channel ready
   * @returns whether it is ready now
   */
  prepare(candidate: Candidate, options: { maxAmount: bigint | null }, signal: AbortSignal): Promise<boolean>
}
