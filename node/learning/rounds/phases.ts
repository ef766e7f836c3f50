import type { RoundDeadlines } from '../../../protocol/messages/learning/round-manifest.ts'

/** What a round is at; `done` when its adapter was accepted. */
export const ROUND_PHASES = [
  'announce',
  'train',
  'commit',
  'reveal',
  'score',
  'aggregate',
  'vote',
  'publish',
  'done',
  'failed',
] as const
export type RoundPhase = (typeof ROUND_PHASES)[number]

/** Why a round came to nothing. */
export const ROUND_FAILURES = [
  /** Nobody with the stake for it joined, or fewer than the updates that are asked for. */
  'too_few_members',
  /** Fewer updates were committed or revealed than are asked for. */
  'too_few_updates',
  /** Scorers of less than two thirds of the stake reported. */
  'too_few_scores',
  /** Fewer updates were found good than are asked for. */
  'too_few_accepted',
  /** No member made an aggregate that holds. */
  'no_aggregate',
  /** More than a third of the stake found the adapter no better. */
  'rejected',
  /** No quorum by the deadline. */
  'no_quorum',
  /** It was accepted, and this node could not get the adapter in time. */
  'unpublished',
] as const
export type RoundFailure = (typeof ROUND_FAILURES)[number]

/** When a phase ends at the latest, ms since the epoch; null for those that are over. */
export function phaseEndMs(phase: RoundPhase, deadlines: RoundDeadlines): number | null {
  const ends: Record<RoundPhase, number | null> = {
    announce: deadlines.joinMs,
    train: deadlines.trainMs,
    commit: deadlines.commitMs,
    reveal: deadlines.revealMs,
    score: deadlines.scoreMs,
    aggregate: deadlines.aggregateMs,
    vote: deadlines.voteMs,
    publish: deadlines.publishMs,
    done: null,
    failed: null,
  }
  return ends[phase]
}
