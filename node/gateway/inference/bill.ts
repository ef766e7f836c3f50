import { LinkedAbort } from '../../../inference/linked-abort.ts'
import { costRoundedUp, formatCredits, maxAmount, minAmount } from '../../../protocol/money.ts'
import type { Clock } from '../../clock.ts'
import type { ShoalNode } from '../../node.ts'
import type { AskOptions } from '../../tasks/ask.ts'
import { promptTokensBound } from '../../tasks/demand.ts'
import { TaskError } from '../../tasks/errors.ts'
import { GatewayError } from '../http/http-error.ts'
import { OWNER_TENANT } from '../http/principal.ts'
import type { Purse, Reservation } from '../http/purse.ts'
import type { ShoalOptions } from './canonical-request.ts'
import type { InferenceEvent, InferenceOptions, ShoalInfo } from './inference-service.ts'
import { SpendMeter, withMarkup, withoutMarkup } from './spend-meter.ts'

/** A task without its cap. */
export type UncappedAsk = Omit<AskOptions, 'maxPrice'>

export interface BillOptions extends InferenceOptions {
  /** Tasks that the request takes, side by side or one after the other. */
  asks: readonly UncappedAsk[]
  shoal: Pick<ShoalOptions, 'maxPrice'>
}

export interface BillModules {
  node: ShoalNode
  clock: Clock
  /** Fires when the gateway stops. */
  stopping: AbortSignal
}

/** Whoever is worth asking is among so many. */
const QUOTED_CANDIDATES = 8
/** A payer that owes is waited for so long; providers wait for us a little longer. */
const PAYMENT_WAIT_MS = 10_000

/** What one request costs whoever pays for it, over all of its tasks: set aside before they begin, paid as they go on, settled at the end. */
export class Bill {
  /** Base units the request may cost, the markup included; null for no limit but the node's own. */
  readonly #limit: bigint | null
  readonly #markup: number
  readonly #purse: Purse
  readonly #reservation: Reservation
  readonly #meter: SpendMeter
  readonly #end: LinkedAbort
  #isUnpaid = false
  readonly #clock: Clock
  readonly #onEvent: InferenceOptions['onEvent']

  private constructor(
    options: Pick<BillOptions, 'purse' | 'onEvent'> & {
      limit: bigint | null
      markup: number
    },
    modules: { end: LinkedAbort; reservation: Reservation; meter: SpendMeter; clock: Clock },
  ) {
    this.#limit = options.limit
    this.#markup = options.markup
    this.#purse = options.purse
    this.#onEvent = options.onEvent
    this.#reservation = modules.reservation
    this.#meter = modules.meter
    this.#clock = modules.clock
    this.#end = modules.end
  }

  /**
   * Sets aside what a request can cost: what it names itself, else the most that those cost who are likeliest to do it.
   * @throws {GatewayError} PAYMENT_REQUIRED, BUDGET_EXCEEDED
   * @throws {TaskError} TOO_EXPENSIVE
   */
  static async open(options: BillOptions, modules: BillModules): Promise<Bill> {
    const { asks, principal, purse, shoal, onEvent } = options
    const { node, stopping, clock } = modules
    const isOwner = principal.tenant === OWNER_TENANT
    const markup = isOwner ? 0 : node.config['gateway.markup']
    const wanted = smallest(shoal.maxPrice, principal.policy.maxPricePerRequest)
    const cap = wanted ?? (purse.isUnmetered ? null : quote(asks, markup, node))
    if (wanted !== null && !isOwner) refuseBelowOwnPrice(asks, withoutMarkup(wanted, markup), node)
    const end = new LinkedAbort(options.signal, stopping)
    const reservation = await purse.reserve(cap ?? 0n, { signal: end.signal }).catch((error: unknown) => {
      end.unlink()
      throw error
    })
    const limit = cap === null ? null : minAmount(cap, purse.isUnmetered ? cap : reservation.limit)
    const ownPrice = isOwner ? null : (id: string) => node.parts.desk.pricing.terms(id)
    const meter = new SpendMeter({ markup, ownPrice })
    return new Bill({ purse, onEvent, limit, markup }, { end, reservation, meter, clock })
  }

  /** Fires when nothing more is to be made: the client is gone, the gateway stops, or nobody pays. */
  get signal(): AbortSignal {
    return this.#end.signal
  }

  /** Base units so far. */
  get total(): bigint {
    return this.#meter.total
  }

  /** Whether it was stopped because nobody paid. */
  get isUnpaid(): boolean {
    return this.#isUnpaid
  }

