import { FEATURE_NAMES } from '../features.ts'
import { COMPONENTS, type Weights } from '../strategies.ts'

const PLACES = COMPONENTS.map(name => [name, FEATURE_NAMES.indexOf(name)] as const)
const RELIABILITY = FEATURE_NAMES.indexOf('reliability')

/** A strategy's score from what was logged of a candidate; see `strategies.ts`. */
export function scoreByFeatures(
  features: ArrayLike<number>,
  weights: Weights,
  reliabilityExponent: number,
): number {
  let sum = 0
  let total = 0
  for (const [name, place] of PLACES) {
    sum += weights[name] * features[place]!
    total += weights[name]
  }
  return (sum / total) * features[RELIABILITY]! ** reliabilityExponent
}
