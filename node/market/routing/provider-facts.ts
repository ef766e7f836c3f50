import { STRANGER_KINDS } from '../../trust/evidence.ts'
import { strangerKindOf } from '../../trust/honesty.ts'
import type { ProviderId } from './candidate.ts'
import type { ReputationView } from './modules.ts'
import type { Tuning } from './strategies.ts'

/** A ceiling nobody has asked for: above all there are, so that nothing is ruled out by it. */
export const UNKNOWN_CEILING = 127
/** Of those our rules let nothing go to. */
export const NO_CEILING = -1

/** Reputation is asked for anew after so long, and after every outcome. */
const FRESH_MS = 5_000
/** What was looked up of stake and data class is looked up anew after so long. */
const LOOKED_UP_MS = 60_000
/** Providers whose age is looked at with each decision. */
const LOOKED_AT = 16
/** A way nobody has measured: across a continent. Our own engine has none; a service's is in its claim. */
const UNKNOWN_RTT_MS = 60
const RTT_STEP = 0.25
/** Trust in what the operator configured: nine of ten tasks go well, until its outcomes say otherwise. */
const OWN_GOOD = 9
const OWN_BAD = 1
/** Outcomes of services count less the more came after them. */
const OWN_FADE = 0.97
/** Nobody is so sure to be honest that nothing else counted. */
const LEAST_DOUBT = 1e-3
/** Nobody is trusted less than this: else one failure would end a provider. */
const MIN_RELIABILITY = 0.02

/** What the router knows of providers, in columns by the index's provider rows. */
export class ProviderFacts {
  /**
   * Of those that are proven: reliability to the power of the tuning's exponent. Of newcomers: the square of the odds
   * that they are honest. -1 for those that are not welcome.
   */
  trust = new Float64Array()
  reliability = new Float64Array()
  /** 0 to 100. */
  score = new Float64Array()
  /** 0 for those that are proven. The others are tried out, not ranked: 1 more than the place of their kind in STRANGER_KINDS. */
  newcomer = new Uint8Array()
  /** Tasks of ours it has, and should have at once at most. */
  inFlight = new Float64Array()
  atOnce = new Float64Array()
  rttMs = new Float64Array()
  /** 1 where the round trip was measured. */
  isRttKnown = new Uint8Array()
  /** Tasks of ours that were given to it since it last told of its load. */
  unseen = new Float64Array()
  /** Place in DATA_CLASSES of what our rules let go there; UNKNOWN_CEILING until somebody needed to know. */
  ceiling = new Int8Array()
  /** Credits at stake as the chain says; NaN until somebody needed to know. */
  stake = new Float64Array()
  readonly #reputation: ReputationView
  readonly #onChanged: (row: number) => void
  readonly #ids: (ProviderId | null)[] = []
  #checkedAtMs = new Float64Array()
  #lookedUpAtMs = new Float64Array()
  /** Outcomes of our own engine and of services. */
  readonly #own = new Map<ProviderId, { good: number; bad: number }>()
  #tuning: Tuning
  #cursor = 0
  /** Scores take longest to work out, and only floors need them. */
  #wantsScores = false

  /** @param modules.onChanged called with the provider row whose facts have changed */
  constructor(
    options: { tuning: Tuning },
    modules: { reputation: ReputationView; onChanged: (row: number) => void },
  ) {
    this.#tuning = options.tuning
    this.#reputation = modules.reputation
    this.#onChanged = modules.onChanged
  }

  resize(capacity: number): void {
    const floats = (column: Float64Array) => {
      const larger = new Float64Array(capacity)
      larger.set(column)
      return larger
    }
    const bytes = <T extends Uint8Array | Int8Array>(column: T, larger: T): T => {
      larger.set(column)
      return larger
    }
    this.trust = floats(this.trust)
    this.reliability = floats(this.reliability)
    this.score = floats(this.score)
    this.newcomer = bytes(this.newcomer, new Uint8Array(capacity))
    this.inFlight = floats(this.inFlight)
    this.atOnce = floats(this.atOnce)
    this.rttMs = floats(this.rttMs)
    this.isRttKnown = bytes(this.isRttKnown, new Uint8Array(capacity))
    this.unseen = floats(this.unseen)
    this.ceiling = bytes(this.ceiling, new Int8Array(capacity))
    this.stake = floats(this.stake)
    this.#checkedAtMs = floats(this.#checkedAtMs)
    this.#lookedUpAtMs = floats(this.#lookedUpAtMs)
  }

  add(row: number, id: ProviderId): void {
    this.#ids[row] = id
    this.rttMs[row] = isPeer(id) ? UNKNOWN_RTT_MS : 0
    this.isRttKnown[row] = isPeer(id) ? 0 : 1
    this.unseen[row] = 0
    this.inFlight[row] = 0
    this.#forgetLookedUp(row)
    // Nobody is ranked before its reputation has been asked for, and whoever is chosen is asked for again.
    this.#ask(row, id)
    this.#checkedAtMs[row] = Number.NEGATIVE_INFINITY
  }

  remove(row: number): void {
    const id = this.#ids[row]
    if (id !== undefined && id !== null) this.#own.delete(id)
    this.#ids[row] = null
  }

