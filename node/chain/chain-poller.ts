import pLimit from 'p-limit'
import type { Clock, Timer } from '../clock.ts'
import type { Logger } from '../log.ts'
import { ChainError } from './errors.ts'

export interface ChainPollerOptions {
  /** What is read, as the log has it: `channel events`. */
  what: string
  intervalMs: number
}

export interface ChainPollerModules {
  clock: Clock
  log: Logger
  /** One round; should look at `isStopped` where it takes long. */
  round: () => Promise<void>
}

/** Reads something of the chain again and again: one round at a time, and after a failure at the next interval again. */
export class ChainPoller {
  readonly #options: ChainPollerOptions
  readonly #modules: ChainPollerModules
  readonly #one = pLimit(1)
  #timer: Timer | null = null
  #polling: Promise<void> | null = null
  #isStopped = false

  constructor(options: ChainPollerOptions, modules: ChainPollerModules) {
    this.#options = options
    this.#modules = modules
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  /** Begins at once. */
  start(): void {
    this.#schedule(0)
  }

  /** Idempotent; waits for the round in progress. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    await this.#polling
  }

  /**
   * A round now instead of at the next interval; throws what the round throws.
   * @throws {ChainError} CHAIN_UNREACHABLE
   */
  now(): Promise<void> {
    return this.#one(() => this.#modules.round())
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return
    const { clock, log } = this.#modules
    const { what, intervalMs } = this.#options
    this.#timer = clock.setTimer(() => {
      this.#polling = this.now()
        .catch(error => {
          const expected = error instanceof ChainError
          log[expected ? 'warn' : 'error']({ err: error, what }, 'reading the chain is interrupted')
        })
        .then(() => {
          this.#polling = null
          this.#schedule(intervalMs)
        })
    }, delayMs)
  }
}
