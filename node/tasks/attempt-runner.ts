import type { Divergence } from '../../inference/audit/divergence.ts'
import { LinkedAbort } from '../../inference/linked-abort.ts'
import { utf8Length } from '../../protocol/codec.ts'
import type { NodeKey, TaskId } from '../../protocol/ids.ts'
import type { AuditEventDetails } from '../../protocol/messages/audit-event.ts'
import type { ModelOffer } from '../../protocol/messages/offer.ts'
import { costRoundedUp, minAmount } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { Listing, Outcome, ProviderId } from '../market/routing/candidate.ts'
import type { EvidenceDetails } from '../trust/evidence.ts'
import type { AskOptions, TaskEvent } from './ask.ts'
import type { SealedEvent } from './attempt.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import { promptTokensBound } from './demand.ts'
import type { PriceCap } from './price-cap.ts'
import type { AttemptOrder, AttemptReport, Choice, Progress, Venue } from './venue.ts'
import { circuitSignalOf, evidenceOf, statusOf } from './verdict.ts'

export interface AttemptRunnerOptions {
  taskId: TaskId
  ask: AskOptions
  deadlineAtMs: number | null
  maxAttempts: number
  onEvent: (event: TaskEvent) => void
}

/** Those who learn from attempts, and what attempts are made with. */
export interface AttemptRunnerModules {
  clock: Clock
  /** Where attempts are made; a venue that is not there has no listings. */
  venues: { peer: Venue } & Partial<Record<Listing['venue'], Venue>>
  router: { begin?(decisionId: string, provider: ProviderId): void; observe(outcome: Outcome): void }
  breaker: Pick<CircuitBreaker, 'begin' | 'observe'>
  reputation: {
    observe: (
      provider: NodeKey,
      evidence: Extract<EvidenceDetails, { kind: 'task' | 'comparison' }>,
    ) => Promise<void>
    /** Whether a peer has proven to do what it says. */
    isProven: (provider: NodeKey) => boolean
  }
  /** Puts a decision that moves trust on record before it has an effect. */
  record: (event: ComparedEvent) => Promise<void>
}

export type ComparedEvent = Extract<AuditEventDetails, { kind: 'answers.compared' }>

type Seen = Pick<Outcome, 'ttftMs' | 'totalMs' | 'outputTokens' | 'promptTokens'>

/** One attempt on its way. */
export interface RunningAttempt {
  readonly choice: Choice
  readonly number: number
  readonly promptTokens: number
  readonly ended: Promise<AttemptReport>
  /** The provider is told; what came is paid. Idempotent. */
  cancel(): void
}

/** Somebody whose answer is not the one that was agreed on. */
export interface Differed {
  attempt: RunningAttempt
  divergence: Divergence
}

/** Makes a task's attempts: within its price cap, each told to those who learn from it. */
export class AttemptRunner {
  readonly #options: AttemptRunnerOptions
  readonly #modules: AttemptRunnerModules
  readonly #cap: PriceCap
  readonly #signal: AbortSignal
  readonly #ended = new WeakMap<RunningAttempt, { report: AttemptReport; seen: Seen }>()
  #started = 0

  /** @param modules.signal cancels all attempts */
  constructor(
    options: AttemptRunnerOptions,
    modules: AttemptRunnerModules & { cap: PriceCap; signal: AbortSignal },
  ) {
    this.#options = options
    this.#modules = modules
    this.#cap = modules.cap
    this.#signal = modules.signal
  }

  /** Attempts begun so far. */
  get started(): number {
    return this.#started
  }

  /** Whether another may be begun. */
  get mayStart(): boolean {
    return this.#started < this.#options.maxAttempts && !this.#signal.aborted
  }

  /** What an attempt would be given to spend if it went on from where the task stands, base units. */
  allowance(price: Choice['price'], progress: Progress): bigint {
    const worst = this.#worstCost(price, progress)
    const remaining = this.#cap.remaining()
    return remaining === null ? worst : minAmount(worst, remaining)
  }

