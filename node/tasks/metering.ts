import { costRoundedUp, type TokenPrice } from '../../protocol/money.ts'

const TOKENS_PER_PRICE = 1_000_000n

/** Tokens of one attempt as they are counted: first those of the prompt, then those of the output. */
export interface Metered {
  promptTokens: number
  outputTokens: number
}

/** What so many tokens cost, base units. */
export function owedFor(price: TokenPrice, { promptTokens, outputTokens }: Metered): bigint {
  return costRoundedUp(price, { inputTokens: promptTokens, outputTokens })
}

/**
 * How many tokens `paid` covers when the prompt's are counted first: the greatest n with
 * cost(min(n, promptTokens), n − promptTokens) ≤ paid. Infinity where tokens are free.
 */
export function coveredTokens(price: TokenPrice, promptTokens: number, paid: bigint): number {
  const budget = paid * TOKENS_PER_PRICE
  const promptCost = price.inputPerMillion * BigInt(promptTokens)
  if (budget < promptCost) return Number(budget / price.inputPerMillion)
  if (price.outputPerMillion === 0n) return Number.POSITIVE_INFINITY
  return promptTokens + Number((budget - promptCost) / price.outputPerMillion)
}

/** A count of tokens in that order, as prompt and output. */
export function meteredAt(promptTokens: number, tokens: number): Metered {
  return { promptTokens: Math.min(tokens, promptTokens), outputTokens: Math.max(0, tokens - promptTokens) }
}
