import {
  type CalibrationMeasurement,
  MAX_PROMPTS_PER_CALIBRATION,
  type PromptCounts,
} from '../../protocol/messages/calibration.ts'
import type { Assessment } from './assessment.ts'
import { CATEGORIES, CELLS, STATISTIC_VERSION, WON } from './cells.ts'
import { AuditError } from './errors.ts'

/** Fewer say too little of what an honest node's worst prompts look like. */
export const MIN_PROMPTS = 60
const MIN_TOKENS = 8_000
/** An honest node that disagrees with an auditor more often than this runs something else. */
const MIN_MATCH_RATE = 0.9
/** Half of all that went wrong in so few prompts is no noise. */
const MIN_PROMPTS_OF_HALF = 3

/**
 * Pools the honest receipts of one prompt.
 * @throws {AuditError} MISMATCH where they are of different samplers
 */
export function countPrompt(assessments: readonly Assessment[]): PromptCounts {
  if (new Set(assessments.map(({ sampler }) => sampler)).size > 1) {
    throw new AuditError('MISMATCH', 'assessments of different samplers do not go together')
  }
  const cells = Array.from({ length: CELLS }, (_, cell): [cell: number, tokens: number] => [
    cell,
    assessments.reduce((sum, assessment) => sum + assessment.cells[cell]!, 0),
  ])
  return { receipts: assessments.length, cells: cells.filter(([, tokens]) => tokens > 0) }
}

/** Counts of cells one message surely holds: about 6 bytes each. */
const MAX_COUNTS = 8_000

/** Pools prompts two by two until what is counted fits into a message. Fewer, larger clusters bound no less carefully. */
export function fitMessage(prompts: readonly PromptCounts[]): PromptCounts[] {
  let fitting = [...prompts]
  const isTooMuch = () =>
    fitting.length > MAX_PROMPTS_PER_CALIBRATION ||
    fitting.reduce((sum, { cells }) => sum + cells.length, 0) > MAX_COUNTS
  while (fitting.length > 1 && isTooMuch()) {
    const half = Math.ceil(fitting.length / 2)
    fitting = fitting.slice(0, half).map((counts, index) => pooled(counts, fitting[index + half]))
  }
  return fitting
}

function pooled(one: PromptCounts, other: PromptCounts | undefined): PromptCounts {
  const counts = new Map<number, number>()
  for (const [cell, tokens] of [...one.cells, ...(other?.cells ?? [])])
    counts.set(cell, (counts.get(cell) ?? 0) + tokens)
  return {
    receipts: one.receipts + (other?.receipts ?? 0),
    cells: [...counts].sort(([a], [b]) => a - b),
  }
}

/**
 * Refuses a measurement nobody should be judged by.
 * @throws {AuditError} VERSION_MISMATCH, TOO_FEW_SAMPLES, ABSURD
 */
export function checkMeasurement(measurement: CalibrationMeasurement): void {
  const { prompts } = measurement
  if (measurement.statistic !== STATISTIC_VERSION) {
    throw new AuditError('VERSION_MISMATCH', `the calibration is of version ${measurement.statistic}`, {
      fix: 'Calibrate again with this version: shoal audit calibrate.',
      details: { version: measurement.statistic, expected: STATISTIC_VERSION },
    })
  }
  if (prompts.some(({ cells }) => cells.some(([cell]) => cell >= CELLS))) {
    throw new AuditError('ABSURD', 'the calibration counts what cannot be', {
      fix: 'Calibrate again with this version: shoal audit calibrate.',
    })
  }
  const tokensOf = (counts: PromptCounts) => counts.cells.reduce((sum, [, tokens]) => sum + tokens, 0)
  const lostOf = (counts: PromptCounts) =>
    counts.cells.reduce((sum, [cell, tokens]) => sum + (cell % CATEGORIES === WON ? 0 : tokens), 0)
  const tokens = prompts.reduce((sum, counts) => sum + tokensOf(counts), 0)
  if (prompts.length < MIN_PROMPTS || tokens < MIN_TOKENS) {
    throw new AuditError(
      'TOO_FEW_SAMPLES',
      `a calibration needs ${MIN_PROMPTS} prompts and ${MIN_TOKENS} tokens, this one has ${prompts.length} and ${tokens}`,
      { fix: 'Calibrate with more --prompts or --samples.', details: { prompts: prompts.length, tokens } },
    )
  }
  const lost = prompts.map(lostOf).sort((a, b) => b - a)
  const allLost = lost.reduce((sum, count) => sum + count, 0)
  const ofFew = lost.slice(0, MIN_PROMPTS_OF_HALF - 1).reduce((sum, count) => sum + count, 0)
  const isLumped = allLost > 40 && ofFew > allLost / 2
  if (allLost > tokens * (1 - MIN_MATCH_RATE) || isLumped) {
    throw new AuditError(
      'ABSURD',
      'honest outputs do not differ so much from what the auditor’s model says of them',
      {
        fix: 'Check that provider and auditor run the same model file, and measure again.',
        details: { tokens, lost: allLost },
      },
    )
  }
}
