import type { Clock, Timer } from '../../node/clock.ts'

/** A clock that stands still until told to go on. */
export class ManualClock implements Clock {
  #nowMs: number
  readonly #timers = new Map<number, { atMs: number; callback: () => void }>()
  #nextId = 0

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const id = this.#nextId++
    this.#timers.set(id, { atMs: this.#nowMs + delayMs, callback })
    return { cancel: () => void this.#timers.delete(id) }
  }

  /** Delays until each pending timer, soonest first. */
  pendingMs(): number[] {
    return [...this.#timers.values()].map(({ atMs }) => atMs - this.#nowMs).sort((a, b) => a - b)
  }

  /** Time passes and nothing happens in it, as on a suspended machine; what became due happens afterwards. */
  jump(ms: number): void {
    this.#nowMs += ms
  }

  /** Lets time pass and what is due happen, in order; microtasks run in between. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers]
        .filter(([, timer]) => timer.atMs <= untilMs)
        .sort((a, b) => a[1].atMs - b[1].atMs)[0]
      if (due === undefined) break
      this.#nowMs = Math.max(this.#nowMs, due[1].atMs)
      this.#timers.delete(due[0])
      due[1].callback()
      await settle()
    }
    this.#nowMs = untilMs
    await settle()
  }
}

/** Lets promises that are already decided run their course. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
