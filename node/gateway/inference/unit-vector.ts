/** A vector of length 1 in the same direction; nought stays nought. What embedding APIs answer: products then are cosines. */
export function unitVector(vector: Float32Array): Float32Array {
  let sum = 0
  for (const value of vector) sum += value * value
  const length = Math.sqrt(sum)
  return length === 0 ? vector : vector.map(value => value / length)
}
