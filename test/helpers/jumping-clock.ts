import { type Clock, systemClock, type Timer } from '../../node/clock.ts'

/** The system's clock, which can be put forward: what has become due happens at once. */
export class JumpingClock implements Clock {
  #aheadMs = 0
  readonly #timers = new Set<{ atMs: number; fire: () => void }>()

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer = {
      atMs: this.nowMs() + delayMs,
      fire: () => {
        handle.cancel()
        if (this.#timers.delete(timer)) callback()
      },
    }
    const handle = systemClock.setTimer(timer.fire, delayMs)
    this.#timers.add(timer)
    return {
      cancel: () => {
        handle.cancel()
        this.#timers.delete(timer)
      },
    }
  }

  jump(ms: number): void {
    this.#aheadMs += ms
    for (const timer of [...this.#timers]) if (timer.atMs <= this.nowMs()) timer.fire()
  }
}
