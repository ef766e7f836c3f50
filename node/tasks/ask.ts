import type { NodeKey, TaskId } from '../../protocol/ids.ts'
import type { TaskInput, TaskSampling } from '../../protocol/messages/task-request.ts'
import type { TokenPrice } from '../../protocol/money.ts'
import type { Preferences } from '../market/preferences.ts'
import type { Candidate, Listing, ProviderId, Ranking } from '../market/routing/candidate.ts'
import type { AttemptEvent } from './attempt.ts'

/** What a person or program asks for. */
export interface AskOptions {
  input: TaskInput
  /** A model's id or name; null takes whatever is best for the money. */
  model: string | null
  maxTokens: number
  /** Base units the whole task may cost at most, over all providers it is given to. */
  maxPrice: bigint | null
  sampling: TaskSampling
  stop: string[]
  jsonSchema: string | null
  /** So many of the likeliest tokens are told beside each token, 0 to 20; left out where none are wanted. In the SLA class B alone. */
  logprobs?: number
  /** How it is to be done. */
  preferences: Preferences
  /** For whom, where it is not the node's owner. */
  tenant?: string
  /** Kind of work, for which routing learns; found from the prompt unless named. */
  taskClass?: string
  /** Who is tried first, where that is possible; unset leaves it to the router. */
  preferred?: Pick<Listing, 'provider' | 'model'>
  /**
   * Asked before more is spent, for whoever pays in the end: nothing more is paid for or taken while it waits. Must not
   * throw; whoever does not pay cancels the task, and it resolves then. Without a promise nothing is waited for.
   */
  cover?: (spending: AttemptSpending) => Promise<void> | void
}

/** What an attempt will have cost with its next payment, and for what. */
export interface AttemptSpending {
  attempt: number
  provider: ProviderId
  model: string
  /** Base units that this node pays; of its own engine nothing. */
  amount: bigint
  promptTokens: number
  outputTokens: number
}

/** What happens to a task. `replica` counts the copies of an SLA class that has several; 0 where there is one. */
export type TaskEvent =
  | { type: 'started'; taskId: TaskId }
  | { type: 'ranked'; ranking: Ranking }
  | { type: 'chosen'; candidate: Candidate; attempt: number; alternatives: number }
  /** Providers have bid for it; the lowest has it, at this price. */
  | { type: 'auction'; provider: NodeKey; price: TokenPrice; asked: number; bids: number; tookMs: number }
  | { type: 'funding'; kind: 'open' | 'topUp'; channelId: string; amount: bigint }
  | { type: 'channel'; channelId: string }
  | { type: 'failover'; from: ProviderId; why: string; attempt: number }
  /** The first token is late: a second provider has been asked, and the first to answer goes on. */
  | { type: 'hedged'; provider: ProviderId; attempt: number; afterMs: number }
  /** Somebody stands by: connected, and with a channel where that is worth it. */
  | { type: 'standby'; provider: ProviderId }
  /** Providers answered differently; those in the minority were let go. */
  | { type: 'disagreement'; agreed: NodeKey[]; dissenting: NodeKey[]; atToken: number }
  | AttemptEvent

export interface TaskResult {
  taskId: TaskId
  /** `expired`: the deadline came first; the text is what had come by then. */
  status: 'completed' | 'cancelled' | 'expired'
  reason: 'stop' | 'stop_string' | 'length' | 'cancelled' | 'deadline'
  text: string
  /** One for each input, where it was an embedding that is complete. */
  vectors?: readonly Float32Array[]
  outputTokens: number
  promptTokens: number
  /** Base units, over all attempts. */
  paid: bigint
  /** Who did it, or its last part. */
  provider: ProviderId
  model: string
  attempts: number
  /** Providers whose answers were compared and are the same; one where the SLA class asks for none. */
  agreed: ProviderId[]
}