  /**
   * Begins an attempt; its report counts in the cap when `ended` resolves.
   * @param onEvent what happens in it; the caller decides what of it is the task's
   */
  start(
    choice: Choice,
    progress: Progress,
    onEvent: (event: TaskEvent | SealedEvent) => void,
  ): RunningAttempt {
    const { taskId, ask, deadlineAtMs } = this.#options
    const { clock, venues, breaker, router } = this.#modules
    const { provider, model, venue } = choice.candidate
    const number = this.#started++
    const maxTokens = this.#left(progress)
    const hold = this.#cap.hold(this.#worstCost(choice.price, progress))
    const cancel = new LinkedAbort(this.#signal)
    // Opening a channel takes the chain's time, not the provider's.
    let askedAtMs = clock.nowMs()
    const seen = { ttftMs: null as number | null, outputTokens: 0, promptTokens: 0 }
    const idle = new IdleTime(clock)
    breaker.begin(provider, model.model)
    router.begin?.(choice.decisionId, provider)
    const order: AttemptOrder = {
      ...{ taskId, attempt: number, choice, ask, deadlineAtMs, maxTokens },
      // Taken as it is now: the task goes on while the attempt does.
      progress: {
        ...progress,
        tokens: [...progress.tokens],
        ...(progress.vectors === undefined ? {} : { vectors: [...progress.vectors] }),
      },
      promptTokensBound: this.#promptBound(progress),
      maxAmount: hold.amount,
      onEvent: event => {
        if (event.type === 'channel') askedAtMs = clock.nowMs()
        else if (event.type === 'accepted') {
          seen.promptTokens = event.promptTokens
          const { promptTokens: inputTokens, isEstimate } = event
          if (isEstimate !== true)
            hold.lower(costRoundedUp(choice.price, { inputTokens, outputTokens: maxTokens }))
        } else if (event.type === 'sealed') {
          seen.ttftMs ??= clock.nowMs() - askedAtMs
          onEvent({ ...event, open: idle.sealed(event) })
          return
        } else if (event.type === 'output') {
          const count = event.count ?? event.tokens.length
          if (count > 0) seen.ttftMs ??= clock.nowMs() - askedAtMs
          seen.outputTokens += count
        } else if (event.type === 'counted') {
          seen.promptTokens = event.promptTokens
          seen.outputTokens = event.outputTokens
        }
        onEvent(event)
      },
    }
    const run = async () => {
      const report = await venues[venue]!.run(order, cancel.signal)
      hold.settle(report.paid)
      this.#ended.set(attempt, {
        report,
        seen: { ...seen, totalMs: Math.max(0, clock.nowMs() - askedAtMs - idle.ms) },
      })
      return report
    }
    const attempt: RunningAttempt = {
      choice,
      number,
      // Nothing happens before the caller knows of the attempt.
      ended: Promise.resolve().then(run),
      get promptTokens() {
        return seen.promptTokens
      },
      cancel: () => cancel.abort(),
    }
    return attempt
  }

  /**
   * Tells those who learn how an ended attempt went.
   * @param otherwise what counts in place of how it ended: `disagreed`, others' answers were another one;
   *   `stalled`, it was let go before it was found to be dead
   */
  async judge(attempt: RunningAttempt, otherwise: 'disagreed' | 'stalled' | null = null): Promise<void> {
    const ended = this.#ended.get(attempt)
    if (ended === undefined) return
    const { router, breaker, reputation } = this.#modules
    const { candidate, decisionId } = attempt.choice
    const { provider, venue, model } = candidate
    const { outcome, paid } = ended.report
    breaker.observe(provider, model.model, otherwise === null ? circuitSignalOf(outcome) : 'failure')
    const status = otherwise === 'disagreed' ? 'failed' : (otherwise ?? statusOf(outcome))
    if (status !== null) router.observe({ decisionId, provider, status, paid, ...ended.seen })
    const result = otherwise ?? evidenceOf(outcome)
    if (venue !== 'peer' || result === null) return
    await reputation.observe(provider, { kind: 'task', result, pace: paceOf(model, ended.seen) })
  }

  /**
   * Tells what the comparison of answers says of those who made them: of those who agreed, where another of them is
   * proven (or our own engine), and of those who differed from such. Strangers that agree with each other prove nothing;
   * what this node's own model says does.
   * @param differed whoever did so as honest nodes do is not blamed for it
   * @param tokens agreed on
   */
  async compared(
    agreed: readonly RunningAttempt[],
    differed: readonly Differed[],
    tokens: number,
  ): Promise<void> {
    const { reputation, record } = this.#modules
    const isTrusted = ({ choice }: RunningAttempt) =>
      choice.candidate.venue === 'local' || reputation.isProven(choice.candidate.provider)
    const trusted = agreed.filter(isTrusted)
    const peersOf = (attempts: readonly RunningAttempt[]) =>
      attempts.flatMap(({ choice }) => (choice.candidate.venue === 'peer' ? [choice.candidate.provider] : []))
    const confirmed = peersOf(agreed.filter(attempt => trusted.some(other => other !== attempt)))
    const isContradicted = ({ divergence }: Differed) =>
      divergence === 'beyond' || (divergence === 'unknown' && trusted.length > 0)
    const contradicted = peersOf(differed.filter(isContradicted).map(({ attempt }) => attempt))
    if (tokens === 0 || confirmed.length + contradicted.length === 0) return
    const { taskId } = this.#options
    await record({
      ...{ kind: 'answers.compared', v: 1, taskId, agreed: confirmed, differed: contradicted, tokens },
    })
    for (const provider of confirmed) await reputation.observe(provider, { kind: 'comparison', agreed: true })
    for (const provider of contradicted)
      await reputation.observe(provider, { kind: 'comparison', agreed: false })
  }

  #worstCost(price: Choice['price'], progress: Progress): bigint {
    return costRoundedUp(price, {
      inputTokens: this.#promptBound(progress),
      outputTokens: this.#left(progress),
    })
  }

  #left(progress: Progress): number {
    return Math.max(1, this.#options.ask.maxTokens - progress.outputTokens)
  }

  /** What has come is read again as part of the prompt; each of its bytes could be a token. */
  #promptBound({ text, tokens }: Progress): number {
    return promptTokensBound(this.#options.ask.input) + Math.max(utf8Length(text), tokens.length)
  }
}

