import type { Clock, Timer } from '../../clock.ts'

/** Aborts its signal when it is not touched for a time. */
export class StallTimer {
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #controller = new AbortController()
  #timer: Timer | null = null

  constructor(options: { timeoutMs: number }, modules: { clock: Clock }) {
    this.#timeoutMs = options.timeoutMs
    this.#clock = modules.clock
    this.touch()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  touch(): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.setTimer(() => this.#controller.abort(), this.#timeoutMs)
  }

  stop(): void {
    this.#timer?.cancel()
  }
}

/** Resolves after a time or when the signal aborts. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const end = () => {
      timer.cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.setTimer(end, delayMs)
    signal.addEventListener('abort', end, { once: true })
  })
}
