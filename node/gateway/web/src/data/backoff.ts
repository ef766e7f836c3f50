const FIRST_MS = 500
const LONGEST_MS = 15_000

/** Doubles up to a quarter of a minute; spread, so that the pages of a node do not all come back at once. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10)) * (0.5 + random() / 2)
}

/** Waits, unless the signal says that nobody does any more. Never throws. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
