import type { ModelId } from '../../protocol/ids.ts'
import type { PriceReason } from '../../protocol/messages/offer.ts'
import { maxAmount, minAmount, type TokenPrice } from '../../protocol/money.ts'
import type { CapacityMode } from '../../protocol/sla-class.ts'
import { type Clock, repeat, type Timer } from '../clock.ts'
import type { PriceSource } from './price-source.ts'

/** How busy a model is at this moment. */
export interface ModelLoad {
  slots: number
  /** Slots that tasks hold. */
  busy: number
  /** Tasks that wait for a slot. */
  queued: number
}

export interface LoadSource {
  /** Models that can be asked for now. */
  models(): readonly ModelId[]
  /** Null for a model that is not among them. */
  load(model: ModelId): ModelLoad | null
  /** Called after each change. @returns ends the calls */
  onChange(listener: () => void): () => void
}

type PriceTerms = ReturnType<PriceSource['terms']>

export interface DemandPricingOptions {
  /** The operator's own price of a model. */
  base: (model: ModelId) => TokenPrice
  /** Whether prices follow demand; else they stay at the base. */
  dynamic: boolean
  /** Bounds of the multiplier, percent; within 50 and 200. */
  floorPercent: number
  ceilingPercent: number
  /** How much less than on demand spot costs, percent; 0 offers none. */
  spotDiscountPercent: number
  spotNoticeMs: number
  /** Time constant of the average of the load. */
  averageOverMs: number
}

/** What tokens are paid for: prompts read and answers written differ in what they use up. */
const OPERATIONS = ['input', 'output'] as const
export type Operation = (typeof OPERATIONS)[number]

/**
 * How much the slots held and the tasks waiting count for an operation. An answer holds its slot while it is
 * written, so output follows the slots; what waits are prompts, so input follows the queue.
 */
const WEIGHTS: Record<Operation, { busy: number; queue: number }> = {
  input: { busy: 0.5, queue: 0.5 },
  output: { busy: 0.75, queue: 0.25 },
}

/** Multipliers in thousandths, four equal ratios to a doubling: few prices, so few updates to gossip. */
const STEPS_PER_DOUBLING = 4
const LADDER = [500n, 595n, 707n, 841n, 1_000n, 1_189n, 1_414n, 1_682n, 2_000n] as const
const ONE = 1_000n
/** A price moves when the load is so many steps away from it, and then no nearer than that. */
const BACKLASH_STEPS = 0.75
/** A price holds at least so long. */
export const REVIEW_EVERY_MS = 30_000
/** Not every change of a load is told: it is looked at so often as well. */
const LOOK_EVERY_MS = 5_000

/** One operation of one model. */
interface Controller {
  /** Average pressure, 0 to 1. */
  average: number
  /** Steps above the base; negative below. */
  step: number
}

/**
 * How much an operation is in demand, 0 to 1; a half is neutral. Rises with the slots held and with the
 * queue, which counts in full when it is as long as there are slots.
 */
export function pressureOf(operation: Operation, load: ModelLoad): number {
  const { busy, queue } = WEIGHTS[operation]
  const slots = Math.max(1, load.slots)
  return busy * Math.min(1, load.busy / slots) + queue * Math.min(1, load.queued / slots)
}

/** Steps above the base at a pressure: −4 where nobody asks, 0 at a half, 4 where as many wait as are served. */
export function stepsAt(pressure: number): number {
  return 2 * STEPS_PER_DOUBLING * (Math.min(1, Math.max(0, pressure)) - 0.5)
}

/**
 * The next step of a price whose load asks for `wanted`, by the play operator of hysteresis (Krasnosel'skii
 * and Pokrovskii, Systems with Hysteresis, 1989): it follows at a distance, so it does not turn around
 * unless the load does by more than the width. Monotonic in both arguments.
 */
export function nextStep(step: number, wanted: number): number {
  const lowest = Math.ceil(wanted - BACKLASH_STEPS)
  const highest = Math.floor(wanted + BACKLASH_STEPS)
  return Math.min(highest, Math.max(lowest, step))
}

/**
 * Prices that follow the provider's own load: base × a multiplier in [0.5, 2]. The load is averaged
 * exponentially over time (for samples at any times: Eckner, Algorithms for Unevenly Spaced Time Series,
 * 2014, EMA of the last value) and reviewed at fixed times, so that with more load at every moment no price
 * is ever lower, and none changes oftener than that.
 */
export class DemandPricing implements PriceSource {
  readonly #options: DemandPricingOptions
  readonly #load: LoadSource
  readonly #clock: Clock
  readonly #controllers = new Map<ModelId, Record<Operation, Controller>>()
  /** Load since `#atMs`. */
  #loads = new Map<ModelId, ModelLoad>()
  #atMs: number
  readonly #listeners = new Set<() => void>()
  #review: Timer | null = null
  #unsubscribe: (() => void) | null = null

  constructor(options: DemandPricingOptions, modules: { load: LoadSource; clock: Clock }) {
    this.#options = options
    this.#load = modules.load
    this.#clock = modules.clock
    this.#atMs = modules.clock.nowMs()
  }

