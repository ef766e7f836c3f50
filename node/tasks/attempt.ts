import type { VectorsEvent } from '../../inference/embedding-run.ts'
import type { GenerationEvent } from '../../inference/engine.ts'
import { cidOf, encodeMessage, ProtocolError } from '../../protocol/codec.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, Bytes32, CidString, ModelId, NodeKey } from '../../protocol/ids.ts'
import { MAX_OFFER_LIFETIME_MS, MAX_SEALED_WINDOW_TOKENS } from '../../protocol/limits.ts'
import { type Countersignature, countersignatureMessage } from '../../protocol/messages/countersignature.ts'
import type { ProviderFrame, RefusalCode, TokenLogprobs } from '../../protocol/messages/provider-frame.ts'
import {
  type EndReason,
  outputDigest,
  type Receipt,
  receiptMessage,
  vectorsDigest,
} from '../../protocol/messages/receipt.ts'
import { requesterFrameMessage } from '../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../protocol/messages/task-request.ts'
import { minAmount, type TokenPrice } from '../../protocol/money.ts'
import { createRecord, openRecordOf, type SignedRecord } from '../../protocol/signed.ts'
import { isReplicated } from '../../protocol/sla-class.ts'
import { unpackVectors } from '../../protocol/vectors.ts'
import type { Clock } from '../clock.ts'
import { verifyEd25519Natively } from '../ed25519.ts'
import type { Logger } from '../log.ts'
import type { Cleared } from '../market/clearance.ts'
import type { KnownOffer } from '../market/offer-book.ts'
import { P2PError, type Violation } from '../p2p/errors.ts'
import type { FrameStream } from '../p2p/frame-stream.ts'
import { PaymentError } from '../payments/errors.ts'
import type { ChannelLease } from '../payments/payer-channels.ts'
import type { AcceptedTask, TaskTerms } from '../trust/audits/archived-task.ts'
import { HealthMonitor } from './health-monitor.ts'
import { type Metered, meteredAt, owedFor } from './metering.ts'
import type { OutgoingFrame } from './protocol.ts'
import type { ReceiptBook } from './receipt-book.ts'
import { saysAsAsked } from './receipt-claims.ts'
import { SealedWindows } from './sealed-windows.ts'
import { StateMachine, type Transitions } from './state-machine.ts'

export interface AttemptOptions {
  request: Cleared<TaskRequest>
  offer: KnownOffer
  price: TokenPrice
  /** Tokens we pay ahead at most. */
  creditWindowTokens: number
  /** A provider that makes no progress for so long has stalled, unless it is known to be slower. */
  stallTimeoutMs: number
  /** What is expected of it. */
  expected: { ttftMs: number; tokensPerSecond: number }
  /** What the prompt can have at most; more is a lie. */
  promptTokensBound: number
  /** What the attempt may cost at most, base units. */
  maxAmount: bigint
  /** Digest of the model's chat template; null where it has none, undefined where we do not know. */
  chatTemplate?: Bytes32 | null
  self: NodeKey
  wallet: Address
  /** Awaited before more than before is paid; see `AskOptions.cover`. */
  cover?: (taskAmount: bigint, metered: Metered) => Promise<void> | void
}

export interface AttemptModules {
  frames: FrameStream<OutgoingFrame, ProviderFrame>
  lease: ChannelLease
  receipts: ReceiptBook
  signer: NodeSigner
  clock: Clock
  log: Logger
  onViolation: (peer: NodeKey, violation: Violation) => void
  onEvent: (event: AttemptEvent | SealedEvent) => void
}

export type AttemptEvent =
  /** With an estimate where the prompt's tokens are counted at the end. */
  | { type: 'accepted'; promptTokens: number; isEstimate?: boolean }
  /** It waits for a slot there, behind so many. */
  | { type: 'queued'; ahead: number; expectedMs: number }
  /** It has been silent for long: perhaps somebody else must go on. */
  | { type: 'suspected' }
  /** A spot task will be ended so soon. */
  | { type: 'notice'; endsInMs: number }
  /** `count` says how many tokens it is where their ids are not known: `tokens` is empty then. */
  | Extract<GenerationEvent, { type: 'output' }>
  | VectorsEvent
  /** What it was exactly, after estimates: `surplus` output tokens more than the events before said, or fewer. */
  | { type: 'counted'; promptTokens: number; outputTokens: number; surplus: number }
  | { type: 'payment'; taskAmount: bigint; cumulativeAmount: bigint }
  | { type: 'receipt'; record: SignedRecord<Receipt>; countersignature: Uint8Array }