  setTuning(tuning: Tuning, nowMs: number): void {
    this.#tuning = tuning
    for (const row of this.#ids.keys()) this.#refresh(row, nowMs)
  }

  /** Asks for the reputation of the next few providers, where it is old. */
  refreshSome(nowMs: number): void {
    for (let looked = Math.min(LOOKED_AT, this.#ids.length); looked > 0; looked--) {
      this.#cursor = (this.#cursor + 1) % this.#ids.length
      this.refreshIfOld(this.#cursor, nowMs)
    }
  }

  refreshIfOld(row: number, nowMs: number): void {
    if (nowMs - this.#lookedUpAtMs[row]! > LOOKED_UP_MS) this.forget(row, nowMs)
    else if (nowMs - this.#checkedAtMs[row]! > FRESH_MS) this.#refresh(row, nowMs)
  }

  /** Scores are asked for from now on: a demand sets a floor. */
  wantScores(nowMs: number): void {
    if (this.#wantsScores) return
    this.#wantsScores = true
    for (const row of this.#ids.keys()) this.#refresh(row, nowMs)
  }

  /** Keeps what was looked up of a provider: place in DATA_CLASSES; credits, or NaN where nobody asked for them. */
  lookedUp(row: number, what: { ceiling: number; stake: number }, nowMs: number): void {
    const stake = Number.isNaN(what.stake) ? this.stake[row]! : what.stake
    if (this.ceiling[row] === what.ceiling && Object.is(this.stake[row], stake)) return
    this.ceiling[row] = what.ceiling
    this.stake[row] = stake
    this.#lookedUpAtMs[row] = nowMs
    this.#onChanged(row)
  }

  /** So many more tasks of ours are there, and its load does not show it. */
  begin(row: number): void {
    this.unseen[row]!++
    this.inFlight[row]!++
    this.#onChanged(row)
  }

  /** A task ended there: the reputation of peers is in other hands, that of our own is here. */
  observe(row: number, wentWell: boolean | null, nowMs: number): void {
    const id = this.#ids[row]
    if (id === undefined || id === null) return
    if (this.unseen[row]! > 0) this.unseen[row]!--
    if (this.inFlight[row]! > 0) this.inFlight[row]!--
    if (!isPeer(id) && wentWell !== null) {
      const known = this.#own.get(id) ?? { good: 0, bad: 0 }
      this.#own.set(id, {
        good: known.good * OWN_FADE + (wentWell ? 1 : 0),
        bad: known.bad * OWN_FADE + (wentWell ? 0 : 1),
      })
    }
    this.#refresh(row, nowMs)
    // What is observed elsewhere of the same outcome may come after this.
    this.#checkedAtMs[row] = Number.NEGATIVE_INFINITY
  }

  observeRoundTrip(row: number, rttMs: number): void {
    const before = this.rttMs[row]!
    this.rttMs[row] = this.isRttKnown[row] === 1 ? before + RTT_STEP * (rttMs - before) : rttMs
    this.isRttKnown[row] = 1
    this.#onChanged(row)
  }

  /** What others told of it has changed. */
  forget(row: number, nowMs: number): void {
    this.#forgetLookedUp(row)
    this.#refresh(row, nowMs)
  }

  #refresh(row: number, nowMs: number): void {
    const id = this.#ids[row]
    if (id === undefined || id === null) return
    this.#ask(row, id)
    this.#checkedAtMs[row] = nowMs
    this.#onChanged(row)
  }

  #ask(row: number, id: ProviderId): void {
    let isWelcome = true
    let odds = 1
    if (isPeer(id)) {
      const { standing, hasStake = false, prospect, tasksAtOnce } = this.#reputation.honesty(id)
      if (this.#wantsScores) this.score[row] = this.#reputation.score(id).score
      const kind = STRANGER_KINDS.indexOf(strangerKindOf({ standing, hasStake }))
      this.newcomer[row] = standing === 'proven' ? 0 : 1 + kind
      this.atOnce[row] = tasksAtOnce
      odds = prospect / Math.max(1 - prospect, LEAST_DOUBT)
      isWelcome = standing !== 'caught' && this.#reputation.isWelcome(id)
      // Of a stranger it is not known whether its answer is what it says.
      const honest = standing === 'proven' ? 1 : prospect
      this.reliability[row] = Math.min(
        1,
        Math.max(MIN_RELIABILITY, this.#reputation.reliability(id) * honest),
      )
    } else {
      const { good, bad } = this.#own.get(id) ?? { good: 0, bad: 0 }
      this.score[row] = 100
      this.newcomer[row] = 0
      this.atOnce[row] = Number.POSITIVE_INFINITY
      this.reliability[row] = (OWN_GOOD + good) / (OWN_GOOD + OWN_BAD + good + bad)
    }
    const trust =
      this.newcomer[row]! > 0 ? odds * odds : this.reliability[row]! ** this.#tuning.reliabilityExponent
    this.trust[row] = isWelcome ? trust : -1
  }

  #forgetLookedUp(row: number): void {
    this.ceiling[row] = UNKNOWN_CEILING
    this.stake[row] = Number.NaN
    this.#lookedUpAtMs[row] = Number.POSITIVE_INFINITY
  }
}

/** Whether it is another node. */
export function isPeer(id: ProviderId): boolean {
  return id !== 'local' && !id.startsWith('cloud:')
}