  start(): void {
    this.#unsubscribe = this.#load.onChange(() => this.#loadChanged())
    this.#loadChanged()
    let looks = 0
    this.#review = repeat(this.#clock, LOOK_EVERY_MS, async () => {
      this.#loadChanged()
      if (this.#options.dynamic && ++looks % (REVIEW_EVERY_MS / LOOK_EVERY_MS) === 0) this.#reviewAll()
    })
  }

  /** Idempotent. */
  stop(): void {
    this.#unsubscribe?.()
    this.#review?.cancel()
    this.#listeners.clear()
  }

  terms(model: ModelId): PriceTerms {
    const price = this.#priced(model, operation => this.multiplier(model, operation))
    return { ...price, spot: this.#hasFreeSlot(model) ? this.#spot(price) : null }
  }

  reason(): PriceReason {
    const steps = [...this.#controllers.values()].flatMap(({ input, output }) => [output.step, input.step])
    if (steps.some(step => step > 0)) return 'demand'
    return steps.some(step => step < 0) ? 'idle' : 'base'
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** In thousandths. */
  multiplier(model: ModelId, operation: Operation): bigint {
    return this.#bounded(LADDER[(this.#controllers.get(model)?.[operation].step ?? 0) + STEPS_PER_DOUBLING]!)
  }

  /**
   * What a task is worth doing for at this moment: what is offered, or less in proportion where the load of
   * now asks for less than its average; never less than the floor. Null where the mode is not to be had.
   */
  bidTerms(model: ModelId, mode: CapacityMode): TokenPrice | null {
    const load = this.#load.load(model)
    if (load === null || load.busy >= load.slots) return null
    const listed = this.terms(model)
    const share = this.#options.dynamic ? this.#shareAt(model, load) : ONE
    const price = mode === 'spot' ? listed.spot : listed
    return price === null ? null : timesShare(price, share)
  }

  /** How much of the offered price a bid is, thousandths: the same for both sides, and for neither below the floor. */
  #shareAt(model: ModelId, load: ModelLoad): bigint {
    const shares = OPERATIONS.map(operation => {
      const exact = Math.round(1_000 * 2 ** (stepsAt(pressureOf(operation, load)) / STEPS_PER_DOUBLING))
      const offered = this.multiplier(model, operation)
      return (this.#bounded(BigInt(exact)) * ONE + offered - 1n) / offered
    })
    return minAmount(ONE, shares.reduce(maxAmount))
  }

  #bounded(multiplier: bigint): bigint {
    const { floorPercent, ceilingPercent } = this.#options
    return minAmount(BigInt(ceilingPercent) * 10n, maxAmount(BigInt(floorPercent) * 10n, multiplier))
  }

  #priced(model: ModelId, multiplier: (operation: Operation) => bigint): TokenPrice {
    const { inputPerMillion, outputPerMillion } = this.#options.base(model)
    return {
      inputPerMillion: timesRoundedUp(inputPerMillion, multiplier('input')),
      outputPerMillion: timesRoundedUp(outputPerMillion, multiplier('output')),
    }
  }

  #spot(price: TokenPrice): PriceTerms['spot'] {
    const { spotDiscountPercent, spotNoticeMs } = this.#options
    if (spotDiscountPercent === 0) return null
    return { ...timesShare(price, BigInt(100 - spotDiscountPercent) * 10n), noticeMs: spotNoticeMs }
  }

  #hasFreeSlot(model: ModelId): boolean {
    const load = this.#load.load(model)
    return load !== null && load.busy < load.slots
  }

  #loadChanged(): void {
    this.#integrate()
    const before = this.#loads
    this.#loads = new Map()
    for (const model of this.#load.models()) {
      const load = this.#load.load(model)
      if (load === null) continue
      this.#loads.set(model, load)
      if (!this.#controllers.has(model)) {
        const neutral = () => ({ average: 0.5, step: 0 })
        this.#controllers.set(model, { input: neutral(), output: neutral() })
      }
    }
    for (const model of this.#controllers.keys()) if (!this.#loads.has(model)) this.#controllers.delete(model)
    const isFree = (load: ModelLoad | undefined) => load !== undefined && load.busy < load.slots
    const models = new Set([...before.keys(), ...this.#loads.keys()])
    if ([...models].some(model => isFree(before.get(model)) !== isFree(this.#loads.get(model)))) this.#tell()
  }

  /** Brings the averages up to now: over a time t at pressure p, a = p + (a − p)·e^(−t/τ). */
  #integrate(): void {
    const nowMs = this.#clock.nowMs()
    const kept = Math.exp(-Math.max(0, nowMs - this.#atMs) / this.#options.averageOverMs)
    this.#atMs = nowMs
    for (const [model, load] of this.#loads) {
      const controllers = this.#controllers.get(model)!
      for (const operation of OPERATIONS) {
        const pressure = pressureOf(operation, load)
        const controller = controllers[operation]
        controller.average = pressure + (controller.average - pressure) * kept
      }
    }
  }

  #reviewAll(): void {
    let changed = false
    for (const controllers of this.#controllers.values()) {
      for (const operation of OPERATIONS) {
        const controller = controllers[operation]
        const step = nextStep(controller.step, stepsAt(controller.average))
        if (step === controller.step) continue
        controller.step = step
        changed = true
      }
    }
    if (changed) this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

function timesShare({ inputPerMillion, outputPerMillion }: TokenPrice, thousandths: bigint): TokenPrice {
  return {
    inputPerMillion: timesRoundedUp(inputPerMillion, thousandths),
    outputPerMillion: timesRoundedUp(outputPerMillion, thousandths),
  }
}

function timesRoundedUp(amount: bigint, thousandths: bigint): bigint {
  return (amount * thousandths + ONE - 1n) / ONE
}
