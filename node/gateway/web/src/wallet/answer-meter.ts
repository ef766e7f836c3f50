import { utf8Length } from '../../../../../protocol/codec.ts'
import { costRoundedUp, maxAmount, minAmount, type TokenPrice } from '../../../../../protocol/money.ts'
import { WalletPageError } from './errors.ts'

/** What the person has agreed to for one answer. */
export interface AnswerTerms {
  /** All texts of the prompt, as they are sent. */
  prompt: readonly string[]
  /** Credits' base units per million tokens, the node's markup included: no answer is paid at more. */
  maxPricePerMillion: TokenPrice | null
  /** Base units the whole answer may cost. */
  maxPrice: bigint
  /** Operators who do the same work and are all paid; 1 but in the SLA classes A and S. */
  copies?: number
  /** Tokens the page lets be signed for before they have come. */
  windowTokens: number
}

/**
 * Tokens a chat template may add to a message, roles and separators included, and to a prompt as a whole: more than
 * those of the models in use (ChatML takes 5 for a message).
 */
const TEMPLATE_TOKENS_PER_MESSAGE = 16
const TEMPLATE_TOKENS = 64

/**
 * What an answer can have cost, counted by the page from what it has received. The node says prices and tokens, but is
 * believed only within what cannot be otherwise: a token is at least one byte of text, so that there are never more
 * tokens than bytes, of the prompt and of the answer alike; a price is at most what was agreed to. What the node claims
 * beyond that is not signed for.
 */
export class AnswerMeter {
  readonly #terms: AnswerTerms
  readonly #promptTokens: number
  readonly #copies: bigint
  #price: TokenPrice | null = null
  /** Of attempts that have ended: each is paid for what came of it. */
  #ended = 0n
  #inputTokens: number
  #receivedTokens = 0
  #receivedBytes = 0
  /** Of the attempt that runs. */
  #claimedTokens = 0
  #bytes = 0

  constructor(terms: AnswerTerms) {
    this.#terms = terms
    this.#copies = BigInt(terms.copies ?? 1)
    const bytes = terms.prompt.reduce((sum, text) => sum + utf8Length(text), 0)
    this.#promptTokens = bytes + TEMPLATE_TOKENS_PER_MESSAGE * terms.prompt.length + TEMPLATE_TOKENS
    this.#inputTokens = this.#promptTokens
  }

  /** Tokens received in all, at most. */
  get receivedTokens(): number {
    return this.#receivedTokens + this.#tokens
  }

  /** Base units the page lets be signed for before their tokens have come. */
  get window(): bigint {
    const outputTokens = this.#terms.windowTokens
    return this.#price === null
      ? 0n
      : costRoundedUp(this.#price, { inputTokens: 0, outputTokens }) * this.#copies
  }

  /**
   * A provider begins, at a price. One that follows another reads the prompt and what has come so far.
   * @throws {WalletPageError} OVERCHARGED when it is dearer than agreed
   */
  begin(price: TokenPrice): void {
    const agreed = this.#terms.maxPricePerMillion
    if (
      agreed !== null &&
      (price.inputPerMillion > agreed.inputPerMillion || price.outputPerMillion > agreed.outputPerMillion)
    ) {
      throw overcharged('the price is higher than what was agreed to')
    }
    if (this.#price !== null) {
      // One of whom nothing came has earned nothing, however often the node changes providers.
      if (this.#bytes > 0) this.#ended += this.#running()
      this.#receivedTokens += this.#tokens
      this.#receivedBytes += this.#bytes
      // A token that was received is a token to be read; a byte of it is at most one.
      this.#inputTokens = this.#promptTokens + this.#receivedBytes
    }
    // Replicas begin one after the other before anything comes; the dearest counts for all.
    const before = this.#bytes === 0 ? this.#price : null
    this.#price = {
      inputPerMillion: maxAmount(price.inputPerMillion, before?.inputPerMillion ?? 0n),
      outputPerMillion: maxAmount(price.outputPerMillion, before?.outputPerMillion ?? 0n),
    }
    this.#claimedTokens = 0
    this.#bytes = 0
  }

  /** Text has come, of so many tokens as the node says. */
  receive(text: string, claimedTokens: number): void {
    this.#bytes += utf8Length(text)
    if (Number.isSafeInteger(claimedTokens) && claimedTokens > 0) this.#claimedTokens += claimedTokens
  }

  /** The most that what has been received can have cost, base units. */
  get received(): bigint {
    return this.#ended + this.#running()
  }

  /** The most that may be signed for now, base units: what was received plus the window, within the agreed whole. */
  get allowance(): bigint {
    return minAmount(this.received + this.window, this.#terms.maxPrice)
  }

  /**
   * What to sign for when the node claims so much: as much as is due, never more than is allowed.
   * @param claimed base units the answer has cost so far, as the node says
   * @throws {WalletPageError} OVERCHARGED when the node claims more than what came can have cost
   */
  due(claimed: bigint): bigint {
    if (claimed > this.allowance) {
      throw overcharged(
        claimed > this.#terms.maxPrice
          ? 'the node claims more than the most this answer may cost'
          : 'the node claims more than what has come can have cost',
      )
    }
    return maxAmount(claimed, 0n)
  }

  /** Never more than bytes have come; what a node counts beyond is not believed. */
  get #tokens(): number {
    return Math.min(this.#claimedTokens, this.#bytes)
  }

  #running(): bigint {
    if (this.#price === null) return 0n
    return (
      costRoundedUp(this.#price, { inputTokens: this.#inputTokens, outputTokens: this.#tokens }) *
      this.#copies
    )
  }
}

function overcharged(message: string): WalletPageError {
  return new WalletPageError('OVERCHARGED', `${message}; nothing more is signed`, {
    fix: 'Keep what has come. Ask another node, or raise the most you would pay.',
  })
}
