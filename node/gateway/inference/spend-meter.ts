import { costRoundedUp, type TokenPrice } from '../../../protocol/money.ts'
import type { AttemptSpending } from '../../tasks/ask.ts'

const THOUSAND = 1_000n

/**
 * What one request costs whoever pays for it: what the node pays, and for its own engine the node's own price, with a
 * markup over all. Never falls.
 */
export class SpendMeter {
  readonly #markupThousandths: bigint
  readonly #ownPrice: ((model: string) => TokenPrice) | null
  readonly #attempts = new Map<string, bigint>()
  #net = 0n

  /**
   * @param options.markup share on top of what the node pays
   * @param options.ownPrice of the own engine's work; null where it is free
   */
  constructor(options: { markup: number; ownPrice: ((model: string) => TokenPrice) | null }) {
    this.#markupThousandths = BigInt(Math.round(options.markup * 1_000))
    this.#ownPrice = options.ownPrice
  }

  /** Base units so far, rounded up. */
  get total(): bigint {
    return withMarkup(this.#net, this.#markupThousandths)
  }

  /** What the payer pays for a million tokens of a provider's, as it is billed here. */
  price(
    provider: string,
    model: string,
    asked: { input: bigint; output: bigint },
  ): { input: bigint; output: bigint } {
    const own = provider === 'local' && this.#ownPrice !== null ? this.#ownPrice(model) : null
    const markup = this.#markupThousandths
    return {
      input: withMarkup(own?.inputPerMillion ?? asked.input, markup),
      output: withMarkup(own?.outputPerMillion ?? asked.output, markup),
    }
  }

  /** Takes what an attempt will have cost. @param choice whose attempt it is */
  spending(
    choice: number,
    { attempt, provider, model, amount, promptTokens, outputTokens }: AttemptSpending,
  ): void {
    const isOwn = provider === 'local'
    const cost =
      isOwn && this.#ownPrice !== null
        ? costRoundedUp(this.#ownPrice(model), { inputTokens: promptTokens, outputTokens })
        : amount
    this.#set(`${choice}:${isOwn ? 'own:' : ''}${attempt}`, cost)
  }

  /** Takes what the node has paid for a choice in the end; more than was told on the way where a last bill came. */
  paid(choice: number, amount: bigint): void {
    let told = 0n
    const own = `${choice}:own:`
    for (const [key, cost] of this.#attempts)
      if (key.startsWith(`${choice}:`) && !key.startsWith(own)) told += cost
    if (amount > told) this.#set(`${choice}:rest`, amount - told)
  }

  #set(key: string, cost: bigint): void {
    const before = this.#attempts.get(key) ?? 0n
    if (cost <= before) return
    this.#attempts.set(key, cost)
    this.#net += cost - before
  }
}

/** @param thousandths of the amount, on top of it */
export function withMarkup(amount: bigint, thousandths: bigint): bigint {
  return thousandths === 0n ? amount : (amount * (THOUSAND + thousandths) + THOUSAND - 1n) / THOUSAND
}

/** The most that may be paid to others so that, with the markup, it comes to no more than `limit`. */
export function withoutMarkup(limit: bigint, markup: number): bigint {
  return (limit * THOUSAND) / (THOUSAND + BigInt(Math.round(markup * 1_000)))
}
