import type { DivergenceVerdict } from '../../inference/audit/divergence.ts'
import type { TaskId } from '../../protocol/ids.ts'
import type { AskOptions } from './ask.ts'
import type { AttemptOutcome } from './attempt.ts'
import type { Choice } from './venue.ts'

/** What one of several replicas answered, and where that is not what others did. */
export interface Transcript {
  taskId: TaskId
  ask: AskOptions
  choice: Choice
  /** From the answer's start. */
  tokens: readonly number[]
  text: string
  /** Null where it was let go before it had ended. */
  ended: Extract<AttemptOutcome, { kind: 'finished' }>['reason'] | null
  /** Place of the first token that differs; the count of tokens where it ended before. */
  divergedAt: number
}

/** Tells an honest near-tie from another model, by computing an answer again. */
export interface TranscriptJudge {
  /** @returns null where this node cannot tell: it has not the model, or no time. Never throws. */
  judge(transcript: Transcript, signal: AbortSignal): Promise<DivergenceVerdict | null>
}
