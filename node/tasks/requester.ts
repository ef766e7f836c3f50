import { utf8Length } from '../../protocol/codec.ts'
import { ShoalError } from '../../protocol/errors.ts'
import type { NodeSigner } from '../../protocol/identity.ts'
import type { Address, NodeKey, TaskId } from '../../protocol/ids.ts'
import type { RefusalCode } from '../../protocol/messages/provider-frame.ts'
import type { TaskInput, TaskRequest, TaskSampling } from '../../protocol/messages/task-request.ts'
import { costRoundedUp, formatCredits, minAmount } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Clearance } from '../market/clearance.ts'
import type { OfferBook } from '../market/offer-book.ts'
import { type Candidate, type Demand, type Ranking, rank } from '../market/selection.ts'
import { P2PError, type Violation } from '../p2p/errors.ts'
import type { P2PHost } from '../p2p/host.ts'
import { PaymentError, type PaymentErrorCode } from '../payments/errors.ts'
import type { ChannelLease, PayerChannels } from '../payments/payer-channels.ts'
import type { TaskEvidence } from '../trust/reputation.ts'
import { Attempt, type AttemptEvent, type AttemptOutcome } from './attempt.ts'
import { TaskError } from './errors.ts'
import { taskProtocol } from './protocol.ts'
import type { ReceiptBook } from './receipt-book.ts'

/** What a person or program asks for. */
export interface AskOptions {
  input: TaskInput
  /** A model's id or name; null takes whatever is best for the money. */
  model: string | null
  maxTokens: number
  /** Base units the whole task may cost at most. */
  maxPrice: bigint | null
  sampling: TaskSampling
  stop: string[]
  jsonSchema: string | null
}

export type TaskEvent =
  | { type: 'started'; taskId: TaskId }
  | { type: 'ranked'; ranking: Ranking }
  | { type: 'chosen'; candidate: Candidate; attempt: number; alternatives: number }
  | { type: 'funding'; kind: 'open' | 'topUp'; channelId: string; amount: bigint }
  | { type: 'channel'; channelId: string }
  | { type: 'failover'; from: NodeKey; why: string; attempt: number }
  | AttemptEvent

export interface TaskResult {
  taskId: TaskId
  status: 'completed' | 'cancelled'
  reason: 'stop' | 'stop_string' | 'length' | 'cancelled'
  text: string
  outputTokens: number
  promptTokens: number
  /** Base units, over all attempts. */
  paid: bigint
  /** Who did it, or its last part. */
  provider: NodeKey
  model: string
  attempts: number
}

export interface RequesterOptions {
  self: NodeKey
  wallet: Address
  creditWindowTokens: number
  stallTimeoutMs: number
  maxAttempts: number
}

export interface RequesterModules {
  host: P2PHost
  book: OfferBook
  channels: PayerChannels
  clearance: Clearance
  receipts: ReceiptBook
  signer: NodeSigner
  clock: Clock
  log: Logger
  reputation: {
    reliability: (provider: NodeKey) => number
    observe: (provider: NodeKey, evidence: TaskEvidence) => Promise<void>
    isWelcome: (provider: NodeKey) => boolean
  }
  random: () => number
  randomTaskId: () => TaskId
  onViolation: (peer: NodeKey, violation: Violation) => void
}

/** Tokens a chat template adds to each message, at the most we believe. */
const TEMPLATE_TOKENS = 64
const DIAL_TIMEOUT_MS = 6_000

/** Sends tasks to whoever does them best, and goes on elsewhere when a provider fails. */
export class Requester {
  readonly #options: RequesterOptions
  readonly #modules: RequesterModules
  readonly #abort = new AbortController()
  readonly #running = new Map<TaskId, { cancel: AbortController; ended: Promise<unknown> }>()

  constructor(options: RequesterOptions, modules: RequesterModules) {
    this.#options = options
    this.#modules = modules
  }

