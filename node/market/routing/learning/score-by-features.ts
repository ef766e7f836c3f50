import { FEATURE_NAMES, type FeatureName } from '../features.ts'
import { COMPONENTS, type Component, normalised, type Scale, scoreOf, type Weights } from '../strategies.ts'

/** One feature of many. */
export function featureOf(features: ArrayLike<number>, name: FeatureName): number {
  return features[FEATURE_NAMES.indexOf(name)]!
}

/** The score that other weights would have given, from what was logged of a candidate. */
export function scoreByFeatures(features: ArrayLike<number>, weights: Weights, scale: Scale): number {
  const parts = Object.fromEntries(COMPONENTS.map(name => [name, featureOf(features, name)]))
  return scoreOf(parts as Record<Component, number>, featureOf(features, 'reliability'), {
    ...scale,
    weights: normalised(weights),
  })
}
