/**
 * The vector a linear model sees of a candidate: 1 and its features, each within [0, 1], scaled and completed by
 * one more coordinate so that every vector has length 1. Before anything is learned, all candidates are then equally
 * uncertain, and a fresh node orders them as the strategy's scores do.
 *
 * @param features n numbers within [0, 1]
 * @returns n + 2 numbers
 */
export function contextVector(features: ArrayLike<number>): Float64Array {
  const n = features.length
  const scale = 1 / Math.sqrt(n + 1)
  const vector = new Float64Array(n + 2)
  vector[0] = scale
  let square = scale * scale
  for (let i = 0; i < n; i++) {
    const value = Math.min(1, Math.max(0, features[i]!)) * scale
    vector[i + 1] = value
    square += value * value
  }
  vector[n + 1] = Math.sqrt(Math.max(0, 1 - square))
  return vector
}

/** How long `contextVector` of so many features is. */
export function contextDimensions(features: number): number {
  return features + 2
}
