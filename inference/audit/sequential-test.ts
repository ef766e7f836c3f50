import type { Assessment } from './assessment.ts'
import type { Calibration } from './calibration.ts'

export type Decision = 'honest' | 'cheating' | 'undecided'

export interface SequentialTestOptions {
  /** Chance that an honest provider is ever found cheating, over the whole life of the test. Default 1e-6. */
  falseAlarm?: number
  /** Never decides on fewer tokens. Default 256. */
  minTokens?: number
  /** Never decides on fewer receipts. Default 4. */
  minReceipts?: number
}

/** JSON; bounded; restores the test exactly. */
export interface SequentialTestState {
  version: 1
  decision: Decision
  decidedAtMs: number | null
  receipts: number
  tokens: number
  lastAtMs: number | null
  /** Tests ended by `renew` before this one. */
  renewals: number
  /** Weight of the change points that have not come yet. */
  ahead: number
  /** ln of what each component of the alternative has gathered. */
  against: readonly number[]
  /** ln likelihood ratios since the last acceptance. */
  since: readonly number[]
}

/** Pools a provider's receipts, one after another, until they show that it cheats or that it does not. */
export declare class SequentialTest {
  constructor(options?: SequentialTestOptions, state?: SequentialTestState)
  /**
   * Takes one audited receipt into account, in the order of audits. A receipt must be given once only.
   * @param atMs when the receipt's task ended
   * @throws {AuditError} VERSION_MISMATCH
   */
  add(assessment: Assessment, calibration: Calibration, atMs: number): Decision
  get decision(): Decision
  /** ln of the evidence against the provider, and what it must reach. */
  get evidence(): { log: number; threshold: number }
  get state(): SequentialTestState
  /** Begins anew after a verdict, with half of what was left of the false alarms. */
  renew(): void
}
