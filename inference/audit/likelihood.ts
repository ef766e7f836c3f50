import type { Assessment } from './assessment.ts'
import type { Calibration } from './calibration.ts'
import { STATISTIC_VERSION } from './cells.ts'
import { logRatios } from './deviations.ts'
import { AuditError } from './errors.ts'

/** Tables by calibration: many receipts are judged by one. */
const tables = new WeakMap<Calibration, readonly Float64Array[]>()

/**
 * ln of how much likelier the receipt's tokens are from each member of the family of cheats than from an honest provider at the
 * bounds of the calibration; tokens counted as independent.
 * @throws {AuditError} VERSION_MISMATCH, MISMATCH
 */
export function receiptLogRatios(assessment: Assessment, calibration: Calibration): number[] {
  if (assessment.version !== STATISTIC_VERSION || calibration.version !== STATISTIC_VERSION) {
    throw new AuditError('VERSION_MISMATCH', 'the audit and its calibration are of different versions', {
      fix: 'Calibrate again with this version: shoal audit calibrate.',
    })
  }
  if (assessment.sampler !== calibration.key.sampler) {
    throw new AuditError('MISMATCH', 'the calibration is for another sampler than the receipt’s')
  }
  let table = tables.get(calibration)
  if (table === undefined) {
    table = logRatios(calibration.upper, calibration.key.sampler)
    tables.set(calibration, table)
  }
  return table.map(ratios =>
    assessment.cells.reduce((sum, tokens, cell) => (tokens === 0 ? sum : sum + tokens * ratios[cell]!), 0),
  )
}
