import type { ChannelId } from '../../../../../protocol/ids.ts'
import { maxAmount, type TokenPrice } from '../../../../../protocol/money.ts'
import { AnswerMeter, type AnswerTerms } from './answer-meter.ts'
import type { ChannelStore } from './channel-store.ts'
import { WalletPageError } from './errors.ts'
import type { PaymentClient } from './payment-client.ts'
import type { SessionKey } from './session-key.ts'

/** What is known of an answer's payment while it streams. Base units. */
export interface AnswerPaymentState {
  /** What the node says it has cost so far. */
  claimed: bigint
  /** Signed for this answer. */
  signed: bigint
  /** The most that what came can have cost. */
  received: bigint
  /** What may be signed for before it has come. */
  window: bigint
}

export interface AnswerPaymentModules {
  key: SessionKey
  store: ChannelStore
  client: PaymentClient
  /** Told of each change; for showing it. */
  onChange?: (state: AnswerPaymentState) => void
}

/**
 * Pays for one answer as it streams: no window of the wallet opens. Whoever reads the stream tells it what comes;
 * what is due is signed by the session key and sent to the node, one voucher after the other, the newest only.
 *
 * At any moment what is signed for the answer is at most what has been received plus the window (`AnswerMeter`), and what
 * is signed on the channel is at most its deposit (`SessionKey`). The amount is on disk before a voucher leaves.
 */
export class AnswerPayment {
  readonly channelId: ChannelId
  readonly #meter: AnswerMeter
  readonly #modules: AnswerPaymentModules
  #claimed = 0n
  /** Of this answer, as taken down in the store. */
  #signed = 0n
  #sending: Promise<void> | null = null
  #failure: WalletPageError | null = null
  readonly #abort = new AbortController()

  constructor(terms: AnswerTerms, modules: AnswerPaymentModules) {
    this.channelId = modules.key.channelId
    this.#meter = new AnswerMeter(terms)
    this.#modules = modules
  }

  /** To be sent along with the request that is to be paid. */
  get headers(): Record<string, string> {
    return { 'shoal-channel': this.channelId }
  }

  /** Aborts when the answer must not go on, since it is not paid further; `failure` says why. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get failure(): WalletPageError | null {
    return this.#failure
  }

  get state(): AnswerPaymentState {
    const { received, window } = this.#meter
    return { claimed: this.#claimed, signed: this.#signed, received, window }
  }

  /** A provider answers, at this price with the node's markup in it. */
  begin(price: TokenPrice): void {
    this.#try(() => this.#meter.begin(price))
  }

  /** Text has come; `claimedTokens` as the node counts. */
  receive(text: string, claimedTokens: number): void {
    this.#meter.receive(text, claimedTokens)
    this.#tell()
  }

  /** The node says what the answer has cost so far, base units. */
  cost(claimed: bigint): void {
    if (claimed <= this.#claimed || this.#failure !== null) return
    this.#try(() => {
      this.#meter.due(claimed)
      this.#claimed = claimed
      this.#sending ??= this.#send().finally(() => {
        this.#sending = null
      })
    })
    this.#tell()
  }

  /**
   * The answer has ended, well or not: waits until what is due has been sent. Idempotent; never throws, `failure` says.
   */
  async end(): Promise<AnswerPaymentState> {
    await this.#sending
    return this.state
  }

  /** Sends vouchers until all that is claimed is signed for; what is claimed meanwhile goes into the next one. */
  async #send(): Promise<void> {
    while (this.#signed < this.#claimed && this.#failure === null) {
      try {
        await this.#voucher(this.#claimed)
      } catch (error) {
        this.#fail(
          error instanceof WalletPageError
            ? error
            : new WalletPageError('NODE_UNREACHABLE', 'the voucher did not reach the node', { cause: error }),
        )
      }
      this.#tell()
    }
  }

  async #voucher(amount: bigint): Promise<void> {
    const { key, store, client } = this.#modules
    const more = amount - this.#signed
    let signature = ''
    const written = await store.update(key.channelId, channel => {
      const spent = channel.spent + more
      const signed = maxAmount(channel.signed, spent)
      signature = key.sign(signed)
      return { ...channel, spent, signed, signature }
    })
    if (written === null) {
      throw new WalletPageError('KEY_LOST', 'this browser no longer has the channel', {
        fix: 'Close it on the Wallet page and open a new one.',
      })
    }
    this.#signed = amount
    await client.voucher({ channelId: key.channelId, cumulativeAmount: written.signed, signature })
  }

  #try(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (!(error instanceof WalletPageError)) throw error
      this.#fail(error)
    }
  }

  #fail(error: WalletPageError): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#abort.abort(error)
    this.#tell()
  }

  #tell(): void {
    this.#modules.onChange?.(this.state)
  }
}
