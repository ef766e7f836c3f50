/** Time as rooms see it; tests put a manual one in its place. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number
  /** Calls `callback` once after `delayMs`; the timer alone does not keep the process alive. */
  setTimer(callback: () => void, delayMs: number): Timer
}

export interface Timer {
  cancel(): void
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  setTimer(callback, delayMs) {
    const handle = setTimeout(callback, Math.min(delayMs, MAX_TIMEOUT_MS))
    handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Longest delay a platform timer keeps; more would fire at once. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/**
 * Runs `task` every `intervalMs`, never twice at once: the next wait begins when the last run has ended.
 * `task` handles its own errors.
 */
export function repeat(clock: Clock, intervalMs: number, task: () => Promise<void>): Timer {
  let timer: Timer
  let cancelled = false
  const schedule = () => {
    timer = clock.setTimer(() => {
      void task().finally(() => {
        if (!cancelled) schedule()
      })
    }, intervalMs)
  }
  schedule()
  return {
    cancel() {
      cancelled = true
      timer.cancel()
    },
  }
}
