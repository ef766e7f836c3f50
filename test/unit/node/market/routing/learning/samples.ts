import { FEATURE_NAMES, FEATURES_VERSION } from '../../../../../../node/market/routing/features.ts'
import type { LoggedDecision } from '../../../../../../node/market/routing/learning/log-line.ts'
import { DEFAULT_TUNING } from '../../../../../../node/market/routing/strategies.ts'

/** A decision for the one candidate there was. */
export function loggedDecision(parts: Partial<LoggedDecision> = {}): LoggedDecision {
  return {
    type: 'decision',
    id: 'd',
    task: '00',
    atMs: 1,
    taskClass: 'chat/balanced',
    model: null,
    scale: {
      strategy: 'balanced',
      weights: DEFAULT_TUNING.weights.balanced,
      cost: 1,
      timeMs: 1,
      reliabilityExponent: 1,
    },
    features: FEATURES_VERSION,
    candidates: [
      {
        provider: 'local',
        model: 'm',
        venue: 'local',
        score: 0.5,
        features: FEATURE_NAMES.map(() => 0.5),
        eligible: true,
        chance: 1,
        isNewcomer: false,
        value: 0.5,
        width: 1,
        credits: '0',
        ttftMs: 1,
        totalMs: 2,
      },
    ],
    probability: 1,
    decidedBy: 'policy',
    trialShare: 0,
    explored: false,
    policy: 'default',
    unfit: {},
    ...parts,
  }
}
