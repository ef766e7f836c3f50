import type { RefusalCode } from '../../protocol/messages/provider-frame.ts'
import type { Outcome } from '../market/routing/candidate.ts'
import type { TaskEvidence } from '../trust/reputation.ts'
import type { CircuitSignal } from './circuit-breaker.ts'
import type { TryOutcome } from './venue.ts'

/** How an attempt counts for its provider; null when it tells nothing of it. */
export function evidenceOf(outcome: TryOutcome): TaskEvidence | null {
  const status = statusOf(outcome)
  if (outcome.kind === 'refused') return REFUSALS_THAT_COUNT.has(outcome.code) ? 'failed' : null
  return status === null || status === 'refused' || status === 'preempted' ? null : status
}

/** The same for those that learn whom to choose; null when there is nothing to learn. */
export function statusOf(outcome: TryOutcome): Outcome['status'] | null {
  if (outcome.kind === 'finished') return 'completed'
  if (outcome.kind === 'cancelled') return null
  if (outcome.kind === 'refused') return 'refused'
  if (outcome.why === 'dishonest' || outcome.why === 'stalled' || outcome.why === 'preempted')
    return outcome.why
  return TELLS_NOTHING.has(outcome.why) ? null : 'failed'
}

/** The same for the circuit to the provider and its model. */
export function circuitSignalOf(outcome: TryOutcome): CircuitSignal {
  if (outcome.kind === 'finished') return 'success'
  if (outcome.kind === 'cancelled') return 'neutral'
  if (outcome.kind === 'refused') {
    if (BUSY.has(outcome.code)) return 'busy'
    return REFUSALS_THAT_COUNT.has(outcome.code) ? 'failure' : 'neutral'
  }
  if (outcome.why === 'disconnected') return 'unreachable'
  return TELLS_NOTHING.has(outcome.why) || outcome.why === 'preempted' ? 'neutral' : 'failure'
}

/** Nobody's fault, or ours. */
const TELLS_NOTHING: ReadonlySet<string> = new Set(['too_expensive', 'unfunded', 'not_cleared'])

/** Refusals for want of room: of everybody or of us. */
const BUSY: ReadonlySet<RefusalCode> = new Set(['busy', 'overloaded', 'share_used', 'spot_unavailable'])

/** Refusals that its offer had promised not to make. */
const REFUSALS_THAT_COUNT: ReadonlySet<RefusalCode> = new Set([
  'not_serving',
  'model_unavailable',
  'offer_unknown',
])
