import { type Engine, EngineError, type Generation, type GenerationEvent } from '../../inference/engine.ts'
import { cidOf, encodeMessage, ProtocolError } from '../../protocol/codec.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, CidString, NodeKey } from '../../protocol/ids.ts'
import type { Award } from '../../protocol/messages/bid.ts'
import { countersignatureMessage } from '../../protocol/messages/countersignature.ts'
import type { Offer } from '../../protocol/messages/offer.ts'
import type { ProviderFrame, RefusalCode } from '../../protocol/messages/provider-frame.ts'
import {
  type EndReason,
  outputDigest,
  type Receipt,
  receiptMessage,
} from '../../protocol/messages/receipt.ts'
import {
  type PaymentFrame,
  type RequesterFrame,
  requesterFrameMessage,
} from '../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../protocol/messages/task-request.ts'
import type { TokenPrice } from '../../protocol/money.ts'
import { createRecord, openRecordOf, type SignedRecord } from '../../protocol/signed.ts'
import type { Clock, Timer } from '../clock.ts'
import { verifyEd25519Natively } from '../ed25519.ts'
import type { Logger } from '../log.ts'
import { priceIn } from '../market/auction/auctioneer.ts'
import type { AwardVerdict, Bidder } from '../market/auction/bidder.ts'
import { P2PError, type Violation } from '../p2p/errors.ts'
import type { FrameStream } from '../p2p/frame-stream.ts'
import { PaymentRefusal } from '../payments/errors.ts'
import type { PayeeChannels, PayeeLease } from '../payments/payee-channels.ts'
import { engineRefusalOf, generateRequest } from './engine-task.ts'
import { coveredTokens, owedFor } from './metering.ts'
import type { ReceiptBook } from './receipt-book.ts'
import { StateMachine, type Transitions } from './state-machine.ts'

export interface ProviderTaskOptions {
  /** Tokens we go ahead of payment. */
  creditWindowTokens: number
  /** A requester that does not pay for so long is given up. */
  paymentTimeoutMs: number
  wallet: Address
  nodeKey: NodeKey
}

export interface ProviderTaskModules {
  frames: FrameStream<ProviderFrame, RequesterFrame>
  engine: Engine
  channels: PayeeChannels
  receipts: ReceiptBook
  signer: NodeSigner
  clock: Clock
  log: Logger
  findOffer: (cid: string) => Offer | 'expired' | null
  bids: Pick<Bidder, 'verify'>
  onViolation: (peer: NodeKey, violation: Violation) => void
}

/** How a task ended for its provider; a closed set. */
export type ProviderOutcome =
  | { kind: 'refused'; code: RefusalCode }
  | { kind: 'ended'; reason: EndReason; receipt: Receipt; cid: CidString; countersigned: boolean }

type State = 'admitting' | 'running' | 'ending' | 'closed'
const TRANSITIONS: Transitions<State> = {
  admitting: ['running', 'closed'],
  running: ['ending'],
  ending: ['closed'],
  closed: [],
}

/** How long the last payment and the countersignature may take. */
const COUNTERSIGN_TIMEOUT_MS = 10_000
const CHECK_PAYMENT_EVERY_MS = 500

/**
 * The provider's side of one task: admits it, computes as far as it is paid plus the credit window, and
 * ends in a receipt whatever happens.
 */
export class ProviderTask {
  readonly #options: ProviderTaskOptions
  readonly #modules: ProviderTaskModules
  readonly #request: TaskRequest
  readonly #states = new StateMachine<State>('admitting', TRANSITIONS)
  readonly #startedAtMs: number
  readonly #tokens: number[] = []
  #text = ''
  #price: TokenPrice = { inputPerMillion: 0n, outputPerMillion: 0n }
  #promptTokens = 0
  /** Tokens of the prompt computed so far: what of it is owed. */
  #prefilled = 0
  #granted = 0
  #lease: PayeeLease | null = null
  #generation: Generation | null = null
  #events: AsyncIterator<GenerationEvent> | null = null
  #offer: Offer | null = null
  #stopReason: 'cancelled' | 'unpaid' | 'failed' | null = null
  /** When the engine began to stand still for want of payment. */
  #blockedSinceMs: number | null = null
  #gone = false
  #countersigned: PromiseWithResolvers<boolean> | null = null
  #record: SignedRecord<Receipt> | null = null

  constructor(options: ProviderTaskOptions, modules: ProviderTaskModules, request: TaskRequest) {
    this.#options = options
    this.#modules = modules
    this.#request = request
    this.#startedAtMs = modules.clock.nowMs()
  }

  /** Runs the task to its end. Throws only on defects of ours. */
  async run(): Promise<ProviderOutcome> {
    const { frames } = this.#modules
    try {
      await this.#admit()
    } catch (error) {
      if (!(error instanceof ShoalError))
        this.#modules.log.error({ err: error }, 'a task could not be admitted')
      const code = refusalOf(error)
      if (code === 'voucher_invalid') this.#violate('bad_payment')
      this.#states.to('closed')
      await this.#release()
      await frames.send({ kind: 'refused', code, message: refusalMessage(error) }).catch(() => {})
      await frames.close()
      return { kind: 'refused', code }
    }
    const watch = this.#watchPayment()
    try {
      const listening = this.#listen()
      const reason = await this.#serve()
      const outcome = await this.#end(reason)
      await frames.close()
      await listening
      return outcome
    } finally {
      watch.cancel()
      await this.#release()
    }
  }

