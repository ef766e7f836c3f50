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
