import type { Outcome } from '../candidate.ts'
import { COMPONENTS, type Component, type Scale, scoreOf, worth } from '../strategies.ts'

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
 * Of a task that did not end well, beside one that did: who refuses or gives notice has cost a little time, and
 * the task goes on elsewhere.
 */
const SHARE: Readonly<Record<Outcome['status'], number>> = {
  completed: 1,
  preempted: 0.5,
  refused: 0.5,
  stalled: 0,
  failed: 0,
  dishonest: 0,
}

/**
 * What a result is worth, 0 to 1: the score that its strategy would have given had it known how it would go, with
 * what was really paid and waited in place of what was predicted, and certainty in place of reliability. So a
 * prediction that comes true leaves nothing to learn.
 */
export function rewardOf(result: Result, scale: Scale): number {
  const parts = {
    cost: worth(result.paid, scale.cost),
    time: worth(result.totalMs, scale.timeMs),
    quality: result.quality,
    privacy: result.privacy,
    nearness: result.nearness,
  } satisfies Record<Component, number>
  const total = COMPONENTS.reduce((sum, name) => sum + scale.weights[name], 0)
  return Math.min(1, Math.max(0, (SHARE[result.status] * scoreOf(parts, 1, scale)) / total))
}
