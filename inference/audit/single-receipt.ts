import type { Assessment } from './assessment.ts'
import type { Calibration } from './calibration.ts'

export interface SingleReceiptOptions {
  /** Chance of one false verdict in all `audits` together. Default 1e-3. */
  falseAlarm?: number
  /** Audits the chance is shared among. Default 1,000,000. */
  audits?: number
}

export type Contradiction = 'stop' | 'prompt' | 'text'

export interface SingleReceiptVerdict {
  /** No honest node could have made it, or none with a chance worth naming. */
  isInexplicable: boolean
  /** What the tokens, the prompt or the text contradict outright. */
  contradictions: readonly Contradiction[]
  /** Bound of the chance of tokens that look so bad from an honest provider; 1 where there is no calibration. */
  pValue: number
}

/** Judges one receipt alone. Without a calibration only contradictions count. */
export declare function judgeReceipt(
  assessment: Assessment,
  calibration: Calibration | null,
  options?: SingleReceiptOptions,
): SingleReceiptVerdict