  /** What tasks may still cost together, base units to whoever does them; null for no limit. */
  get left(): bigint | null {
    if (this.#limit === null) return null
    return withoutMarkup(maxAmount(0n, this.#limit - this.total), this.#markup)
  }

  /** See `AskOptions.cover`. @param task its place among `asks` */
  coverOf(task: number): NonNullable<AskOptions['cover']> {
    return spending => {
      this.#meter.spending(task, spending)
      const { total } = this
      this.#onEvent(task, { type: 'cost', amount: total })
      if (this.#purse.isUnmetered === true || this.signal.aborted) return
      if (this.#limit === null || total <= this.#limit)
        return this.#covered(total).catch(() => this.#giveUp())
      this.#giveUp()
      return
    }
  }

  /** An event as the payer is told it: the price is the one that is billed here. */
  told(event: InferenceEvent): InferenceEvent {
    if (event.type !== 'provider') return event
    return {
      ...event,
      pricePerMillion: this.#meter.price(event.provider, event.model, event.pricePerMillion),
    }
  }

  /** A task has ended, having cost the node so much. */
  paid(task: number, amount: bigint): void {
    this.#meter.paid(task, amount)
  }

  /** All has come: the payer is asked for the rest. */
  async ask(): Promise<void> {
    if (this.#purse.isUnmetered !== true) await this.#reservation.spent(this.total).catch(() => {})
  }

  /** Ends it at what it came to. Idempotent. */
  async settle(): Promise<void> {
    this.#end.unlink()
    await this.#reservation.settle(this.#limit === null ? this.total : minAmount(this.total, this.#limit))
  }

  /** Settles it, and says with the result what became of a payment that the request brought. */
  async settled<T extends { shoal: ShoalInfo }>(result: T): Promise<T> {
    await this.settle()
    const payment = this.#reservation.statement?.() ?? null
    return payment === null ? result : { ...result, shoal: { ...result.shoal, payment } }
  }

  /** Nobody pays. */
  #giveUp(): void {
    this.#isUnpaid = true
    this.#end.abort()
  }

  /** @throws whatever `spent` throws, or when it takes too long */
  async #covered(total: bigint): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(
      () => reject(new GatewayError('PAYMENT_REQUIRED', 'nothing more has been paid')),
      PAYMENT_WAIT_MS,
    )
    const gone = Promise.withResolvers<void>()
    const onGone = () => gone.resolve()
    this.signal.addEventListener('abort', onGone, { once: true })
    try {
      await Promise.race([this.#reservation.spent(total), late, gone.promise])
    } finally {
      timer.cancel()
      this.signal.removeEventListener('abort', onGone)
    }
  }
}

/** Choices of one request are the same task: each is worked out once. */
function sumOf(asks: readonly UncappedAsk[], costOf: (ask: UncappedAsk) => bigint): bigint {
  const costs = new Map<UncappedAsk, bigint>()
  let sum = 0n
  for (const ask of asks) {
    const cost = costs.get(ask) ?? costOf(ask)
    costs.set(ask, cost)
    sum += cost
  }
  return sum
}

/** The most that tasks can cost at those who are likeliest to do them, base units. */
function quote(asks: readonly UncappedAsk[], markup: number, node: ShoalNode): bigint {
  return withMarkup(
    sumOf(asks, ask => quoteOf(ask, node)),
    BigInt(Math.round(markup * 1_000)),
  )
}

function quoteOf(ask: UncappedAsk, node: ShoalNode): bigint {
  const { candidates } = node.trade.requester.rank({ ...ask, maxPrice: null })
  let worst = 0n
  for (const { prediction, provider, model } of candidates.slice(0, QUOTED_CANDIDATES)) {
    worst = maxAmount(worst, prediction.worstCost)
    if (provider !== 'local') continue
    const own = node.parts.desk.pricing.terms(model.model)
    const { input } = ask
    // Texts to embed are read one by one: together they may be longer than a context.
    const inputTokens = input.kind === 'embedding' ? promptTokensBound(input) : model.contextTokens
    const cost = own.inputPerMillion * BigInt(inputTokens) + own.outputPerMillion * BigInt(ask.maxTokens)
    worst = maxAmount(worst, cost / 1_000_000n + 1n)
  }
  return worst
}

/**
 * Routing takes the own engine for what it costs the owner, often nothing. Whoever pays for it by our price must be able
 * to, as at any peer: else a tiny limit would buy a prompt's work and a first token.
 * @throws {TaskError} TOO_EXPENSIVE
 */
function refuseBelowOwnPrice(asks: readonly UncappedAsk[], limit: bigint, node: ShoalNode): void {
  const worst = sumOf(asks, ask => {
    const { candidates } = node.trade.requester.rank({ ...ask, maxPrice: null })
    const own = candidates.find(({ provider }) => provider === 'local')
    if (own === undefined) return 0n
    return costRoundedUp(node.parts.desk.pricing.terms(own.model.model), {
      inputTokens: promptTokensBound(ask.input),
      outputTokens: ask.input.kind === 'embedding' ? 0 : ask.maxTokens,
    })
  })
  if (worst <= limit) return
  throw new TaskError('TOO_EXPENSIVE', `nobody does this for ${formatCredits(limit)} credits`, {
    fix: 'Allow a higher price, or ask for fewer tokens.',
    details: { needed: formatCredits(worst) },
  })
}

/** The smaller of two limits; null for no limit. */
export function smallest(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null) return b
  return b === null ? a : minAmount(a, b)
}
