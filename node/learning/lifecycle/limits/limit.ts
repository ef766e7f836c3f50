/** What an owner or a machine may set bounds to. */
export const LIMIT_CODES = ['hours', 'power', 'temperature', 'memory'] as const
export type LimitCode = (typeof LIMIT_CODES)[number]

export type LimitVerdict =
  | { kind: 'allowed' }
  /** This machine does not tell; learning goes on, and says so. */
  | { kind: 'unknown'; message: string }
  /** @param frees whether learning is to give its memory back, too, and go on later from its checkpoint */
  | { kind: 'hindered'; message: string; frees: boolean }

/** One reason for which a node might not learn now. */
export interface Limit {
  readonly code: LimitCode
  /** @param work what learning has begun and how much memory that holds, bytes; null where that is not known */
  check(work: { running: boolean; residentBytes: number | null }): Promise<LimitVerdict>
}

export const ALLOWED: LimitVerdict = { kind: 'allowed' }

export function hindered(message: string, frees = false): LimitVerdict {
  return { kind: 'hindered', message, frees }
}