/** How long a replica had nothing to do but wait for others to seal what they make. */
class IdleTime {
  readonly #clock: Clock
  #closed = 0
  #hasEnded = false
  #sinceMs: number | null = null
  #ms = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get ms(): number {
    return this.#ms + (this.#sinceMs === null ? 0 : this.#clock.nowMs() - this.#sinceMs)
  }

  /** @returns how to open the window */
  sealed({ isLast, open }: SealedEvent): () => void {
    this.#closed++
    this.#hasEnded ||= isLast
    this.#note()
    return () => {
      this.#closed--
      this.#note()
      open()
    }
  }

  /** One window ahead it works on the next. */
  #note(): void {
    const isIdle = this.#closed > (this.#hasEnded ? 0 : 1)
    if (isIdle) this.#sinceMs ??= this.#clock.nowMs()
    else {
      this.#ms = this.ms
      this.#sinceMs = null
    }
  }
}

/** How quick it was against what its offer says: said ÷ taken time, 1 at most; null where that says nothing. */
function paceOf(model: ModelOffer, { ttftMs, totalMs, outputTokens }: Seen): number | null {
  if (ttftMs === null || model.tokensPerSecond === 0 || totalMs === 0) return null
  const saidMs = model.ttftMs + (outputTokens / model.tokensPerSecond) * 1_000
  return Math.min(1, saidMs / totalMs)
}
