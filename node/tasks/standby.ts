import type { Clock, Timer } from '../clock.ts'
import type { ProviderId } from '../market/routing/candidate.ts'
import type { AttemptRunnerModules } from './attempt-runner.ts'
import type { Choice } from './venue.ts'

export interface StandbyModules {
  clock: Clock
  venues: AttemptRunnerModules['venues']
  /** The best who could go on; preferably one who is ready. */
  choose: (isFit?: (choice: Choice) => boolean) => Choice | null
  /** Whether a choice made before can still be made. */
  isOpen: (choice: Choice) => boolean
  /** What going on there could cost at most, base units. */
  worstCost: (choice: Choice) => bigint
  onReady: (provider: ProviderId) => void
}

/** A task that has run so long is worth a channel that may not be needed. */
const CHANNEL_AFTER_MS = 3_000
/** Of those whose score is at least so much of the best's, one who is ready stands by. */
const NEARLY_AS_GOOD = 0.8

/** Made once: a reason of its own for each task would take its stack each time. */
const STOPPED = new DOMException('the task has ended', 'AbortError')

/**
 * Keeps somebody ready to go on with a task: chosen and connected once it runs; with a channel, too, when it
 * runs long or its provider gives cause for concern. So going on elsewhere has nothing to wait for, and short
 * tasks lock up no money that they do not need.
 */
export class Standby {
  readonly #modules: StandbyModules
  readonly #abort = new AbortController()
  #choice: Choice | null = null
  #hasChannel = false
  #timer: Timer | null = null

  constructor(modules: StandbyModules) {
    this.#modules = modules
  }

  /** The task runs somewhere: somebody else is looked for. */
  watch(): void {
    if (this.#timer !== null) return
    this.#timer = this.#modules.clock.setTimer(() => this.expectFailure(), CHANNEL_AFTER_MS)
    void this.#prepare(false)
  }

  /** The task may have to go on elsewhere soon. */
  expectFailure(): void {
    void this.#prepare(true)
  }

  /** Who goes on; null when nobody stands by. The next one is looked for when the task runs again. */
  take(): Choice | null {
    const choice = this.#choice
    this.#timer?.cancel()
    this.#timer = null
    this.#choice = null
    this.#hasChannel = false
    return choice !== null && this.#modules.isOpen(choice) ? choice : null
  }

  /** Idempotent. */
  stop(): void {
    this.#abort.abort(STOPPED)
    this.#timer?.cancel()
  }

  async #prepare(withChannel: boolean): Promise<void> {
    const choice = this.#choose()
    if (choice === null || this.#abort.signal.aborted || (this.#hasChannel && withChannel)) return
    const { venues, worstCost, onReady } = this.#modules
    const { candidate } = choice
    this.#hasChannel = withChannel
    const maxAmount = withChannel ? worstCost(choice) : null
    const isReady = await venues[candidate.venue]!.prepare(candidate, { maxAmount }, this.#abort.signal)
    if (this.#choice !== choice) return
    if (isReady) onReady(candidate.provider)
    // Who cannot be reached stands by for nothing.
    else this.#choice = null
  }

  #choose(): Choice | null {
    const { choose, isOpen, venues, worstCost } = this.#modules
    if (this.#choice !== null && isOpen(this.#choice)) return this.#choice
    this.#hasChannel = false
    const best = choose()
    const isNearlyAsGood = ({ candidate }: Choice) =>
      candidate.score >= NEARLY_AS_GOOD * (best?.candidate.score ?? 0)
    const isReady = (choice: Choice) =>
      venues[choice.candidate.venue]!.isReady(choice.candidate, { maxAmount: worstCost(choice) })
    this.#choice = choose(choice => isNearlyAsGood(choice) && isReady(choice)) ?? best
    return this.#choice
  }
}
