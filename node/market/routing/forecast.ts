import { costRoundedUp, type TokenPrice } from '../../../protocol/money.ts'
import type { Demand, Prediction } from './candidate.ts'
import { FEATURE } from './features.ts'
import { p95 } from './latency-predictor.ts'

/**
 * A prediction that works out what few ask for, exact amounts first of all, when it is asked: of most candidates of
 * most decisions nobody does.
 */
export class Forecast implements Prediction {
  readonly ttftMs: number
  readonly totalMs: number
  readonly waitMs: number
  readonly #demand: Demand
  readonly #price: TokenPrice
  readonly #outputTokens: number
  readonly #features: readonly number[]
  /** Of `ttftMs`, what is the listing's own. */
  readonly #firstMs: number
  readonly #spread: number
  readonly #msPerToken: number

  /**
   * @param outputTokens of a typical answer
   * @param features of the same candidate
   * @param times `firstMs`: until the first token, the way there and the wait apart; `elsewhereMs`: these two
   * @param spread see `Speed`
   */
  constructor(
    demand: Demand,
    price: TokenPrice,
    outputTokens: number,
    features: readonly number[],
    times: { firstMs: number; elsewhereMs: number; waitMs: number; totalMs: number; msPerToken: number },
    spread: number,
  ) {
    this.ttftMs = times.elsewhereMs + times.firstMs
    this.totalMs = times.totalMs
    this.waitMs = times.waitMs
    this.#demand = demand
    this.#price = price
    this.#outputTokens = outputTokens
    this.#features = features
    this.#firstMs = times.firstMs
    this.#spread = spread
    this.#msPerToken = times.msPerToken
  }

  get expectedCost(): bigint {
    const { promptTokensExpected: inputTokens } = this.#demand
    return costRoundedUp(this.#price, { inputTokens, outputTokens: this.#outputTokens })
  }

  get worstCost(): bigint {
    const { promptTokensBound: inputTokens, maxTokens: outputTokens } = this.#demand
    return costRoundedUp(this.#price, { inputTokens, outputTokens })
  }

  get ttftP95Ms(): number {
    return this.ttftMs + (p95(this.#firstMs, this.#spread) - this.#firstMs)
  }

  get tokensPerSecond(): number {
    return 1_000 / this.#msPerToken
  }

  get reliability(): number {
    return this.#features[FEATURE.reliability]!
  }

  get quality(): number {
    return this.#features[FEATURE.quality]!
  }

  get warmShare(): number {
    return this.#features[FEATURE.warm]!
  }
}
