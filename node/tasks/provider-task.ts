import type { VectorsEvent } from '../../inference/embedding-run.ts'
import { type Engine, EngineError, type GenerationEvent } from '../../inference/engine.ts'
import { cidOf, encodeMessage, ProtocolError } from '../../protocol/codec.ts'
import { covers } from '../../protocol/data-class.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, Bytes32, CidString, ModelId, NodeKey } from '../../protocol/ids.ts'
import { MAX_SEALED_WINDOW_TOKENS } from '../../protocol/limits.ts'
import type { Award } from '../../protocol/messages/bid.ts'
import { countersignatureMessage } from '../../protocol/messages/countersignature.ts'
import type { Offer } from '../../protocol/messages/offer.ts'
import type { ProviderFrame, RefusalCode, TokenLogprobs } from '../../protocol/messages/provider-frame.ts'
import {
  type EndReason,
  outputDigest,
  type Receipt,
  receiptMessage,
  vectorsDigest,
} from '../../protocol/messages/receipt.ts'
import {
  type PaymentFrame,
  type RequesterFrame,
  requesterFrameMessage,
} from '../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../protocol/messages/task-request.ts'
import type { TokenPrice } from '../../protocol/money.ts'
import { createRecord, openRecordOf, type SignedRecord } from '../../protocol/signed.ts'
import { isReplicated } from '../../protocol/sla-class.ts'
import { packVectors } from '../../protocol/vectors.ts'
import { type Clock, repeat, type Timer } from '../clock.ts'
import { verifyEd25519Natively } from '../ed25519.ts'
import type { Logger } from '../log.ts'
import { priceIn } from '../market/auction/auctioneer.ts'
import type { AwardVerdict, Bidder } from '../market/auction/bidder.ts'
import { P2PError, type Violation } from '../p2p/errors.ts'
import type { FrameStream } from '../p2p/frame-stream.ts'
import { PaymentRefusal } from '../payments/errors.ts'
import type { PayeeChannels, PayeeLease } from '../payments/payee-channels.ts'
import type { Admission, Place } from './admission.ts'
import { promptTokensExpected } from './demand.ts'
import { chatTemplateOf, type EngineRun, engineRefusalOf, runOn } from './engine-task.ts'
import { inFrames } from './logprob-frames.ts'
import { coveredTokens, owedFor } from './metering.ts'
import type { ReceiptBook } from './receipt-book.ts'
import { type SealedFrame, SealedOutput } from './sealed-output.ts'
import type { ServiceMeter } from './service-meter.ts'
import { StateMachine, type Transitions } from './state-machine.ts'
import { TaskTiming } from './task-timing.ts'

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
  admission: Admission
  meter: ServiceMeter
  /** 256 random bits, new ones each time. */
  randomSalt: () => Bytes32
  onViolation: (peer: NodeKey, violation: Violation) => void
}

/** How a task ended for its provider; a closed set. */
export type ProviderOutcome =
  | { kind: 'refused'; code: RefusalCode }
  /** Its requester did not want it any more, before it had begun. */
  | { kind: 'withdrawn' }
  | { kind: 'ended'; reason: EndReason; receipt: Receipt; cid: CidString; countersigned: boolean }

interface OutputEvent {
  tokens: readonly number[]
  text: string
  logprobs?: readonly TokenLogprobs[]
}

