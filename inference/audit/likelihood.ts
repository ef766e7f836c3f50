import type { Assessment } from './assessment.ts'
import type { Calibration } from './calibration.ts'
import { STATISTIC_VERSION, toGroups } from './cells.ts'
import { logRatios } from './deviations.ts'
import { AuditError } from './errors.ts'

/** Tables by calibration: many receipts are judged by one. */
const tables = new WeakMap<Calibration, readonly Float64Array[]>()

/**
 * ln of how much likelier the receipt's tokens are from each member of the family of cheats than from an honest provider at the
 * bounds of the calibration.
 *
 * Tokens of one receipt hang together: the ratio's root of degree 1 + (n − 1)ρ is taken, the design effect of a cluster of n tokens
 * (Kish, Survey Sampling, 1965). Its expectation stays at most 1 by Hölder's inequality where tokens fall into that many groups, independent within.
 * @param together how much more they hang together than was measured
 * @throws {AuditError} VERSION_MISMATCH, MISMATCH
 */
export function receiptLogRatios(assessment: Assessment, calibration: Calibration, together = 1): number[] {
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
  const groups = toGroups(assessment.cells)
  return table.map((ratios, member) => {
    const sum = groups.reduce((all, tokens, at) => (tokens === 0 ? all : all + tokens * ratios[at]!), 0)
    const others = Math.max(0, assessment.tokens - 1)
    return sum / (together * (1 + others * calibration.correlations[member]!))
  })
}
