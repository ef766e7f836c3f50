/**
 * The service's pace on average; each token takes from half to one and a half of it, else the timers of all streams would
 * fall into one step.
 */
export const TOKEN_EVERY_MS = 30

/** Microseconds of the machine's monotonic clock: the same in all of its processes. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