  /** Ends the task because the node stops. */
  abort(): void {
    this.#stop('failed')
  }

  /** Checks everything and starts the engine, which has computed nothing when this resolves. */
  async #admit(): Promise<void> {
    const request = this.#request
    const { engine, channels, findOffer, frames } = this.#modules
    const offer = findOffer(request.offer)
    if (offer === null) throw refuse('offer_unknown', 'this is no offer of ours')
    if (offer === 'expired') throw refuse('offer_expired', 'the offer has expired')
    const offered = offer.models.find(({ model }) => model === request.model)
    if (offered === undefined) throw refuse('bad_request', 'the offer does not have this model')
    if (!offered.kinds.includes(request.input.kind))
      throw refuse('bad_request', 'the model does not take this kind of task')
    this.#offer = offer
    const listed = priceIn(request.mode, offered)
    const award = request.award === null ? null : this.#verifyAward(request.award, listed)
    this.#price = award?.price ?? listed
    this.#lease = await channels.admit({ ...request.payment, requester: frames.remote })
    this.#generation = engine.generate(generateRequest(request), { grantedTokens: 0 })
    this.#events = this.#generation[Symbol.asyncIterator]()
    const first = await this.#events.next()
    if (first.done === true || first.value.type !== 'start') throw new Error('the engine did not start')
    this.#promptTokens = first.value.promptTokens
    if (award !== null && this.#promptTokens > award.maxPromptTokens)
      throw refuse('award_invalid', 'the prompt is longer than was announced')
    await this.#lease.reserve(
      owedFor(this.#price, { promptTokens: this.#promptTokens, outputTokens: request.maxTokens }),
    )
    const { creditWindowTokens } = this.#options
    await frames.send({
      kind: 'accepted',
      promptTokens: this.#promptTokens,
      creditWindowTokens,
      voucher: this.#lease.voucher(),
    })
    award?.take()
    this.#states.to('running')
    this.#raiseGrant()
  }

