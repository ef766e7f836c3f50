import type { Piece } from './pieces.ts'

/** What a model takes at once: `rows × rowTokens` of each, row by row. */
export interface TokenBatch {
  tokens: Int32Array
  /** The token that follows each one. */
  targets: Int32Array
  /** What a target counts; 0 for prompts and for padding. */
  weights: Float32Array
  /** Pieces of a row have different numbers: none sees another. */
  segments: Int32Array
}

/** Rows that are not full yet and are still looked at. */
const OPEN_ROWS = 64

/**
 * Puts pieces into rows, each into the first one with room for it, in the order given.
 * @param lengths of the pieces; none is longer than `rowTokens`
 * @returns for each row the indexes of its pieces
 */
export function packRows(
  lengths: readonly number[],
  order: readonly number[],
  rowTokens: number,
): number[][] {
  const rows: number[][] = []
  let open: { row: number[]; free: number }[] = []
  for (const index of order) {
    const length = lengths[index]!
    let place = open.find(({ free }) => free >= length)
    if (place === undefined) {
      place = { row: [], free: rowTokens }
      rows.push(place.row)
      if (open.length === OPEN_ROWS) open.shift()
      open.push(place)
    }
    place.row.push(index)
    place.free -= length
    if (place.free === 0) open = open.filter(other => other !== place)
  }
  return rows
}

/**
 * Writes rows out as a batch.
 * @param rows at most `rowCount`; what is missing is padding that counts nothing
 */
export function batchOf(
  rows: readonly (readonly number[])[],
  pieces: readonly Piece[],
  shape: { rowCount: number; rowTokens: number },
): TokenBatch {
  const { rowCount, rowTokens } = shape
  const size = rowCount * rowTokens
  const batch: TokenBatch = {
    tokens: new Int32Array(size),
    targets: new Int32Array(size),
    weights: new Float32Array(size),
    segments: new Int32Array(size),
  }
  for (let row = 0; row < rowCount; row++) {
    let at = row * rowTokens
    for (const [segment, index] of (rows[row] ?? []).entries()) {
      const { tokens, targets, weights } = pieces[index]!
      batch.tokens.set(tokens, at)
      batch.targets.set(targets, at)
      batch.weights.set(weights, at)
      batch.segments.fill(segment, at, at + tokens.length)
      at += tokens.length
    }
    // Padding sees itself alone.
    batch.segments.fill(rows[row]?.length ?? 0, at, (row + 1) * rowTokens)
  }
  return batch
}
