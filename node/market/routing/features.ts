import { worth } from './strategies.ts'

/**
 * What a policy knows of a candidate, each 0 to 1. The order is part of every decision that was logged: new
 * ones are put at the end, with a new FEATURES_VERSION.
 */
export const FEATURE_NAMES = [
  /** Always 1. */
  'bias',
  /** As strategies see them; see `scoreOf`. */
  'cost',
  'time',
  'quality',
  'privacy',
  'nearness',
  'reliability',
  /** Worth of the time to the first token alone. */
  'first_token',
  /** Share of the prompt that is likely warm there. */
  'warm',
  /** Share of the time that is not waiting for a slot. */
  'free',
  /** How much of the prediction is our own measurement rather than a claim. */
  'measured',
  'newcomer',
  'local',
  'cloud',
  'spot',
] as const
export type FeatureName = (typeof FEATURE_NAMES)[number]

/** Of the list above. */
export const FEATURES_VERSION = 1

/** Where a feature stands in the list. */
export const FEATURE: Readonly<Record<FeatureName, number>> = Object.fromEntries(
  FEATURE_NAMES.map((name, index) => [name, index]),
) as Record<FeatureName, number>

/** Of the first token: of a middling listing's whole time, so much is until then. */
const FIRST_TOKEN_SHARE = 0.25

/** What features are made from. */
export interface FeatureInput {
  cost: number
  totalMs: number
  ttftMs: number
  waitMs: number
  quality: number
  privacy: number
  nearness: number
  reliability: number
  warmShare: number
  measured: number
  isNewcomer: boolean
  venue: 'peer' | 'local' | 'cloud'
  isSpot: boolean
}

/** Writes the features of a candidate into `features`, in the order of FEATURE_NAMES. */
export function writeFeatures(
  features: Float64Array,
  input: FeatureInput,
  scale: { cost: number; timeMs: number },
): void {
  features[FEATURE.bias] = 1
  features[FEATURE.cost] = worth(input.cost, scale.cost)
  features[FEATURE.time] = worth(input.totalMs, scale.timeMs)
  features[FEATURE.quality] = input.quality
  features[FEATURE.privacy] = input.privacy
  features[FEATURE.nearness] = input.nearness
  features[FEATURE.reliability] = input.reliability
  features[FEATURE.first_token] = worth(input.ttftMs, scale.timeMs * FIRST_TOKEN_SHARE)
  features[FEATURE.warm] = input.warmShare
  features[FEATURE.free] = input.totalMs > 0 ? 1 - input.waitMs / input.totalMs : 1
  features[FEATURE.measured] = input.measured
  features[FEATURE.newcomer] = input.isNewcomer ? 1 : 0
  features[FEATURE.local] = input.venue === 'local' ? 1 : 0
  features[FEATURE.cloud] = input.venue === 'cloud' ? 1 : 0
  features[FEATURE.spot] = input.isSpot ? 1 : 0
}