  /** Cancels what runs and waits for it. Idempotent; ends within a few seconds. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended))
  }

  /**
   * Runs one task to its end.
   * @param onEvent told of everything as it happens
   * @throws {TaskError} NO_PROVIDER, MODEL_NOT_OFFERED, KIND_NOT_OFFERED, TOO_EXPENSIVE, PROMPT_TOO_LONG, ALL_PROVIDERS_FAILED, CANCELLED
   * @throws {PaymentError} when no money can be put into a channel
   */
  ask(options: AskOptions, onEvent: (event: TaskEvent) => void, signal: AbortSignal): Promise<TaskResult> {
    const taskId = this.#modules.randomTaskId()
    const cancel = new AbortController()
    const task = new Task(
      { ask: options, taskId, onEvent, signal: AbortSignal.any([signal, cancel.signal, this.#abort.signal]) },
      this.#options,
      this.#modules,
    )
    const ended = task.run()
    this.#running.set(taskId, { cancel, ended })
    return ended.finally(() => this.#running.delete(taskId))
  }

  /** Cancels a running task; its `ask` then ends with what has come. @returns whether it was running */
  cancel(taskId: TaskId): boolean {
    const running = this.#running.get(taskId)
    running?.cancel.abort()
    return running !== undefined
  }

  /** What a task would be given to, best first. */
  rank(options: AskOptions): Ranking {
    return rankFor(options, new Set(), this.#modules)
  }
}

/** How it went with one provider; `unfunded` is before anything was asked of it. */
type TryOutcome = AttemptOutcome | { kind: 'failed'; why: 'unfunded' }

/** One task over its attempts: what has come so far is never asked for, shown or paid again. */
class Task {
  readonly #ask: AskOptions
  readonly #onEvent: (event: TaskEvent) => void
  readonly #signal: AbortSignal
  readonly #options: RequesterOptions
  readonly #modules: RequesterModules
  readonly #taskId: TaskId
  readonly #tried = new Set<NodeKey>()
  readonly #failures: { provider: NodeKey; why: string }[] = []
  /** Why no money could be put into the last channel that was wanted. */
  #unfunded: PaymentError | null = null
  /** Output so far; its tokens belong to `#model`. */
  #text = ''
  #tokens: number[] = []
  #model: string | null = null
  #outputTokens = 0
  #promptTokens = 0
  #paid = 0n

  constructor(
    task: { ask: AskOptions; taskId: TaskId; onEvent: (event: TaskEvent) => void; signal: AbortSignal },
    options: RequesterOptions,
    modules: RequesterModules,
  ) {
    this.#ask = task.ask
    this.#taskId = task.taskId
    this.#onEvent = task.onEvent
    this.#signal = task.signal
    this.#options = options
    this.#modules = modules
  }

  async run(): Promise<TaskResult> {
    this.#onEvent({ type: 'started', taskId: this.#taskId })
    for (let attempt = 0; attempt < this.#options.maxAttempts; attempt++) {
      this.#throwIfCancelled(attempt)
      const candidate = this.#choose(attempt)
      this.#tried.add(candidate.provider)
      const outcome = await this.#try(candidate, attempt)
      await this.#judge(candidate.provider, outcome)
      if (outcome.kind === 'finished') return this.#result(candidate, outcome.reason, attempt)
      if (outcome.kind === 'cancelled') return this.#result(candidate, 'cancelled', attempt)
      const why = outcome.kind === 'refused' ? outcome.code : outcome.why
      this.#failures.push({ provider: candidate.provider, why })
      this.#onEvent({ type: 'failover', from: candidate.provider, why, attempt })
      // All that was asked for has come: only the end was lost.
      if (this.#outputTokens >= this.#ask.maxTokens) return this.#result(candidate, 'length', attempt)
    }
    throw this.#allFailed()
  }

  #choose(attempt: number): Candidate {
    const ranking = rankFor(this.#ask, this.#tried, this.#modules, this.#paid)
    if (attempt === 0) this.#onEvent({ type: 'ranked', ranking })
    const [candidate] = ranking.candidates
    if (candidate === undefined)
      throw attempt === 0 ? noProvider(this.#ask, ranking, this.#modules) : this.#allFailed()
    this.#onEvent({ type: 'chosen', candidate, attempt, alternatives: ranking.candidates.length - 1 })
    return candidate
  }

  async #try(candidate: Candidate, attempt: number): Promise<TryOutcome> {
    const { host, channels, clearance, receipts, signer, clock, onViolation, log } = this.#modules
    const { provider, offer, model } = candidate
    const bound = this.#promptBound()
    const worst = costRoundedUp(model, { inputTokens: bound, outputTokens: this.#remainingTokens() })
    const cap = this.#ask.maxPrice === null ? worst : this.#ask.maxPrice - this.#paid
    let lease: ChannelLease | null = null
    try {
      // First the connection: no money goes into a channel to somebody who does not answer.
      await this.#connect(provider)
      lease = await channels.acquire({
        payee: offer.offer.wallet,
        needed: minAmount(worst, cap),
        minRemainingMs: offer.offer.minChannelRemainingMs,
        onOpening: opening => this.#onEvent({ type: 'funding', ...opening }),
      })
      this.#onEvent({ type: 'channel', channelId: lease.channelId })
      if (this.#signal.aborted) return { kind: 'cancelled' }
      const frames = await host.openStream(provider, taskProtocol, this.#signal)
      const run = new Attempt(
        {
          request: clearance.clear(this.#request(candidate, lease, attempt), candidate),
          offer,
          price: model,
          creditWindowTokens: this.#options.creditWindowTokens,
          stallTimeoutMs: this.#options.stallTimeoutMs,
          promptTokensBound: bound,
          maxAmount: minAmount(worst, cap),
          self: this.#options.self,
          wallet: this.#options.wallet,
        },
        {
          frames,
          lease,
          receipts,
          signer,
          clock,
          log,
          onViolation,
          onEvent: event => this.#take(event, model.model),
        },
      )
      return await run.run(this.#signal)
    } catch (error) {
      if (this.#signal.aborted) return { kind: 'cancelled' }
      if (error instanceof PaymentError && UNFUNDED.has(error.code)) {
        // Somebody else may have a channel with enough in it, or ask for less.
        this.#unfunded = error
        return { kind: 'failed', why: 'unfunded' }
      }
      if (error instanceof P2PError) {
        log.debug({ err: error, provider }, 'a provider could not be reached')
        return { kind: 'failed', why: 'disconnected' }
      }
      if (!(error instanceof ShoalError)) log.error({ err: error }, 'an attempt broke')
      throw error
    } finally {
      this.#paid += lease?.paid ?? 0n
      lease?.release()
    }
  }

  async #connect(provider: NodeKey): Promise<void> {
    const { host, book } = this.#modules
    if (host.isConnected(provider)) return
    await host.addAddresses(provider, book.of(provider)?.offer.addresses ?? [])
    await host.dialPeer(provider, AbortSignal.any([this.#signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]))
  }

  #request(candidate: Candidate, lease: ChannelLease, attempt: number): TaskRequest {
    const { input, sampling, stop, jsonSchema } = this.#ask
    const hasOutput = this.#text !== '' || this.#tokens.length > 0
    const sameModel = this.#model === candidate.model.model
    return {
      kind: 'request',
      taskId: this.#taskId,
      attempt,
      offer: candidate.offer.cid,
      award: null,
      mode: 'on-demand',
      slaClass: 'B',
      dataClass: 'SHARED',
      deadlineMs: null,
      model: candidate.model.model,
      input,
      continuation: hasOutput ? { text: this.#text, tokens: sameModel ? [...this.#tokens] : [] } : null,
      maxTokens: this.#remainingTokens(),
      sampling,
      stop,
      jsonSchema,
      payment: { payer: this.#options.wallet, channelId: lease.channelId, voucher: lease.voucher() },
    }
  }

  #take(event: AttemptEvent, model: string): void {
    if (event.type === 'output') {
      if (this.#model !== model) {
        // The tokens so far are another model's and mean nothing to this one; their text does.
        this.#tokens = []
        this.#model = model
      }
      this.#tokens.push(...event.tokens)
      this.#outputTokens += event.tokens.length
      this.#text += event.text
    } else if (event.type === 'accepted') {
      this.#promptTokens = event.promptTokens
    }
    this.#onEvent(event)
  }

  async #judge(provider: NodeKey, outcome: TryOutcome): Promise<void> {
    const evidence = evidenceOf(outcome)
    if (evidence !== null) await this.#modules.reputation.observe(provider, evidence)
  }

  #remainingTokens(): number {
    return Math.max(1, this.#ask.maxTokens - this.#outputTokens)
  }

  #promptBound(): number {
    return promptTokensBound(this.#ask.input) + Math.max(utf8Length(this.#text), this.#tokens.length)
  }

  #result(candidate: Candidate, reason: TaskResult['reason'], attempt: number): TaskResult {
    return {
      taskId: this.#taskId,
      status: reason === 'cancelled' ? 'cancelled' : 'completed',
      reason,
      text: this.#text,
      outputTokens: this.#outputTokens,
      promptTokens: this.#promptTokens,
      paid: this.#paid,
      provider: candidate.provider,
      model: candidate.model.model,
      attempts: attempt + 1,
    }
  }

  #throwIfCancelled(attempt: number): void {
    if (!this.#signal.aborted) return
    throw new TaskError('CANCELLED', 'the task was cancelled', {
      details: { attempts: attempt, paid: formatCredits(this.#paid) },
    })
  }

  #allFailed(): TaskError | PaymentError {
    if (this.#unfunded !== null && this.#failures.every(({ why }) => why === 'unfunded'))
      return this.#unfunded
    if (this.#failures.every(({ why }) => why === 'prompt_too_long')) return promptTooLong()
    const tried = this.#failures.map(({ why }) => why.replaceAll('_', ' ')).join(', ')
    return new TaskError('ALL_PROVIDERS_FAILED', `no provider could finish the task: ${tried}`, {
      fix: 'Try again, or wait for other providers; shoal offers lists them.',
      details: {
        failures: this.#failures.map(({ provider, why }) => `${provider.slice(0, 8)}: ${why}`),
        outputTokens: this.#outputTokens,
        paid: formatCredits(this.#paid),
      },
    })
  }
}

/**
 * What a prompt can have at most: every token holds at least a byte of text, and templates add a few.
 */
function promptTokensBound(input: TaskInput): number {
  const texts = input.kind === 'chat' ? input.messages.map(({ content }) => content) : [input.prompt]
  return texts.reduce((sum, text) => sum + utf8Length(text) + TEMPLATE_TOKENS, TEMPLATE_TOKENS)
}

function rankFor(
  ask: AskOptions,
  tried: ReadonlySet<NodeKey>,
  modules: RequesterModules,
  paid = 0n,
): Ranking {
  const demand: Demand = {
    model: ask.model,
    kind: ask.input.kind,
    promptTokensBound: promptTokensBound(ask.input),
    maxTokens: ask.maxTokens,
    maxPrice: ask.maxPrice === null ? null : ask.maxPrice - paid,
  }
  const offers = modules.book
    .list()
    .filter(({ provider }) => !tried.has(provider) && modules.reputation.isWelcome(provider))
  return rank(demand, offers, { reliability: modules.reputation.reliability, random: modules.random })
}

function noProvider(ask: AskOptions, ranking: Ranking, modules: RequesterModules): TaskError {
  const { unfit } = ranking
  if (unfit.too_expensive > 0) {
    return new TaskError(
      'TOO_EXPENSIVE',
      `nobody does this for ${formatCredits(ask.maxPrice ?? 0n)} credits`,
      {
        fix: 'Raise --max-price or lower --max-tokens; shoal offers shows the prices.',
        details: { offers: unfit.too_expensive },
      },
    )
  }
  if (unfit.prompt_too_long > 0) {
    return promptTooLong()
  }
  if (unfit.other_kind > 0) {
    return new TaskError('KIND_NOT_OFFERED', `nobody takes a ${ask.input.kind} for this model`, {
      fix: 'Ask for another model with --model; shoal offers shows them. A model without a chat template takes no chats.',
      details: { kind: ask.input.kind, offers: unfit.other_kind },
    })
  }
  if (unfit.other_model > 0) {
    const offered = new Set(
      modules.book.list().flatMap(({ offer }) => offer.models.map(({ model }) => model.split('@')[0]!)),
    )
    return new TaskError('MODEL_NOT_OFFERED', `nobody offers the model ${ask.model}`, {
      fix: `Offered are: ${[...offered].slice(0, 8).join(', ')}.`,
      details: { model: ask.model, offered: [...offered].slice(0, 32) },
    })
  }
  return new TaskError('NO_PROVIDER', 'no provider is known', {
    fix: 'Check shoal peers; give --bootstrap the address of a node you know, or run a provider with shoal up.',
  })
}

function promptTooLong(): TaskError {
  return new TaskError('PROMPT_TOO_LONG', 'the prompt is longer than any offered model can read', {
    fix: 'Shorten it, or wait for a provider with a longer context; shoal offers shows them.',
  })
}

/** How an attempt counts for its provider; null when it tells nothing of it. */
function evidenceOf(outcome: TryOutcome): TaskEvidence | null {
  if (outcome.kind === 'finished') return 'completed'
  if (outcome.kind === 'cancelled') return null
  if (outcome.kind === 'refused') return REFUSALS_THAT_COUNT.has(outcome.code) ? 'failed' : null
  if (outcome.why === 'dishonest') return 'dishonest'
  if (outcome.why === 'stalled') return 'stalled'
  return TELL_NOTHING.has(outcome.why) ? null : 'failed'
}

/** Too little of ours for one provider. */
const UNFUNDED: ReadonlySet<PaymentErrorCode> = new Set(['SPENDING_LIMIT', 'WALLET_EMPTY'])

/** Ways to fail that are nobody's fault. */
const TELL_NOTHING: ReadonlySet<string> = new Set(['too_expensive', 'unfunded', 'preempted'])

/** Refusals that its offer had promised not to make. */
const REFUSALS_THAT_COUNT: ReadonlySet<RefusalCode> = new Set([
  'not_serving',
  'model_unavailable',
  'offer_unknown',
])
