/**
 * What a policy knows of a candidate, each 0 to 1. The order is part of every decision that was logged: new
 * ones are put at the end, with a new FEATURES_VERSION.
 */
export const FEATURE_NAMES = [
  /** Always 1. */
  'bias',
  /** As the strategies see them; see `strategies.ts`. */
  'cost',
  'time',
  'first_token',
  'reliability',
  'quality',
  'privacy',
  'nearness',
  /** Share of the prompt that is likely warm there. */
  'warm',
  /** Share of a typical wait that is free of waiting for a slot. */
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
