import type { BaseShape } from './base-shape.ts'

/**
 * Position of each token within its segment, counted from where the segment's number last changed in the row.
 * @param segments rows × rowTokens; null when each row is one segment
 */
export function positionsOf(segments: Int32Array | null, rows: number, rowTokens: number): Int32Array {
  const positions = new Int32Array(rows * rowTokens)
  for (let row = 0; row < rows; row++) {
    for (let token = 1; token < rowTokens; token++) {
      const at = row * rowTokens + token
      const same = segments === null || segments[at] === segments[at - 1]
      positions[at] = same ? positions[at - 1]! + 1 : 0
    }
  }
  return positions
}

/**
 * Cosines and signed sines of the angles by which pairs of a head turn, position · scale · base^(−2i/headDim) / factor[i],
 * so that x · cosines + other · sines turns x, other being x with the elements of each pair exchanged.
 * Su et al., RoFormer, arXiv 2104.09864, equation 34; the factors are those of Llama 3's longer context.
 * @returns each [positions][headDim], pairs apart by half a head or side by side as the architecture has them
 */
export function rotaryTables(
  shape: Pick<BaseShape, 'headDim' | 'ropeBase' | 'ropeScale' | 'ropePairs'>,
  positions: Int32Array,
  factors: Float32Array | null,
): { cosines: Float32Array; sines: Float32Array } {
  const { headDim } = shape
  const pairs = headDim / 2
  const [pairStep, otherStep] = shape.ropePairs === 'halves' ? [1, pairs] : [2, 1]
  const speeds = Float64Array.from(
    { length: pairs },
    (_, pair) => (shape.ropeScale * shape.ropeBase ** (-pair / pairs)) / (factors?.[pair] ?? 1),
  )
  const cosines = new Float32Array(positions.length * headDim)
  const sines = new Float32Array(positions.length * headDim)
  for (const [at, position] of positions.entries()) {
    for (let pair = 0; pair < pairs; pair++) {
      const angle = position * speeds[pair]!
      const first = at * headDim + pair * pairStep
      cosines[first] = Math.cos(angle)
      cosines[first + otherStep] = cosines[first]!
      sines[first] = -Math.sin(angle)
      sines[first + otherStep] = -sines[first]!
    }
  }
  return { cosines, sines }
}

/** 0 where a token may look, −1e9 where not: later tokens and other segments. rows × rowTokens × rowTokens. */
export function attentionMask(segments: Int32Array | null, rows: number, rowTokens: number): Float32Array {
  const mask = new Float32Array(rows * rowTokens * rowTokens).fill(-1e9)
  const positions = positionsOf(segments, rows, rowTokens)
  for (let row = 0; row < rows; row++) {
    for (let token = 0; token < rowTokens; token++) {
      const at = row * rowTokens + token
      const line = at * rowTokens
      mask.fill(0, line + token - positions[at]!, line + token + 1)
    }
  }
  return mask
}
