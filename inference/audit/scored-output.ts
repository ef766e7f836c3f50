import type { Bytes32 } from '../../protocol/ids.ts'

/** What an engine says of an output after one pass over prompt and output: one entry an output token. */
export interface ScoredOutput {
  /** Tokens before the output, template and continuation included. */
  promptTokens: number
  promptDigest: Bytes32
  /** By how much each token lost, nats at temperature 1; Infinity where it was filtered or absent. */
  margins: Float32Array
  /** Under the model at temperature 1; -Infinity where absent. */
  logProbs: Float32Array
  /** 0 won, 1 lost, 2 filtered, 3 absent. */
  states: Uint8Array
  /**
   * How far the winner was ahead of the next, nats at temperature 1; Infinity where it was alone. Without it tokens
   * are judged by a baseline that knows nothing of how near a tie each was: weaker, and less fair.
   */
  gaps?: Float32Array
  /** The last token ends the model's turn. */
  endsTurn: boolean
  /** What the tokens spell. */
  text: string
  elapsedMs: number
  computedTokens: number
}
