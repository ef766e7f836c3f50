import type { Budget } from './policy.ts'

/** The spans of time a moment is in, by UTC: all of them are counted, so that a budget's span can be changed. */
export interface Periods {
  /** `2026-11-21` */
  day: string
  /** `2026-11` */
  month: string
}

export function periodsAt(timeMs: number): Periods {
  const iso = new Date(timeMs).toISOString()
  return { day: iso.slice(0, 10), month: iso.slice(0, 7) }
}

/** Where the spending of an account within a span is kept. */
export function spendKey(account: string, per: Budget['per'], periods: Periods): string {
  return per === 'ever' ? `${account}/ever` : `${account}/${per}/${periods[per]}`
}

/** When a budget begins anew; null when never. */
export function resetsAtMs(per: Budget['per'], timeMs: number): number | null {
  if (per === 'ever') return null
  const now = new Date(timeMs)
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()]
  return per === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month + 1, 1)
}
