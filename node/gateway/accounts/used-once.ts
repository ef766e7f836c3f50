import type { Clock } from '../../clock.ts'

/**
 * Remembers what was used until it expires by itself. When it is full nothing more counts as unused: what was used is
 * never forgotten too soon.
 */
export class UsedOnce {
  readonly #clock: Clock
  readonly #max: number
  /** When each expires; about the oldest first. */
  readonly #used = new Map<string, number>()

  constructor(options: { max: number }, modules: { clock: Clock }) {
    this.#max = options.max
    this.#clock = modules.clock
  }

  /** Whether this is its first use; from now on it is used. */
  use(name: string, expiresAtMs: number): boolean {
    if (this.#used.has(name)) return false
    if (this.#used.size >= this.#max) this.#forgetExpired()
    if (this.#used.size >= this.#max) return false
    this.#used.set(name, expiresAtMs)
    return true
  }

  #forgetExpired(): void {
    const nowMs = this.#clock.nowMs()
    for (const [name, expiresAtMs] of this.#used) if (expiresAtMs <= nowMs) this.#used.delete(name)
  }
}