  #verifyAward(award: Award, listed: TokenPrice): Extract<AwardVerdict, { kind: 'valid' }> {
    const verdict = this.#modules.bids.verify(award, this.#modules.frames.remote, this.#request, listed)
    if (verdict.kind === 'invalid') throw refuse('award_invalid', verdict.why)
    return verdict
  }

  /** Passes on what the engine makes until it ends or is stopped. @returns why it ended */
  async #serve(): Promise<EndReason> {
    const { frames } = this.#modules
    const events = this.#events!
    try {
      for (;;) {
        const { done, value: event } = await events.next()
        if (done === true) throw new Error('the engine ended without an end')
        if (event.type === 'end') return event.reason
        if (event.type === 'prefill') {
          this.#prefilled = event.promptTokens
          await frames.send({ kind: 'prefill', promptTokens: event.promptTokens })
        } else if (event.type === 'output') {
          this.#prefilled = this.#promptTokens
          this.#tokens.push(...event.tokens)
          this.#text += event.text
          await frames.send({ kind: 'output', tokens: [...event.tokens], text: event.text })
        }
        this.#noteBlocked()
      }
    } catch (error) {
      if (this.#stopReason !== null) return this.#stopReason
      if (error instanceof P2PError) return 'cancelled'
      if (!(error instanceof EngineError)) throw error
      this.#modules.log.warn({ err: error }, 'the engine failed a task')
      return 'failed'
    }
  }

  /** Signs the receipt, asks for the last payment and the countersignature, and stores all. */
  async #end(reason: EndReason): Promise<ProviderOutcome> {
    this.#states.to('ending')
    const { frames, receipts, signer, clock } = this.#modules
    this.#stopGeneration()
    const receipt = this.#receipt(reason)
    this.#lease?.reserveOnly(receipt.amount)
    const record = createRecord(receiptMessage, receipt, signer)
    this.#record = record
    await receipts.issue(record)
    this.#countersigned = Promise.withResolvers<boolean>()
    const timer = clock.setTimer(() => this.#countersigned?.resolve(false), COUNTERSIGN_TIMEOUT_MS)
    let countersigned = false
    try {
      if (!this.#gone) {
        await frames.send({ kind: 'end', receipt: record.bytes })
        countersigned = await this.#countersigned.promise
        if (countersigned) await frames.send({ kind: 'done' })
      }
    } catch (error) {
      if (!(error instanceof P2PError)) throw error
    } finally {
      timer.cancel()
      this.#states.to('closed')
    }
    // A failure of ours may have cut off the payment.
    if (reason !== 'failed' && (this.#lease?.paid ?? 0n) < receipt.amount) this.#violate('unpaid')
    return { kind: 'ended', reason, receipt, cid: record.cid, countersigned }
  }

  #receipt(reason: EndReason): Receipt {
    const request = this.#request
    const { chainId, settlement } = this.#offer!
    const metered = { promptTokens: this.#prefilled, outputTokens: this.#tokens.length }
    const amount = owedFor(this.#price, metered)
    return {
      version: 1,
      taskId: request.taskId,
      attempt: request.attempt,
      requester: this.#modules.frames.remote,
      provider: this.#options.nodeKey,
      payer: request.payment.payer,
      payee: this.#options.wallet,
      chainId,
      settlement,
      channelId: request.payment.channelId,
      offer: request.offer,
      request: cidOf(encodeMessage(requesterFrameMessage, request)).toString(),
      model: request.model,
      backend: this.#modules.engine.status().backend?.kind ?? 'cpu',
      ...metered,
      output: outputDigest(this.#tokens, this.#text),
      reason,
      amount,
      cumulativeAmount: this.#lease!.cumulativeFor(amount),
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#modules.clock.nowMs(),
    }
  }

  /** Takes what the requester says until the stream ends. */
  async #listen(): Promise<void> {
    const { frames } = this.#modules
    try {
      for (;;) {
        const frame = await frames.receive()
        if (frame === null) break
        if (frame.kind === 'payment') await this.#pay(frame)
        else if (frame.kind === 'cancel') this.#stop('cancelled')
        else if (frame.kind === 'countersign') await this.#countersign(frame.record)
        else this.#violate('bad_frame')
      }
    } catch (error) {
      if (!(error instanceof P2PError))
        this.#modules.log.error({ err: error }, 'a requester frame was not handled')
    }
    this.#gone = true
    this.#stop('cancelled')
    this.#countersigned?.resolve(false)
  }

  async #pay(frame: PaymentFrame): Promise<void> {
    try {
      await this.#lease?.pay(frame)
    } catch (error) {
      if (!(error instanceof PaymentRefusal)) throw error
      this.#violate('bad_payment')
      this.#stop('unpaid')
      return
    }
    this.#raiseGrant()
  }

  async #countersign(bytes: Uint8Array): Promise<void> {
    const record = this.#record
    if (record === null) return this.#violate('bad_frame')
    try {
      const countersignature = openRecordOf(
        countersignatureMessage,
        bytes,
        this.#modules.frames.remote,
        verifyEd25519Natively,
      )
      if (countersignature.body.receipt !== record.cid) return this.#violate('bad_record')
      await this.#modules.receipts.complete(record, countersignature)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return this.#violate('bad_record')
    }
    this.#countersigned?.resolve(true)
  }

  /** Lets the engine compute what is paid and the window beyond. */
  #raiseGrant(): void {
    const covered = coveredTokens(this.#price, this.#promptTokens, this.#lease?.paid ?? 0n)
    this.#granted = covered + this.#options.creditWindowTokens
    this.#generation?.grant(this.#granted)
    this.#noteBlocked()
  }

  #noteBlocked(): void {
    const metered =
      this.#prefilled < this.#promptTokens ? this.#prefilled : this.#promptTokens + this.#tokens.length
    if (metered < this.#granted) this.#blockedSinceMs = null
    else this.#blockedSinceMs ??= this.#modules.clock.nowMs()
  }

  #watchPayment(): Timer {
    const { clock } = this.#modules
    let timer: Timer
    const check = () => {
      const { paymentTimeoutMs } = this.#options
      if (this.#blockedSinceMs !== null && clock.nowMs() - this.#blockedSinceMs >= paymentTimeoutMs)
        this.#stop('unpaid')
      timer = clock.setTimer(check, CHECK_PAYMENT_EVERY_MS)
    }
    timer = clock.setTimer(check, CHECK_PAYMENT_EVERY_MS)
    return { cancel: () => timer.cancel() }
  }

  #stop(reason: 'cancelled' | 'unpaid' | 'failed'): void {
    if (!this.#states.is('running')) return
    this.#stopReason ??= reason
    this.#stopGeneration()
  }

  #stopGeneration(): void {
    this.#generation?.cancel()
  }

  /** Frees the engine's slot and what the channel had set aside. */
  async #release(): Promise<void> {
    this.#stopGeneration()
    this.#lease?.release()
    await this.#events?.return?.().catch(() => {})
  }

  #violate(violation: Violation): void {
    this.#modules.onViolation(this.#modules.frames.remote, violation)
  }
}

function refuse(code: RefusalCode, message: string): PaymentRefusal {
  return new PaymentRefusal(code, message)
}

function refusalOf(error: unknown): RefusalCode {
  if (error instanceof PaymentRefusal) return error.code
  if (error instanceof EngineError) return engineRefusalOf(error)
  return 'not_serving'
}

function refusalMessage(error: unknown): string {
  const expected = error instanceof PaymentRefusal || error instanceof EngineError
  return expected ? error.message.slice(0, 200) : 'the provider cannot take tasks now'
}
