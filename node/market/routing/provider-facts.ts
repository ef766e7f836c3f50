import type { ProviderId } from './candidate.ts'
import type { ReputationView } from './modules.ts'
import type { Tuning } from './strategies.ts'

/** How a provider stands in a decision. */
export const OPEN = 0
/** It has been tried, and does not count. */
export const EXCLUDED = 1
/** It has been looked at closely and counted as unfit. */
export const RULED_OUT = 2

/** Reputation is asked for anew after so long, and after every outcome. */
const FRESH_MS = 5_000
/** Providers whose age is looked at with each decision. */
const LOOKED_AT = 32
/** A way nobody has measured: across a continent. Our own engine has none; a service's is in its claim. */
const UNKNOWN_RTT_MS = 60
const RTT_STEP = 0.25
/** Trust in what the operator configured: nine of ten tasks go well, until its outcomes say otherwise. */
const OWN_GOOD = 9
const OWN_BAD = 1
/** Outcomes of services count less the more came after them. */
const OWN_FADE = 0.97
/** Nobody is trusted less than this: else one failure would end a provider. */
const MIN_RELIABILITY = 0.02

/** What the router knows of providers, in columns by the index's provider rows. */
export class ProviderFacts {
  /** Reliability to the power of the tuning's exponent; -1 for those that are not welcome. */
  weight = new Float64Array()
  reliability = new Float64Array()
  /** 0 to 100. */
  score = new Float64Array()
  /** 1 for those we hardly know. */
  newcomer = new Uint8Array()
  rttMs = new Float64Array()
  /** 1 where the round trip was measured. */
  isRttKnown = new Uint8Array()
  /** Tasks of ours that were given to it since it last told of its load. */
  unseen = new Float64Array()
  /** For the decision under way. */
  state = new Uint8Array()
  readonly #reputation: ReputationView
  readonly #ids: (ProviderId | null)[] = []
  #checkedAtMs = new Float64Array()
  /** Round trips and outcomes are kept for those that have rows. */
  readonly #own = new Map<ProviderId, { good: number; bad: number }>()
  #tuning: Tuning
  #cursor = 0

  constructor(modules: { reputation: ReputationView; tuning: Tuning }) {
    this.#reputation = modules.reputation
    this.#tuning = modules.tuning
  }

  resize(capacity: number): void {
    const grown = <T extends Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(column: T): T => {
      const larger = new (column.constructor as new (length: number) => T)(capacity)
      larger.set(column)
      return larger
    }
    this.weight = grown(this.weight)
    this.reliability = grown(this.reliability)
    this.score = grown(this.score)
    this.newcomer = grown(this.newcomer)
    this.rttMs = grown(this.rttMs)
    this.isRttKnown = grown(this.isRttKnown)
    this.unseen = grown(this.unseen)
    this.state = grown(this.state)
    this.#checkedAtMs = grown(this.#checkedAtMs)
  }

  add(row: number, id: ProviderId): void {
    this.#ids[row] = id
    this.rttMs[row] = isPeer(id) ? UNKNOWN_RTT_MS : 0
    this.isRttKnown[row] = isPeer(id) ? 0 : 1
    this.unseen[row] = 0
    this.state[row] = OPEN
    this.#checkedAtMs[row] = Number.NEGATIVE_INFINITY
    // Nobody is ranked before its reputation has been asked for.
    this.refresh(row, Number.NEGATIVE_INFINITY)
  }

  remove(row: number): void {
    const id = this.#ids[row]
    if (id !== undefined && id !== null) this.#own.delete(id)
    this.#ids[row] = null
  }

  setTuning(tuning: Tuning): void {
    this.#tuning = tuning
    for (const [row, id] of this.#ids.entries())
      if (id !== null) this.#checkedAtMs[row] = Number.NEGATIVE_INFINITY
  }

  /** Asks for the reputation of the next few providers, where it is old. */
  refreshSome(nowMs: number): void {
    for (let looked = Math.min(LOOKED_AT, this.#ids.length); looked > 0; looked--) {
      this.#cursor = (this.#cursor + 1) % this.#ids.length
      this.refreshIfOld(this.#cursor, nowMs)
    }
  }

  refreshIfOld(row: number, nowMs: number): void {
    if (nowMs - this.#checkedAtMs[row]! > FRESH_MS) this.refresh(row, nowMs)
  }

  /** Asks for a provider's reputation. */
  refresh(row: number, nowMs: number): void {
    const id = this.#ids[row]
    if (id === undefined || id === null) return
    this.#checkedAtMs[row] = nowMs
    if (isPeer(id)) {
      const { score, tasks } = this.#reputation.score(id)
      this.score[row] = score
      this.newcomer[row] = tasks < this.#tuning.newcomerTasks ? 1 : 0
      this.reliability[row] = Math.min(1, Math.max(MIN_RELIABILITY, this.#reputation.reliability(id)))
    } else {
      const { good, bad } = this.#own.get(id) ?? { good: 0, bad: 0 }
      this.score[row] = 100
      this.newcomer[row] = 0
      this.reliability[row] = (OWN_GOOD + good) / (OWN_GOOD + OWN_BAD + good + bad)
    }
    const isWelcome = !isPeer(id) || this.#reputation.isWelcome(id)
    this.weight[row] = isWelcome ? this.reliability[row]! ** this.#tuning.reliabilityExponent : -1
  }

  /** A task ended there: the reputation of peers is in other hands, that of our own is here. */
  observe(row: number, wentWell: boolean | null, nowMs: number): void {
    const id = this.#ids[row]
    if (id === undefined || id === null) return
    if (this.unseen[row]! > 0) this.unseen[row]!--
    if (!isPeer(id) && wentWell !== null) {
      const known = this.#own.get(id) ?? { good: 0, bad: 0 }
      this.#own.set(id, {
        good: known.good * OWN_FADE + (wentWell ? 1 : 0),
        bad: known.bad * OWN_FADE + (wentWell ? 0 : 1),
      })
    }
    this.refresh(row, nowMs)
    // What is observed elsewhere of the same outcome may come after this.
    this.#checkedAtMs[row] = Number.NEGATIVE_INFINITY
  }

  observeRoundTrip(row: number, rttMs: number): void {
    const before = this.rttMs[row]!
    this.rttMs[row] = this.isRttKnown[row] === 1 ? before + RTT_STEP * (rttMs - before) : rttMs
    this.isRttKnown[row] = 1
  }

  /** Has it asked for with the next decision it might matter to. */
  forget(row: number): void {
    this.#checkedAtMs[row] = Number.NEGATIVE_INFINITY
  }
}

/** Whether it is another node. */
export function isPeer(id: ProviderId): boolean {
  return id !== 'local' && !id.startsWith('cloud:')
}