type StopReason = 'cancelled' | 'unpaid' | 'failed' | 'preempted'
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
/** Other replicas may keep a sealed window waiting for so long; then the requester has given up this one. */
const OPEN_TIMEOUT_MS = 30_000
/** A requester that hears nothing for so long is told that it still goes on, and how long until more comes. */
const SIGN_OF_LIFE_MS = 1_000
/** The model runs over so many tokens of a prompt at a time. */
const PREFILL_BATCH_TOKENS = 512
/** What is promised where nothing has been measured yet. */
const UNKNOWN_WAIT_MS = 2_000

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
  /** Delivered: what is sealed does not count, and is not paid, before it is opened. */
  readonly #tokens: number[] = []
  #text = ''
  /** Of an embedding, and how many tokens their inputs are. */
  readonly #vectors: Float32Array[] = []
  #vectorTokens = 0
  /** Null in the SLA class B. */
  readonly #sealed: SealedOutput | null
  /** Since when a window has been waiting to be opened; null while none does. */
  #waitingSinceMs: number | null = null
  readonly #allOpened = Promise.withResolvers<void>()
  #price: TokenPrice = { inputPerMillion: 0n, outputPerMillion: 0n }
  #promptTokens = 0
  #prompt: Bytes32 | null = null
  /** Tokens of the output made so far, sealed ones among them. */
  #made = 0
  /** Tokens of the prompt computed so far: what of it is owed. */
  #prefilled = 0
  #granted = 0
  #lease: PayeeLease | null = null
  #generation: EngineRun | null = null
  #events: AsyncIterator<GenerationEvent | VectorsEvent> | null = null
  #offer: Offer | null = null
  /** That the model wears, by the offer. */
  #adapter: ModelId | null = null
  #stopReason: StopReason | null = null
  /** When somebody does not want it any more, or there is no place for it: it waits no longer. */
  readonly #abandoned = Promise.withResolvers<never>()
  #place: Place | null = null
  #notice: Timer | null = null
  /** Of the offer, for spot tasks. */
  #noticeMs = 0
  #sentAtMs: number
  readonly #timing: TaskTiming
  #gone = false
  #countersigned: PromiseWithResolvers<boolean> | null = null
  #record: SignedRecord<Receipt> | null = null

  constructor(options: ProviderTaskOptions, modules: ProviderTaskModules, request: TaskRequest) {
    this.#options = options
    this.#modules = modules
    this.#request = request
    this.#startedAtMs = modules.clock.nowMs()
    this.#sentAtMs = this.#startedAtMs
    this.#timing = new TaskTiming({ clock: modules.clock })
    this.#abandoned.promise.catch(() => {})
    const { taskId, attempt, continuation, slaClass } = request
    const position = continuation?.tokens.length ?? 0
    this.#sealed = isReplicated(slaClass)
      ? new SealedOutput({ provider: options.nodeKey, taskId, attempt, position }, modules)
      : null
  }

  get model(): ModelId {
    return this.#request.model
  }

  /** Runs the task to its end. Throws only on defects of ours. */
  async run(): Promise<ProviderOutcome> {
    const { frames } = this.#modules
    const listening = this.#listen()
    const watch = this.#watch()
    try {
      try {
        await this.#admit()
      } catch (error) {
        return await this.#refuse(error)
      }
      const reason = await this.#serve()
      this.#leavePlace()
      const outcome = await this.#end(reason)
      await frames.close()
      await listening
      return outcome
    } finally {
      watch.cancel()
      await this.#release()
    }
  }

  async #refuse(error: unknown): Promise<ProviderOutcome> {
    const { frames, log } = this.#modules
    if (!(error instanceof ShoalError)) log.error({ err: error }, 'a task could not be admitted')
    const code = refusalOf(error)
    if (code === 'voucher_invalid') this.#violate('bad_payment')
    this.#states.to('closed')
    await this.#release()
    if (!this.#gone)
      await frames.send({ kind: 'refused', code, message: refusalMessage(error) }).catch(() => {})
    await frames.close()
    return this.#gone ? { kind: 'withdrawn' } : { kind: 'refused', code }
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
    if (request.mode === 'spot' && offered.spot === null)
      throw refuse('spot_unavailable', 'nothing is left over for spot tasks now')
    if (this.#sealed !== null && this.#options.creditWindowTokens < MAX_SEALED_WINDOW_TOKENS)
      throw refuse('bad_request', 'the credit window is too small to seal output in')
    if (!covers(offer.dataClass, request.dataClass))
      throw refuse('data_class', `the offer declares itself fit for ${offer.dataClass} data at most`)
    this.#offer = offer
    this.#adapter = offered.adapter?.adapter ?? null
    this.#noticeMs = offered.spot?.noticeMs ?? 0
    const listed = priceIn(request.mode, offered)
    const award = request.award === null ? null : this.#verifyAward(request.award, listed)
    this.#price = award?.price ?? listed
    this.#lease = await channels.admit({ ...request.payment, requester: frames.remote })
    await this.#takePlace()
    this.#generation = runOn(engine, request, { grantedTokens: 0 })
    this.#events = this.#generation[Symbol.asyncIterator]()
    const first = await Promise.race([this.#events.next(), this.#abandoned.promise])
    if (first.done === true || first.value.type !== 'start') throw new Error('the engine did not start')
    this.#promptTokens = first.value.promptTokens
    this.#prompt = first.value.promptDigest
    if (award !== null && this.#promptTokens > award.maxPromptTokens)
      throw refuse('award_invalid', 'the prompt is longer than was announced')
    await this.#lease.reserve(
      owedFor(this.#price, { promptTokens: this.#promptTokens, outputTokens: request.maxTokens }),
    )
    const { creditWindowTokens } = this.#options
    await this.#send({
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

  /** Waits for a slot, as long as the requester does. */
  async #takePlace(): Promise<void> {
    const { model, mode, maxTokens, deadlineMs, input, continuation } = this.#request
    const { admission, frames } = this.#modules
    this.#place = admission.enter({
      ...{ requester: frames.remote, model, mode, deadlineMs },
      expectedTokens: expectedTokens(input, continuation, maxTokens),
      onPreempt: () => this.#giveNotice(),
    })
    await Promise.race([this.#place.granted, this.#abandoned.promise])
    this.#timing.slotted()
  }

  /** A spot task makes room, after the notice its offer promised. */
  #giveNotice(): void {
    const { clock } = this.#modules
    this.#send({ kind: 'notice', endsInMs: this.#noticeMs }).catch(() => {})
    const end = () => {
      // Before it has begun there is nothing to end with a receipt.
      if (this.#states.is('admitting'))
        this.#abandoned.reject(refuse('spot_unavailable', 'others need the slot'))
      this.#stop('preempted')
    }
    this.#notice = clock.setTimer(end, this.#noticeMs)
  }

  #leavePlace(): void {
    this.#notice?.cancel()
    this.#place?.leave(this.#prefilled + this.#made)
  }

  /** Passes on what the engine makes until it ends or is stopped. @returns why it ended */
  async #serve(): Promise<EndReason> {
    const events = this.#events!
    try {
      for (;;) {
        const { done, value: event } = await events.next()
        if (done === true) throw new Error('the engine ended without an end')
        if (event.type === 'end') {
          await this.#openAll()
          return this.#stopReason ?? event.reason
        }
        if (event.type === 'prefill') {
          this.#prefilled = event.promptTokens
          await this.#send({ kind: 'prefill', promptTokens: event.promptTokens })
        } else if (event.type === 'output') {
          this.#prefilled = this.#promptTokens
          this.#made += event.tokens.length
          this.#timing.made(event.tokens.length)
          await this.#deliver(event)
        } else if (event.type === 'vectors') await this.#deliverVectors(event)
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

  async #deliverVectors({ vectors, tokens }: VectorsEvent): Promise<void> {
    const first = this.#vectors.length
    this.#vectors.push(...vectors)
    this.#vectorTokens += tokens
    this.#prefilled = Math.max(this.#prefilled, this.#vectorTokens)
    const dimensions = vectors[0]!.length
    await this.#send({ kind: 'vectors', first, dimensions, tokens, bytes: packVectors(vectors) })
  }

  async #deliver({ tokens, text, logprobs }: OutputEvent): Promise<void> {
    if (this.#sealed !== null) {
      for (const frame of this.#sealed.add(tokens, text)) await this.#seal(frame)
      return
    }
    this.#tokens.push(...tokens)
    this.#text += text
    if (logprobs === undefined) await this.#send({ kind: 'output', tokens: [...tokens], text })
    else for (const frame of inFrames(tokens, text, logprobs)) await this.#send(frame)
  }

  #seal(frame: SealedFrame): Promise<void> {
    this.#waitingSinceMs ??= this.#modules.clock.nowMs()
    return this.#send(frame)
  }

  /** All is made: what of it is sealed has still to be asked for. Ends early when the task is stopped. */
  async #openAll(): Promise<void> {
    if (this.#sealed === null) return
    this.#leavePlace()
    await this.#seal(this.#sealed.end())
    if (this.#stopReason === null) await this.#allOpened.promise
  }

  async #open(window: number): Promise<void> {
    // What crosses with the end of the task is in its receipt no more.
    if (this.#states.is('ending', 'closed')) return
    const frame = this.#stopReason === null ? (this.#sealed?.open(window) ?? null) : null
    if (frame === null) {
      if (this.#stopReason === null) this.#violate('bad_frame')
      return
    }
    const { isWaiting, isDone } = this.#sealed!
    this.#waitingSinceMs = isWaiting ? this.#modules.clock.nowMs() : null
    this.#tokens.push(...frame.tokens)
    this.#text += frame.text
    const sent = this.#send(frame)
    if (isDone) this.#allOpened.resolve()
    this.#noteBlocked()
    await sent
  }

  /** Signs the receipt, asks for the last payment and the countersignature, and stores all. */
  async #end(reason: EndReason): Promise<ProviderOutcome> {
    this.#states.to('ending')
    const { frames, receipts, signer, clock } = this.#modules
    this.#stopGeneration()
    this.#modules.meter.record(this.#timing.sample(this.#request.model, this.#promptTokens))
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
    const isEmbedding = request.input.kind === 'embedding'
    const metered = isEmbedding
      ? { promptTokens: this.#vectorTokens, outputTokens: 0 }
      : { promptTokens: this.#prefilled, outputTokens: this.#tokens.length }
    const amount = owedFor(this.#price, metered)
    return {
      version: 2,
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
      adapter: this.#adapter,
      chatTemplate: this.#chatTemplate(),
      prompt: this.#prompt,
      sampler: isEmbedding ? 'engine' : 'gumbel-64/1',
      backend: this.#modules.engine.status().backend?.kind ?? 'cpu',
      ...metered,
      output: isEmbedding ? vectorsDigest(this.#vectors) : outputDigest(this.#tokens, this.#text),
      reason,
      amount,
      cumulativeAmount: this.#lease!.cumulativeFor(amount),
      startedAtMs: this.#startedAtMs,
      endedAtMs: this.#modules.clock.nowMs(),
    }
  }

  /** Digest of the template the prompt was built with. */
  #chatTemplate(): Bytes32 | null {
    const { input, model } = this.#request
    if (input.kind !== 'chat') return null
    return chatTemplateOf(this.#modules.engine, model)
  }

  /** Takes what the requester says until the stream ends. */
  async #listen(): Promise<void> {
    const { frames } = this.#modules
    try {
      for (;;) {
        const frame = await frames.receive()
        if (frame === null) break
        if (frame.kind === 'payment') await this.#pay(frame)
        else if (frame.kind === 'open') await this.#open(frame.window)
        else if (frame.kind === 'cancel') {
          // Nothing has been computed that a receipt could be for: closing says it all.
          if (this.#states.is('admitting')) this.#gone = true
          this.#stop('cancelled')
        } else if (frame.kind === 'countersign') await this.#countersign(frame.record)
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
    const metered = this.#prefilled < this.#promptTokens ? this.#prefilled : this.#promptTokens + this.#made
    if (metered < this.#granted) this.#timing.unblocked()
    else this.#timing.blocked()
  }

  /** Looks after payment, and tells a requester that waits that its task goes on. */
  #watch(): Timer {
    return repeat(this.#modules.clock, CHECK_PAYMENT_EVERY_MS, async () => {
      const blockedMs = this.#timing.blockedMs
      const nowMs = this.#modules.clock.nowMs()
      // It is paid for what was opened; others may have to seal theirs first.
      const waitedMs = this.#waitingSinceMs === null ? null : nowMs - this.#waitingSinceMs
      const hasLostPatience =
        waitedMs === null
          ? blockedMs >= this.#options.paymentTimeoutMs
          : waitedMs >= Math.max(OPEN_TIMEOUT_MS, this.#options.paymentTimeoutMs)
      if (hasLostPatience) this.#stop('unpaid')
      const isSilent = nowMs - this.#sentAtMs >= SIGN_OF_LIFE_MS
      if (!isSilent || blockedMs > 0 || this.#gone || !this.#states.is('admitting', 'running')) return
      const ahead = this.#place?.ahead() ?? 0
      await this.#send({ kind: 'queued', ahead, expectedMs: this.#untilMore() }).catch(() => {})
    })
  }

  /** How long it will be until the next tokens, ms. */
  #untilMore(): number {
    const { meter } = this.#modules
    const { model } = this.#request
    const left = this.#promptTokens - this.#prefilled
    const waitMs = this.#place?.expectedMs() ?? 0
    if (this.#made > 0) return Math.ceil(1_000 / (meter.speed(model)?.tokensPerSecond ?? 1))
    const batch = left > 0 ? Math.min(left, PREFILL_BATCH_TOKENS) : PREFILL_BATCH_TOKENS
    return Math.ceil(waitMs + Math.max(UNKNOWN_WAIT_MS, meter.prefillMs(model, batch) ?? 0))
  }

  async #send(frame: ProviderFrame): Promise<void> {
    this.#sentAtMs = this.#modules.clock.nowMs()
    await this.#modules.frames.send(frame)
  }

  #stop(reason: StopReason): void {
    if (this.#states.is('admitting') && reason !== 'preempted')
      this.#abandoned.reject(refuse('not_serving', 'the task was given up'))
    if (!this.#states.is('running')) return
    this.#stopReason ??= reason
    this.#allOpened.resolve()
    this.#stopGeneration()
  }

  #stopGeneration(): void {
    this.#generation?.cancel()
  }

  /** Frees the engine's slot and what the channel had set aside. */
  async #release(): Promise<void> {
    this.#stopGeneration()
    this.#leavePlace()
    this.#lease?.release()
    await this.#events?.return?.().catch(() => {})
  }

  #violate(violation: Violation): void {
    this.#modules.onViolation(this.#modules.frames.remote, violation)
  }
}

/** What a task may come to: its prompt by our estimate, and an answer of half the length allowed. */
function expectedTokens(
  input: TaskRequest['input'],
  continuation: TaskRequest['continuation'],
  maxTokens: number,
): number {
  const prompt = promptTokensExpected(input) + (continuation?.tokens.length ?? 0)
  return prompt + Math.ceil(maxTokens / 2)
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
