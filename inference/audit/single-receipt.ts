import type { Assessment } from './assessment.ts'
import type { Calibration } from './calibration.ts'
import { logSumExp } from './distributions.ts'
import { receiptLogRatios } from './likelihood.ts'

export interface SingleReceiptOptions {
  /** Chance of one false verdict in all `audits` together. Default 1e-3. */
  falseAlarm?: number
  /** Audits that share it. Default 1,000,000. */
  audits?: number
}

/** What a receipt contradicts outright. */
export type Contradiction = 'stop' | 'prompt' | 'text'

export interface SingleReceiptVerdict {
  /** No honest node could have made it, or none with a chance worth naming. */
  isInexplicable: boolean
  contradictions: readonly Contradiction[]
  /** Bound of the chance of tokens that look so bad from an honest provider; 1 where there is no calibration. */
  pValue: number
}

/** One receipt has no neighbours to correct it: its tokens are taken to hang together twice as much as measured. */
const MORE_TOGETHER = 2
/** Fewer tokens are pooled, never judged alone. */
const MIN_TOKENS = 16

/**
 * Judges one receipt alone. Without a calibration only contradictions count.
 *
 * The p-value is a bound: the evidence is a ratio E whose expectation is at most 1 for honest providers, so that the chance of E or more is
 * at most 1/E (Markov); the budget is shared among all audits (Bonferroni).
 * @throws {AuditError} VERSION_MISMATCH, MISMATCH
 */
export function judgeReceipt(
  assessment: Assessment,
  calibration: Calibration | null,
  options: SingleReceiptOptions = {},
): SingleReceiptVerdict {
  const { falseAlarm = 1e-3, audits = 1_000_000 } = options
  const contradictions = (['stop', 'prompt', 'text'] as const).filter(part => assessment[part] === 'wrong')
  const pValue = calibration === null ? 1 : boundOf(assessment, calibration)
  const isFarOff = assessment.tokens >= MIN_TOKENS && pValue <= falseAlarm / audits
  return { isInexplicable: contradictions.length > 0 || isFarOff, contradictions, pValue }
}

function boundOf(assessment: Assessment, calibration: Calibration): number {
  const ratios = receiptLogRatios(assessment, calibration, MORE_TOGETHER)
  const log = logSumExp(ratios) - Math.log(ratios.length)
  return Math.min(1, Math.exp(-log))
}
