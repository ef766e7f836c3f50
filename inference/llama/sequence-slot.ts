import type {
  ControlledEvaluateIndexOutput,
  ControlledEvaluateInputItem,
  LlamaContextSequence,
  Token,
} from 'node-llama-cpp'
import type { CacheGate } from './cache-gate.ts'
import type { Slot } from './slot-pool.ts'
import type { SampledToken, TokenChooser } from './token-choice.ts'

/** Tokens as they are sampled. */
export interface SampledTokens {
  /** @param chosen token to go on with in place of the last one */
  next(chosen?: number): Promise<IteratorResult<SampledToken, void>>
  end(): Promise<unknown>
}

/** What a model lost on one token. */
export interface TokenLoss {
  nats: number
  isLikeliest: boolean
}

/** One sequence of a model's context, whose key-value cache stays warm between generations. */
export class SequenceSlot implements Slot {
  readonly #sequence: LlamaContextSequence
  readonly #gate: CacheGate

  /** @param modules.gate shared by the sequences of a context */
  constructor(modules: { sequence: LlamaContextSequence; gate: CacheGate }) {
    this.#sequence = modules.sequence
    this.#gate = modules.gate
  }

  get cachedTokens(): number {
    return this.#sequence.nextTokenIndex
  }

  /** Tokens that were run through the model in this slot so far. */
  get computedTokens(): number {
    const { usedInputTokens, usedOutputTokens } = this.#sequence.tokenMeter
    return usedInputTokens + usedOutputTokens
  }

  commonPrefix(tokens: readonly number[]): number {
    return this.#sequence.compareContextTokens(tokens as Token[]).firstDifferentIndex
  }

  /**
   * Cuts the cache down to what it shares with `tokens` and leaves at least their last one to be
   * computed, since the next token's logits come from there.
   * @returns how many of `tokens` are warm; less than shared where an architecture cannot go back
   */
  async keepPrefix(tokens: readonly number[]): Promise<number> {
    const kept = tokens.slice(0, -1) as Token[]
    if (this.commonPrefix(kept) < this.cachedTokens) {
      await this.#gate.change(() => this.#sequence.adaptStateToTokens(kept, false))
    }
    return this.#sequence.nextTokenIndex
  }

  /** Runs `tokens` through the model. */
  async compute(tokens: readonly number[]): Promise<void> {
    await this.#gate.compute(() => this.#sequence.evaluateWithoutGeneratingNewTokens(tokens as Token[]))
  }

  /** Runs `tokens` through the model and samples the next one; then, at each step, that one and the next. */
  sample(tokens: readonly number[], choice: TokenChooser): SampledTokens {
    const steps = this.#sequence.evaluateWithMetadata(tokens as Token[], choice.metadata, choice.evaluate)
    return {
      next: chosen => this.#gate.compute(() => steps.next(chosen as Token | undefined)),
      end: () => steps.return(undefined),
    }
  }

  /**
   * Runs `tokens` through the model behind what it holds, yielding to generations that want more than a batch holds.
   * @param from of the first token after which candidates are wanted
   * @returns for each token from there on, the likeliest next ones at temperature 1 by falling probability, with them
   */
  async candidates(
    tokens: readonly number[],
    { from, count }: { from: number; count: number },
  ): Promise<ReadonlyMap<number, number>[]> {
    const generateNext = {
      probabilities: true,
      options: { temperature: 1, topP: 1, minP: 0, topK: count, seed: 0 },
    }
    const inputs = (tokens as Token[]).map((token, i) =>
      i < from ? token : ([token, { generateNext }] as const),
    )
    const results = await this.#gate.compute(() =>
      this.#sequence.controlledEvaluate(inputs as ControlledEvaluateInputItem[], { evaluationPriority: 1 }),
    )
    return inputs.slice(from).map((_, i) => {
      const probabilities = results[from + i]?.next.probabilities
      if (probabilities === undefined) throw new Error('the model showed no candidates')
      return probabilities
    })
  }

  /**
   * Runs `tokens` through the model behind what it holds, yielding to generations that want more than a batch holds.
   * @param next for each token the one that follows it, where its loss is wanted, else null
   * @returns for each token of `next` what the model lost on it (exact, over the whole vocabulary, nats at temperature 1)
   * and whether it was the likeliest
   */
  async losses(tokens: readonly number[], next: readonly (number | null)[]): Promise<(TokenLoss | null)[]> {
    const inputs = (tokens as Token[]).map((token, i) => {
      const target = next[i] ?? null
      if (target === null) return token
      const generateNext = {
        // Greedy: no candidate is filtered out, none are sorted, and the one selected is the likeliest.
        options: { temperature: 0 },
        token: true,
        logits: { filter: { tokens: [target as Token], includeSelected: true } },
        totalLogitWeight: true,
      }
      return [token, { generateNext }] as const
    })
    const results = await this.#gate.compute(() =>
      this.#sequence.controlledEvaluate(inputs as ControlledEvaluateInputItem[], { evaluationPriority: 1 }),
    )
    return inputs.map((_, i) => {
      const target = next[i] ?? null
      return target === null ? null : lossOf(results[i]?.next, target)
    })
  }

  /** Forgets everything: after a failure that may have left the cache in any state, or to begin from nothing. */
  async reset(): Promise<void> {
    await this.#gate.change(() => this.#sequence.clearHistory())
  }
}

/**
 * -ln p(target) = (greatest logit - its own) + ln Σ exp(logit - greatest). Infinity where logits are no numbers: weights out of
 * all proportion, as an adapter can bring, foretell nothing.
 */
function lossOf(next: ControlledEvaluateIndexOutput['next'] | undefined, target: number): TokenLoss {
  const { token, logits, totalLogitWeight } = next ?? {}
  if (logits === undefined || totalLogitWeight === undefined) throw new Error('the model showed no logits')
  const own = logits.get(target as Token) ?? Number.NaN
  const greatest = (token == null ? undefined : logits.get(token)) ?? Number.NaN
  const nats = greatest - own + Math.log(totalLogitWeight)
  if (Number.isNaN(nats)) return { nats: Number.POSITIVE_INFINITY, isLikeliest: false }
  return { nats, isLikeliest: token === target }
}
