import { FEATURE } from '../features.ts'
import { COMPONENTS, type Component, normalised, type Scale, scoreOf, type Weights } from '../strategies.ts'

/** The score that other weights would have given, from what was logged of a candidate. */
export function scoreByFeatures(features: ArrayLike<number>, weights: Weights, scale: Scale): number {
  const parts = Object.fromEntries(COMPONENTS.map(name => [name, features[FEATURE[name]]!]))
  return scoreOf(parts as Record<Component, number>, features[FEATURE.reliability]!, {
    ...scale,
    weights: normalised(weights),
  })
}
