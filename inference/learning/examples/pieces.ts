/** Text of a model's tokens with those that count, as `inference/llama/text-rows.ts` makes it. */
export interface CountedTokens {
  tokens: readonly number[]
  /** One for each token: 1 where foretelling it is learned. */
  counted: Uint8Array
}

/** Part of an example that fits into a row: at each place a token, the one that follows it, and what that counts. */
export interface Piece {
  tokens: Int32Array
  targets: Int32Array
  weights: Float32Array
}

/** How much of what came before a piece of a long chat begins with, as a share of a row. */
const CONTEXT_SHARE = 0.5

/**
 * Cuts an example to pieces of at most `maxTokens` places, so that each token that counts is learned once. Pieces of a
 * chat begin with some of what came before; those of plain text, where all counts, do not.
 */
export function cutToPieces({ tokens, counted }: CountedTokens, maxTokens: number): Piece[] {
  const places = tokens.length - 1
  const isAllCounted = counted.indexOf(0, 1) < 0
  const context = isAllCounted ? 0 : Math.floor(maxTokens * CONTEXT_SHARE)
  const pieces: Piece[] = []
  let next = nextCounted(counted, 1) - 1
  while (next < places) {
    const from = next < maxTokens && pieces.length === 0 ? 0 : Math.max(0, next - context)
    const to = lastCounted(counted, Math.min(places, from + maxTokens))
    pieces.push({
      tokens: Int32Array.from(tokens.slice(from, to)),
      targets: Int32Array.from(tokens.slice(from + 1, to + 1)),
      weights: Float32Array.from({ length: to - from }, (_, i) =>
        from + i < next ? 0 : counted[from + i + 1]!,
      ),
    })
    next = nextCounted(counted, to + 1) - 1
  }
  return pieces
}

/** The first token from `from` on that counts; the number of tokens when none does. */
function nextCounted(counted: Uint8Array, from: number): number {
  const found = counted.indexOf(1, from)
  return found < 0 ? counted.length : found
}

/** What comes after the last target that counts is not needed. @returns the last such token at or before `to` */
function lastCounted(counted: Uint8Array, to: number): number {
  return counted.lastIndexOf(1, to)
}
