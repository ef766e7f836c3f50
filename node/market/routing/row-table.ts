import { type ListingColumns, VENUES } from '../capability.ts'
import { type ProviderFacts, UNKNOWN_CEILING } from './provider-facts.ts'
import {
  ALWAYS_IN_REACH,
  AT_LIMIT,
  CLOSED,
  CONTEXT_TOKENS,
  DATA_CLASS_MASK,
  EXPIRES_S,
  FLAGS,
  INPUT,
  KIND_SHIFT,
  LEFT_OUT,
  MS_PER_TOKEN,
  NEWCOMER,
  OURS,
  OUT_OF_REACH,
  OUTPUT,
  PROVEN,
  QUALITY,
  REPUTATION,
  RTT_MS,
  SLA_SHIFT,
  SPOT_INPUT,
  SPOT_OUTPUT,
  STAKE,
  STRIDE,
  TRUST,
  TTFT_MS,
  WAIT,
  WARM,
} from './scan.ts'
import { ZoneMap } from './zone-map.ts'

const LOCAL = VENUES.indexOf('local')

/** What is worked out of a listing for itself, beside what its provider says and is. */
export interface Worth {
  ttftMs: number
  msPerToken: number
  quality: number
}

/** What a scan reads, a row after the other, in single precision: those that are chosen are looked at exactly. */
export class RowTable {
  numbers = new Float32Array()
  flags = new Int32Array()
  /**
   * Of each row the score it could have at most, were its utility 1, ALWAYS_IN_REACH where more than that decides
   * whether it is looked at, and OUT_OF_REACH for those that are left out. Apart from the others, for it is all that is
   * read of most rows.
   */
  reach = new Float32Array()
  readonly zones = new ZoneMap()
  readonly #beginMs: number

  constructor(options: { beginMs: number }) {
    this.#beginMs = options.beginMs
  }

  resize(capacity: number): void {
    const larger = new Float32Array(capacity * STRIDE)
    // As bits: a number made of flags may be one that does not survive being copied as a number.
    const flags = new Int32Array(larger.buffer)
    flags.set(this.flags)
    const before = this.reach.length
    const reach = new Float32Array(capacity)
    reach.set(this.reach)
    this.numbers = larger
    this.flags = flags
    this.reach = reach
    this.zones.resize(capacity)
    for (let row = before; row < capacity; row++) this.#empty(row)
  }

  /** How the table counts time. */
  seconds(ms: number): number {
    return Math.floor((ms - this.#beginMs) / 1_000)
  }

  move(from: number, to: number): void {
    this.flags.copyWithin(to * STRIDE, from * STRIDE, (from + 1) * STRIDE)
    this.#changed(to)
    this.clear(from)
  }

  /** A row is not in use any more. */
  clear(row: number): void {
    this.#empty(row)
    this.#changed(row)
  }

  /** Leaves a row out of the decision under way, or takes it in again. */
  leaveOut(row: number, isOut: boolean): void {
    const at = row * STRIDE + FLAGS
    this.flags[at] = isOut ? this.flags[at]! | LEFT_OUT : this.flags[at]! & ~LEFT_OUT
    this.reach[row] = this.#reachOf(row)
  }

  /** Share of the prompt that is warm at a row, for the decision under way. */
  setWarm(row: number, share: number): void {
    this.numbers[row * STRIDE + WARM] = share
    this.reach[row] = this.#reachOf(row)
  }

  /** Writes all of a row but what holds for one decision. */
  write(row: number, columns: ListingColumns, providers: ProviderFacts, worth: Worth): void {
    const at = row * STRIDE
    const { numbers } = this
    numbers[at + EXPIRES_S] = this.seconds(columns.expiresAtMs[row]!)
    numbers[at + INPUT] = columns.inputPerMillion[row]!
    numbers[at + OUTPUT] = columns.outputPerMillion[row]!
    numbers[at + SPOT_INPUT] = columns.spotInput[row]!
    numbers[at + SPOT_OUTPUT] = columns.spotOutput[row]!
    numbers[at + TTFT_MS] = worth.ttftMs
    numbers[at + MS_PER_TOKEN] = worth.msPerToken
    numbers[at + QUALITY] = worth.quality
    numbers[at + WARM] = 0
    numbers[at + CONTEXT_TOKENS] = columns.contextTokens[row]!
    this.flags[at + FLAGS] = 0
    this.writeProvider(row, columns, providers)
  }

  /** Writes what a row takes from its provider. */
  writeProvider(row: number, columns: ListingColumns, providers: ProviderFacts): void {
    const at = row * STRIDE
    const provider = columns.providerRow[row]!
    const { numbers, flags } = this
    numbers[at + TRUST] = providers.trust[provider]!
    numbers[at + RTT_MS] = providers.rttMs[provider]!
    const free = columns.freeSlots[row]! - providers.unseen[provider]!
    numbers[at + WAIT] = waitFactor(free, columns.queued[row]!, columns.slots[row]!)
    numbers[at + STAKE] = providers.stake[provider]!
    numbers[at + REPUTATION] = providers.score[provider]!
    const ceiling = providers.ceiling[provider]!
    const declared = columns.dataClass[row]!
    const dataClass = ceiling === UNKNOWN_CEILING ? declared : Math.max(0, Math.min(declared, ceiling))
    flags[at + FLAGS] =
      (flags[at + FLAGS]! & LEFT_OUT) |
      (ceiling < 0 ? CLOSED : 0) |
      (columns.venue[row] === LOCAL ? OURS : 0) |
      (ceiling === UNKNOWN_CEILING ? 0 : PROVEN) |
      (dataClass & DATA_CLASS_MASK) |
      (columns.slaMask[row]! << SLA_SHIFT) |
      newcomerBits(providers.newcomer[provider]!) |
      (providers.inFlight[provider]! >= providers.atOnce[provider]! ? AT_LIMIT : 0)
    this.#changed(row)
  }

  #changed(row: number): void {
    this.reach[row] = this.#reachOf(row)
    this.zones.changed(row, this.numbers)
  }

  #reachOf(row: number): number {
    const at = row * STRIDE
    const bits = this.flags[at + FLAGS]!
    if ((bits & LEFT_OUT) !== 0) return OUT_OF_REACH
    // Newcomers are drawn, and not ruled out by the best. Where a prompt is warm, or with our own engine, things are
    // better than a zone says.
    const isAlways = (bits & (NEWCOMER | OURS)) !== 0 || this.numbers[at + WARM]! > 0
    return isAlways ? ALWAYS_IN_REACH : this.numbers[at + TRUST]!
  }

  /** What makes no zone look better. */
  #empty(row: number): void {
    const at = row * STRIDE
    this.numbers.fill(Number.POSITIVE_INFINITY, at, at + STRIDE)
    this.numbers[at + QUALITY] = 0
    this.numbers[at + WARM] = 0
    this.flags[at + FLAGS] = LEFT_OUT
  }
}

/** @param newcomer see `ProviderFacts` */
function newcomerBits(newcomer: number): number {
  return newcomer === 0 ? 0 : NEWCOMER | ((newcomer - 1) << KIND_SHIFT)
}

/**
 * How many times as long as a task takes one waits for a slot: with `n` tasks before ours and `slots` that each end
 * one in the time a task takes, (n + 1) ÷ slots.
 * @param free slots, less the tasks of ours its load does not show yet; below 0 those wait before us
 */
function waitFactor(free: number, queued: number, slots: number): number {
  return free > 0 ? 0 : (queued - free + 1) / Math.max(1, slots)
}
