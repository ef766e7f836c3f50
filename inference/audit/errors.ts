import { ShoalError } from '../../protocol/errors.ts'

/**
 * `VERSION_MISMATCH`: counts of another version of the statistic. `MISMATCH`: an assessment and a calibration of
 * different samplers. `TOO_FEW_SAMPLES`, `ABSURD`: a measurement nobody should be judged by.
 */
export type AuditErrorCode = 'VERSION_MISMATCH' | 'MISMATCH' | 'TOO_FEW_SAMPLES' | 'ABSURD'

export class AuditError extends ShoalError<AuditErrorCode> {
  override readonly name = 'AuditError'
}