/**
 * A replica has made a window of output up to `end`, in tokens from the answer's start, and is bound to it; `open` asks for it, one window with
 * each call. `isLast`: its answer ends there.
 */
export interface SealedEvent {
  type: 'sealed'
  end: number
  isLast: boolean
  open: () => void
}

/** How an attempt ended; a closed set. */
export type AttemptOutcome =
  | { kind: 'finished'; reason: 'stop' | 'stop_string' | 'length' }
  /** `isSilent`: not a word has come from the provider, not even on being told to stop. */
  | { kind: 'cancelled'; isSilent?: boolean }
  | { kind: 'refused'; code: RefusalCode; message: string }
  | {
      kind: 'failed'
      why:
        | 'disconnected'
        | 'stalled'
        | 'dishonest'
        | 'provider_failed'
        | 'payment_refused'
        | 'too_expensive'
        | 'preempted'
    }

type OutputFrame = Pick<Extract<ProviderFrame, { kind: 'output' }>, 'tokens' | 'text' | 'logprobs'>

type State = 'requesting' | 'streaming' | 'cancelling' | 'closing' | 'closed'
const TRANSITIONS: Transitions<State> = {
  requesting: ['streaming', 'cancelling', 'closed'],
  streaming: ['cancelling', 'closing', 'closed'],
  cancelling: ['closing', 'closed'],
  closing: ['closed'],
  closed: [],
}

/** After a cancel the provider has so long to say what it delivered. */
const CANCEL_TIMEOUT_MS = 1_000
const DONE_TIMEOUT_MS = 5_000
/** Text of one token at the most we believe; the longest of known vocabularies are runs of 256 characters. */
const MAX_TOKEN_CHARS = 1_024
/** Text that a continuation's tokens held back and this attempt shows first. */
const MAX_HELD_TEXT_CHARS = 4_096
const WHOLE: ReadonlySet<EndReason> = new Set(['stop', 'stop_string', 'length'])
/** A voucher for each half window: the provider works on the other half while it travels. */
const PAYMENTS_PER_WINDOW = 2

