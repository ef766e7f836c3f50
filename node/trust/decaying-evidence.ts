/** Half-lives that are kept apart: what is older weighs less than a billionth. */
const WINDOW = 32
/** Integer units of a weight of 1 at the beginning of its half-life; up to twice as many at its end. */
const UNITS = 2 ** 20
const STRIDE = 3

/** What is kept of it: triples of half-life's number, good units and bad units, ascending. */
export type DecayingState = readonly number[]

/**
 * Good and bad evidence that halves every half-life. A weight is brought forward to the end of the half-life it
 * falls in (forward decay: Cormode et al., "Forward Decay", ICDE 2009) as a whole number of units, and units of
 * the same half-life are added: integers, so that the sum is exact and no order of arrival changes a bit of it.
 */
export class DecayingEvidence {
  readonly #halfLifeMs: number
  #state: number[]

  /** @param state as `state` gave it */
  constructor(options: { halfLifeMs: number; state?: DecayingState }) {
    this.#halfLifeMs = options.halfLifeMs
    this.#state = options.state === undefined ? [] : [...options.state]
  }

  /** Adds weights seen at a time, ms since the Unix epoch. */
  add(good: number, bad: number, atMs: number): void {
    const halfLives = atMs / this.#halfLifeMs
    const index = Math.floor(halfLives)
    const scale = UNITS * 2 ** (halfLives - index)
    const at = this.#placeOf(index)
    if (at < 0) return
    this.#state[at + 1]! += Math.round(good * scale)
    this.#state[at + 2]! += Math.round(bad * scale)
  }

  /** Good weight at a time, which must not lie before what was added. */
  good(nowMs: number): number {
    return this.#sum(1, nowMs)
  }

  bad(nowMs: number): number {
    return this.#sum(2, nowMs)
  }

  /** Whether there is any bad weight, however faded. */
  get hasBad(): boolean {
    for (let at = 2; at < this.#state.length; at += STRIDE) if (this.#state[at]! > 0) return true
    return false
  }

  /** Good and bad weight at the end of the newest half-life with any: whatever the time is now. */
  get latest(): readonly [good: number, bad: number] {
    if (this.#state.length === 0) return [0, 0]
    const endMs = (this.#state[this.#state.length - STRIDE]! + 1) * this.#halfLifeMs
    return [this.good(endMs), this.bad(endMs)]
  }

  get state(): DecayingState {
    return this.#state
  }

  #sum(offset: 1 | 2, nowMs: number): number {
    const halfLives = nowMs / this.#halfLifeMs
    let sum = 0
    for (let at = 0; at < this.#state.length; at += STRIDE)
      sum += this.#state[at + offset]! * 2 ** (this.#state[at]! - halfLives)
    return sum / UNITS
  }

  /** Where a half-life's triple is, made if need be; below 0 when it is too old to be kept. */
  #placeOf(index: number): number {
    const state = this.#state
    let at = state.length
    while (at > 0 && state[at - STRIDE]! >= index) at -= STRIDE
    if (state[at] === index) return at
    const newest = state.length === 0 ? index : state[state.length - STRIDE]!
    if (index <= newest - WINDOW) return -1
    state.splice(at, 0, index, 0, 0)
    if (index <= newest) return at
    // Whether something is dropped depends on the newest of all only, not on when it came.
    let stale = 0
    while (state[stale]! <= index - WINDOW) stale += STRIDE
    state.splice(0, stale)
    return at - stale
  }
}
