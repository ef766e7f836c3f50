import type { Candidate, Outcome } from './candidate.ts'
import { FEATURE } from './features.ts'
import type { Decision } from './modules.ts'
import { type Scale, worth } from './strategies.ts'

const BASE_UNITS = 1e18

/**
 * What an outcome was worth to the demand's strategy: its score with what it did cost and take in place of what
 * was expected, and with success or failure in place of reliability. Null where the candidate is not to blame or
 * to praise: it was pre-empted, as it had said it might be.
 * @returns 0 to 1
 */
export function realisedScore(decision: Decision, candidate: Candidate, outcome: Outcome): number | null {
  if (outcome.status === 'preempted') return null
  if (outcome.status !== 'completed') return 0
  const scale: Scale = decision.ranking.scale
  const { weights } = scale
  const { features } = candidate
  return (
    weights.cost * worth(Number(outcome.paid) / BASE_UNITS, scale.cost) +
    weights.time * worth(outcome.totalMs, scale.timeMs) +
    weights.quality * features[FEATURE.quality]! +
    weights.privacy * features[FEATURE.privacy]! +
    weights.nearness * features[FEATURE.nearness]!
  )
}
