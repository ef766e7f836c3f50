/** What a context takes at once: `BATCH_TOKENS`. */
const MOST_TOKENS = 512
const LEAST_TOKENS = 128
/** Generations beside an audit wait for a batch no longer than for the shortest one of a model of this size. */
const MOST_PARAMETERS_HELD_UP = 4_000_000_000

/**
 * Tokens of an audit in one batch. What llama.cpp computes depends in the last bits on how a text is cut into batches; always
 * cut the same, it is the same each time, as long as nothing runs beside it. So it follows from the model alone.
 *
 * Each batch reads all weights, which costs about what a token of a generation does: the fewer the better, but generations
 * that run beside it, and those that come meanwhile, wait until a batch is done.
 */
export function scoreBatchTokens(parameterCount: number): number {
  let tokens = MOST_TOKENS
  while (tokens > LEAST_TOKENS && tokens * parameterCount >= LEAST_TOKENS * MOST_PARAMETERS_HELD_UP)
    tokens /= 2
  return tokens
}