/**
 * The requester's side of one task at one provider: asks, takes what comes, pays for it as it comes, and
 * countersigns a receipt that says exactly that.
 */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #modules: AttemptModules
  readonly #states = new StateMachine<State>('requesting', TRANSITIONS)
  readonly #request: TaskRequest
  readonly #requestCid: CidString
  readonly #stalled = new AbortController()
  readonly #health: HealthMonitor
  /** Null in the SLA class B. */
  readonly #sealed: SealedWindows | null
  #hasAnswered = false
  /** Why it was cancelled: not by whoever asked. */
  #tooExpensive = false
  readonly #tokens: number[] = []
  #text = ''
  /** Of an embedding, and how many tokens their inputs are. */
  readonly #vectors: Float32Array[] = []
  #vectorTokens = 0
  #promptTokens = 0
  #prefilled = 0
  /** Pay whenever so many tokens are unpaid. */
  #payEvery = 1
  /** Tokens paid for, the prompt's first. */
  #paidTokens = 0

  constructor(options: AttemptOptions, modules: AttemptModules) {
    this.#options = options
    this.#modules = modules
    const { stallTimeoutMs, expected } = options
    this.#request = options.request.content
    this.#sealed = isReplicated(this.#request.slaClass) ? this.#windows() : null
    this.#health = new HealthMonitor(
      { stallTimeoutMs, expected, batchTokens: this.#sealed === null ? 1 : MAX_SEALED_WINDOW_TOKENS },
      {
        clock: modules.clock,
        onSuspected: () => modules.onEvent({ type: 'suspected' }),
        onStalled: () => this.#stalled.abort(),
      },
    )
    this.#requestCid = cidOf(encodeMessage(requesterFrameMessage, this.#request)).toString()
  }

  /** Tokens received; more than the text may show yet. */
  get tokens(): readonly number[] {
    return this.#tokens
  }

  get text(): string {
    return this.#text
  }

  /** Runs to the end. @param cancel when it fires, the provider is told to stop and what came is paid */
  async run(cancel: AbortSignal): Promise<AttemptOutcome> {
    const { frames } = this.#modules
    const onCancel = () => this.#cancel()
    this.#health.start()
    try {
      await frames.send(this.#options.request, this.#stalled.signal)
      cancel.addEventListener('abort', onCancel, { once: true })
      if (cancel.aborted) onCancel()
      const outcome = await this.#converse()
      // Nobody listens any more to who broke the protocol.
      if (outcome.kind === 'failed' && outcome.why === 'dishonest') frames.abort('the protocol was broken')
      else await frames.close()
      return outcome
    } catch (error) {
      frames.abort('the attempt failed')
      if (error instanceof P2PError) {
        this.#modules.log.debug({ err: error, provider: frames.remote }, 'an attempt was cut off')
        return this.#lost(error)
      }
      if (error instanceof PaymentError && error.code === 'CHANNEL_TOO_SMALL')
        return { kind: 'failed', why: 'too_expensive' }
      if (error instanceof PaymentError && error.code === 'VOUCHER_FOREIGN')
        return this.#dishonest('bad_payment')
      throw error
    } finally {
      this.#health.stop()
      cancel.removeEventListener('abort', onCancel)
      if (!this.#states.is('closed')) this.#states.to('closed')
    }
  }

  async #converse(): Promise<AttemptOutcome> {
    for (;;) {
      const frame = await this.#modules.frames.receive(this.#stalled.signal)
      this.#health.heard()
      this.#hasAnswered = true
      if (frame === null)
        return this.#states.is('cancelling') ? this.#cancelled() : { kind: 'failed', why: 'disconnected' }
      switch (frame.kind) {
        case 'refused':
          if (!this.#states.is('requesting', 'cancelling') || this.#promptTokens > 0)
            return this.#dishonest('bad_frame')
          return { kind: 'refused', code: frame.code, message: frame.message }
        case 'accepted': {
          if (!this.#states.is('requesting', 'cancelling') || this.#promptTokens > 0)
            return this.#dishonest('bad_frame')
          this.#health.progressed(0)
          if (!(await this.#accepted(frame))) return this.#dishonest('bad_frame')
          break
        }
        case 'queued':
          this.#health.promised(frame.expectedMs)
          this.#modules.onEvent({ type: 'queued', ahead: frame.ahead, expectedMs: frame.expectedMs })
          break
        case 'notice':
          this.#modules.onEvent({ type: 'notice', endsInMs: frame.endsInMs })
          break
        case 'prefill':
          if (frame.promptTokens < this.#prefilled || frame.promptTokens > this.#promptTokens)
            return this.#dishonest('bad_frame')
          if (frame.promptTokens > this.#prefilled) this.#health.progressed(0)
          this.#prefilled = frame.promptTokens
          await this.#payAhead()
          break
        case 'output':
          if (this.#sealed !== null || !(await this.#output(frame))) return this.#dishonest('bad_frame')
          break
        case 'vectors':
          if (!(await this.#embedded(frame))) return this.#dishonest('bad_frame')
          break
        case 'sealed':
          if (!this.#seal(frame)) return this.#dishonest('bad_frame')
          break
        case 'opened':
          // It is not what it was bound to before others showed theirs, or nobody asked for it.
          if (this.#sealed?.open(frame) !== true) return this.#dishonest('bad_frame')
          this.#watchSealed()
          if (!(await this.#output(frame))) return this.#dishonest('bad_frame')
          break
        case 'end':
          return this.#end(frame.receipt)
        case 'done':
          return this.#dishonest('bad_frame')
      }
    }
  }

  /** @returns false when it says what cannot be */
  async #accepted(frame: Extract<ProviderFrame, { kind: 'accepted' }>): Promise<boolean> {
    const { promptTokensBound, price, maxAmount, creditWindowTokens } = this.#options
    const request = this.#request
    if (frame.promptTokens < 1 || frame.promptTokens > promptTokensBound) return false
    this.#promptTokens = frame.promptTokens
    const { voucher } = frame
    if (voucher !== null) await this.#health.aside(() => this.#modules.lease.adopt(voucher))
    this.#payEvery = Math.max(
      1,
      Math.floor(Math.min(frame.creditWindowTokens, creditWindowTokens) / PAYMENTS_PER_WINDOW),
    )
    if (this.#states.is('requesting')) this.#states.to('streaming')
    this.#modules.onEvent({ type: 'accepted', promptTokens: frame.promptTokens })
    if (owedFor(price, { promptTokens: frame.promptTokens, outputTokens: request.maxTokens }) > maxAmount) {
      // What was computed until the provider hears of it is paid, as after every cancel.
      this.#tooExpensive = true
      this.#cancel()
    }
    await this.#payAhead()
    return true
  }

  /** @returns false when it is not what was asked for */
  async #embedded(frame: Extract<ProviderFrame, { kind: 'vectors' }>): Promise<boolean> {
    const { input } = this.#request
    const vectors = unpackVectors(frame.bytes, frame.dimensions)
    if (input.kind !== 'embedding' || this.#promptTokens === 0 || vectors === null) return false
    const { length } = this.#vectors[0] ?? vectors[0]!
    const before = this.#vectors.length
    const isNext = frame.first === before && before + vectors.length <= input.inputs.length
    const tokens = this.#vectorTokens + frame.tokens
    // Every text has a token at least, and all together those that were announced.
    const isCounted = frame.tokens >= vectors.length && tokens <= this.#promptTokens
    if (!isNext || !isCounted || frame.dimensions !== length) return false
    this.#vectors.push(...vectors)
    this.#vectorTokens = tokens
    this.#prefilled = Math.max(this.#prefilled, tokens)
    this.#health.progressed(0)
    this.#modules.onEvent({ type: 'vectors', vectors, tokens: frame.tokens })
    await this.#payAhead()
    return true
  }

  /** @returns false when it is more than there can be */
  async #output({ tokens, text, logprobs }: OutputFrame): Promise<boolean> {
    if (this.#promptTokens === 0 || this.#request.input.kind === 'embedding') return false
    if (!this.#mayTell(logprobs)) return false
    this.#prefilled = this.#promptTokens
    if (tokens.length > 0) this.#health.progressed(tokens.length)
    this.#tokens.push(...tokens)
    this.#text += text
    if (this.#isTooMuch()) return false
    this.#modules.onEvent({
      ...{ type: 'output', tokens, text },
      ...(logprobs === undefined ? {} : { logprobs }),
    })
    await this.#payForOutput()
    return true
  }

  /** Chances are told where they are asked for, and no more of them. */
  #mayTell(logprobs: readonly TokenLogprobs[] | undefined): boolean {
    const { logprobs: wanted } = this.#request
    return (
      logprobs === undefined || (wanted !== undefined && logprobs.every(({ top }) => top.length <= wanted))
    )
  }

  #windows(): SealedWindows {
    const { taskId, attempt, continuation, maxTokens } = this.#request
    const position = continuation?.tokens.length ?? 0
    return new SealedWindows({
      ...{ provider: this.#options.offer.provider, taskId, attempt, position, maxTokens },
    })
  }

  /** @returns false where nothing is to be sealed, or not this */
  #seal(frame: Extract<ProviderFrame, { kind: 'sealed' }>): boolean {
    const sealed = this.#promptTokens === 0 ? null : this.#sealed
    const window = sealed?.seal(frame) ?? null
    if (sealed === null || window === null) return false
    this.#prefilled = this.#promptTokens
    this.#health.progressed(0)
    this.#watchSealed()
    this.#modules.onEvent({
      type: 'sealed',
      end: window.end,
      isLast: window.isLast,
      open: () => this.#open(),
    })
    return true
  }

  #open(): void {
    const window = this.#sealed?.ask() ?? null
    if (window === null || !this.#states.is('streaming')) return
    this.#watchSealed()
    this.#modules.frames
      .send({ kind: 'open', window }, this.#stalled.signal)
      .catch(() => this.#modules.frames.abort('a window could not be asked for'))
  }

  /** While it has to wait for others to be bound nothing is its fault; what it was asked to open is. */
  #watchSealed(): void {
    const { unasked, isOwed } = this.#sealed!
    if (unasked > 0 && !isOwed) this.#health.pause()
    else this.#health.resume()
  }

  /** Pays for what of the prompt is computed and a window ahead, so that a long prompt goes on without a pause. */
  #payAhead(): Promise<void> {
    if (this.#states.is('cancelling')) return Promise.resolve()
    return this.#payTokens(Math.min(this.#promptTokens, this.#prefilled + this.#options.creditWindowTokens))
  }

  #payForOutput(): Promise<void> {
    const received = this.#promptTokens + this.#tokens.length
    // A window that was opened is paid at once: the provider has waited for it.
    const payEvery = this.#sealed === null ? this.#payEvery : 1
    return received - this.#paidTokens >= payEvery ? this.#payTokens(received) : Promise.resolve()
  }

  /** Pays up to a count of tokens, the prompt's first. */
  async #payTokens(tokens: number): Promise<void> {
    if (tokens <= this.#paidTokens) return
    this.#paidTokens = tokens
    await this.#payTo(owedFor(this.#options.price, meteredAt(this.#promptTokens, tokens)))
  }

  async #payTo(taskAmount: bigint): Promise<void> {
    const { lease, frames, onEvent } = this.#modules
    if (taskAmount <= lease.paid) return
    const { cover } = this.#options
    if (cover !== undefined) {
      const metered = { promptTokens: this.#promptTokens, outputTokens: this.#tokens.length }
      await this.#health.aside(async () => cover(taskAmount, metered))
    }
    const { cumulativeAmount, signature } = await this.#health.aside(() => lease.payTo(taskAmount))
    await frames.send({ kind: 'payment', cumulativeAmount, taskAmount, signature }, this.#stalled.signal)
    onEvent({ type: 'payment', taskAmount, cumulativeAmount })
  }

  async #end(bytes: Uint8Array): Promise<AttemptOutcome> {
    if (!this.#states.is('streaming', 'cancelling')) return this.#dishonest('bad_frame')
    const cancelled = this.#states.is('cancelling')
    this.#states.to('closing')
    const { frames, receipts, signer, onEvent } = this.#modules
    const record = this.#checkReceipt(bytes, cancelled)
    if (record === null) return this.#dishonest('bad_record')
    const { reason, amount } = record.body
    const { maxAmount } = this.#options
    await this.#payTo(minAmount(amount, maxAmount))
    // What is not paid is not signed: the countersigned receipt is our word that we owe it.
    if (amount > maxAmount) return { kind: 'failed', why: 'too_expensive' }
    const countersignature = createRecord<Countersignature>(
      countersignatureMessage,
      { version: 1, receipt: record.cid },
      signer,
    )
    const accepted: AcceptedTask = {
      ...{ record, countersignature, request: this.#request },
      ...{ tokens: this.#tokens, text: this.#text },
      terms: this.#terms(),
    }
    await this.#health.aside(() => receipts.countersign(accepted))
    onEvent({ type: 'receipt', record, countersignature: countersignature.bytes })
    try {
      await frames.send({ kind: 'countersign', record: countersignature.bytes }, this.#stalled.signal)
      await frames.receive(AbortSignal.timeout(DONE_TIMEOUT_MS))
    } catch (error) {
      // Both have what they need but the provider's acknowledgement; the work is done and paid.
      if (!(error instanceof P2PError)) throw error
    }
    this.#states.to('closed')
    // It has waited long enough for others: that is not its fault.
    if (reason === 'unpaid' && (this.#sealed?.unasked ?? 0) > 0) return this.#cancelled()
    return reason === 'cancelled' || this.#tooExpensive ? this.#cancelled() : outcomeOf(reason)
  }

  /** The receipt, if it says what we saw; null when it does not. */
  #checkReceipt(bytes: Uint8Array, cancelled: boolean): SignedRecord<Receipt> | null {
    const { offer, self, wallet, price } = this.#options
    const request = this.#request
    let record: SignedRecord<Receipt>
    try {
      record = openRecordOf(receiptMessage, bytes, this.#modules.frames.remote, verifyEd25519Natively)
    } catch (error) {
      if (error instanceof ProtocolError) return null
      throw error
    }
    const receipt = record.body
    const metered = { promptTokens: receipt.promptTokens, outputTokens: receipt.outputTokens }
    const honest =
      receipt.taskId === request.taskId &&
      receipt.attempt === request.attempt &&
      receipt.requester === self &&
      receipt.provider === offer.provider &&
      receipt.payer === wallet &&
      receipt.payee === offer.offer.wallet &&
      receipt.chainId === offer.offer.chainId &&
      receipt.settlement === offer.offer.settlement &&
      receipt.channelId === request.payment.channelId &&
      receipt.offer === offer.cid &&
      receipt.request === this.#requestCid &&
      receipt.model === request.model &&
      saysAsAsked(receipt, request, this.#options.chatTemplate, wornBy(offer, request.model)) &&
      this.#hasCome(receipt) &&
      receipt.amount === owedFor(price, metered) &&
      // Who countersigns a receipt owes what it says, on chain too.
      receipt.cumulativeAmount >= receipt.amount &&
      receipt.cumulativeAmount <= this.#modules.lease.cumulativeFor(receipt.amount) &&
      // Who has not shown all of its answer has not finished it.
      (this.#sealed === null || this.#sealed.isDone || !WHOLE.has(receipt.reason)) &&
      // Only we cancel: a provider that gives up has failed.
      (receipt.reason !== 'cancelled' || cancelled) &&
      receipt.startedAtMs <= receipt.endedAtMs &&
      Math.abs(receipt.endedAtMs - this.#modules.clock.nowMs()) <= MAX_OFFER_LIFETIME_MS
    return honest ? record : null
  }

  /** Whether a receipt says of prompt and output what we have seen. */
  #hasCome({ promptTokens, outputTokens, output, reason }: Receipt): boolean {
    const { input } = this.#request
    if (input.kind === 'embedding') {
      const isWhole =
        this.#vectors.length === input.inputs.length && this.#vectorTokens === this.#promptTokens
      return (
        (isWhole || !WHOLE.has(reason)) &&
        promptTokens === this.#vectorTokens &&
        outputTokens === 0 &&
        output === vectorsDigest(this.#vectors)
      )
    }
    return (
      // Of the prompt, computed but not yet told may be owed; of the output, only what came.
      promptTokens <= this.#promptTokens &&
      (this.#tokens.length === 0 || promptTokens === this.#promptTokens) &&
      outputTokens === this.#tokens.length &&
      output === outputDigest(this.#tokens, this.#text)
    )
  }

  #terms(): TaskTerms {
    const { offer, price } = this.#options
    const { inputPerMillion, outputPerMillion } = price
    const offered = offer.offer.models.find(({ model }) => model === this.#request.model)
    return { price: { inputPerMillion, outputPerMillion }, contextTokens: offered?.contextTokens ?? 0 }
  }

  #cancel(): void {
    if (!this.#states.is('requesting', 'streaming')) return
    this.#states.to('cancelling')
    this.#modules.frames.send({ kind: 'cancel' }).catch(() => this.#modules.frames.abort('cancelled'))
    this.#modules.clock.setTimer(() => {
      if (this.#states.is('cancelling')) this.#modules.frames.abort('cancelled')
    }, CANCEL_TIMEOUT_MS)
  }

  /** More than was asked for: tokens beyond the number, or text beyond what tokens can hold. */
  #isTooMuch(): boolean {
    const { length } = this.#tokens
    return (
      length > this.#request.maxTokens || this.#text.length > MAX_HELD_TEXT_CHARS + length * MAX_TOKEN_CHARS
    )
  }

  #cancelled(): AttemptOutcome {
    if (this.#tooExpensive) return { kind: 'failed', why: 'too_expensive' }
    return { kind: 'cancelled', isSilent: !this.#hasAnswered }
  }

  #lost(error: P2PError): AttemptOutcome {
    if (this.#states.is('cancelling')) return this.#cancelled()
    if (error.code === 'BAD_FRAME') return { kind: 'failed', why: 'dishonest' }
    return { kind: 'failed', why: error.code === 'TIMED_OUT' ? 'stalled' : 'disconnected' }
  }

  #dishonest(violation: Violation): AttemptOutcome {
    this.#modules.onViolation(this.#modules.frames.remote, violation)
    return { kind: 'failed', why: 'dishonest' }
  }
}

function outcomeOf(reason: Exclude<EndReason, 'cancelled'>): AttemptOutcome {
  if (reason === 'failed') return { kind: 'failed', why: 'provider_failed' }
  if (reason === 'preempted') return { kind: 'failed', why: 'preempted' }
  if (reason === 'unpaid') return { kind: 'failed', why: 'payment_refused' }
  return { kind: 'finished', reason }
}

/** The adapter that an offer says its model wears. */
function wornBy({ offer }: KnownOffer, wanted: ModelId): ModelId | null {
  return offer.models.find(({ model }) => model === wanted)?.adapter?.adapter ?? null
}
