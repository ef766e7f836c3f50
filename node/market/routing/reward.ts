import type { Candidate, Outcome } from './candidate.ts'
import { FEATURE } from './features.ts'
import type { Decision } from './modules.ts'
import { type Scale, worth } from './strategies.ts'

const BASE_UNITS = 1e18

/** How it went, as far as its worth goes. */
export interface Result {
  status: Outcome['status']
  /** From the request to the last token, ms. */
  totalMs: number
  /** Credits. */
  paid: number
  /** 0 to 1: what somebody said of the answer, or what is expected of the model. */
  quality: number
  /** 0 to 1, of the place where it was done. */
  privacy: number
  nearness: number
}

/**
 * What a result was worth to a strategy: its score with what it did cost and take in place of what was expected,
 * and with success or failure in place of reliability. Null where the candidate is not to blame or to praise: it
 * was pre-empted, as it had said it might be. A prediction that comes true leaves nothing to learn.
 * @returns 0 to 1
 */
export function rewardOf(result: Result, { weights, cost, timeMs }: Scale): number | null {
  if (result.status === 'preempted') return null
  if (result.status !== 'completed') return 0
  return (
    weights.cost * worth(result.paid, cost) +
    weights.time * worth(result.totalMs, timeMs) +
    weights.quality * result.quality +
    weights.privacy * result.privacy +
    weights.nearness * result.nearness
  )
}

/** The same of a decision's candidate, as long as nobody has said how good the answer was. */
export function realisedScore(decision: Decision, candidate: Candidate, outcome: Outcome): number | null {
  const { features } = candidate
  return rewardOf(
    {
      status: outcome.status,
      totalMs: outcome.totalMs,
      paid: Number(outcome.paid) / BASE_UNITS,
      quality: features[FEATURE.quality]!,
      privacy: features[FEATURE.privacy]!,
      nearness: features[FEATURE.nearness]!,
    },
    decision.ranking.scale,
  )
}
