import { costRoundedUp } from '../../protocol/money.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import { type Clearance, ClearanceError, type Cleared } from '../market/clearance.ts'
import type { Candidate, ProviderId } from '../market/routing/candidate.ts'
import type { ClearedEngine } from '../market/venues/cleared-engine.ts'
import type { CloudSpending, SpendingReservation } from '../payments/cloud-spending.ts'
import { PaymentError } from '../payments/errors.ts'
import { EngineAttempt, type EngineAttemptModules } from './engine-attempt.ts'
import type { EngineTask } from './engine-task.ts'
import { owedFor } from './metering.ts'
import { remainingInput } from './remaining-input.ts'
import type { AttemptOrder, AttemptReport, TryOutcome, Venue } from './venue.ts'

export interface EngineVenueOptions {
  stallTimeoutMs: number
}

export interface EngineVenueModules {
  /** Null where there is none any more. */
  engineOf: (provider: ProviderId) => ClearedEngine | null
  clearance: Clearance
  /** Null where nobody bills: on this machine. */
  spending: CloudSpending | null
  clock: Clock
  log: Logger
}

/** Attempts on engines that this node may use without a channel: its own, and those of cloud services. */
export class EngineVenue implements Venue {
  readonly #options: EngineVenueOptions
  readonly #modules: EngineVenueModules

  constructor(options: EngineVenueOptions, modules: EngineVenueModules) {
    this.#options = options
    this.#modules = modules
  }

  isReady({ provider }: Candidate): boolean {
    return this.#modules.engineOf(provider) !== null
  }

  async prepare(candidate: Candidate): Promise<boolean> {
    return this.isReady(candidate)
  }

  async run(order: AttemptOrder, signal: AbortSignal): Promise<AttemptReport> {
    const { clearance, engineOf, spending } = this.#modules
    const { candidate, price } = order.choice
    const engine = engineOf(candidate.provider)
    if (engine === null) return free({ kind: 'refused', code: 'not_serving', message: 'it is gone' })
    let task: Cleared<EngineTask>
    try {
      task = clearance.clear(engineTask(order), candidate)
    } catch (error) {
      if (!(error instanceof ClearanceError)) throw error
      return free({ kind: 'refused', code: 'data_class', message: error.message })
    }
    const attempt = new EngineAttempt(
      { task, stallTimeoutMs: this.#options.stallTimeoutMs, expected: candidate.prediction },
      {
        ...{ engine, clock: this.#modules.clock, log: this.#modules.log, onEvent: order.onEvent },
        ...coverOf(order, spending === null),
      },
    )
    if (spending === null) return free(await attempt.run(signal))
    // A service is not stopped in time by what it has counted: the whole must fit beforehand.
    const { promptTokensBound: inputTokens, maxTokens: outputTokens } = order
    const worst = costRoundedUp(price, { inputTokens, outputTokens })
    if (worst > order.maxAmount) return free({ kind: 'failed', why: 'too_expensive' })
    let reservation: SpendingReservation
    try {
      reservation = await spending.reserve(worst, `${order.taskId}:${order.attempt}`)
    } catch (error) {
      if (!(error instanceof PaymentError)) throw error
      return { ...free({ kind: 'failed', why: 'unfunded' }), unfunded: error }
    }
    let paid = worst
    try {
      const outcome = await attempt.run(signal)
      paid = this.#billed(attempt, order, worst)
      return { outcome, paid }
    } finally {
      await reservation.settle(paid)
    }
  }

  /** What an attempt has cost so far, within what was set aside for it. */
  #billed(attempt: EngineAttempt, { choice }: AttemptOrder, worst: bigint): bigint {
    const { usage } = attempt
    const billed = owedFor(choice.price, usage)
    if (billed <= worst) return billed
    this.#modules.log.warn(
      { provider: choice.candidate.provider, ...usage },
      'a cloud service counted more tokens than a task can have had',
    )
    return worst
  }
}

function coverOf(
  { ask, attempt, choice }: AttemptOrder,
  isFree: boolean,
): Pick<EngineAttemptModules, 'cover'> {
  const { cover } = ask
  if (cover === undefined) return {}
  const { candidate, price } = choice
  const at = { attempt, provider: candidate.provider, model: candidate.model.model }
  return { cover: usage => cover({ ...at, ...usage, amount: isFree ? 0n : owedFor(price, usage) }) }
}

function free(outcome: TryOutcome): AttemptReport {
  return { outcome, paid: 0n }
}

function engineTask({ taskId, ask, choice, progress, maxTokens }: AttemptOrder): EngineTask {
  const { input, sampling, stop, jsonSchema, logprobs, preferences } = ask
  const { model } = choice.candidate.model
  const { text, tokens } = progress
  const hasOutput = text !== '' || tokens.length > 0
  return {
    taskId,
    dataClass: preferences.dataClass,
    model,
    input: remainingInput(input, progress),
    continuation: hasOutput ? { text, tokens: progress.model === model ? [...tokens] : [] } : null,
    maxTokens,
    sampling,
    stop,
    jsonSchema,
    ...(logprobs === undefined ? {} : { logprobs }),
  }
}
