import { type Assessment, type AuditClaim, assess } from '../../../inference/audit/assessment.ts'
import type { Calibration } from '../../../inference/audit/calibration.ts'
import { ABSENT, CATEGORIES } from '../../../inference/audit/cells.ts'
import type { SequentialTest } from '../../../inference/audit/sequential-test.ts'
import { judgeReceipt } from '../../../inference/audit/single-receipt.ts'
import type { ArchivedTask } from './archived-task.ts'
import type { AuditReport } from './auditor.ts'
import type { AuditReason, AuditResult } from './verdict.ts'

/** Fewer tokens say nothing by themselves. */
const MIN_TOKENS = 16
/**
 * Without a calibration: beyond so many tokens that are not even among the 64 likeliest, or that lost, it was another
 * model or no model. Honest outputs of one file have none of the former and a few percent of the latter, on whatever machine: bounds so wide need no baseline.
 */
const MAX_ABSENT_SHARE = 0.25
const MAX_LOST_SHARE = 0.5
/** Share of the evidence a conviction takes from which on a pass proves nothing until the test has calmed down. */
const DOUBT = 0.25

export interface Judgement {
  assessment: Assessment
  result: AuditResult
  reasons: AuditReason[]
  /** What it says of the provider; null where it passed but the pooled test has its doubts. */
  evidence: { passed: boolean } | null
}

/** What a kept task's receipt, request and answer claim. */
export function claimOf({ receipt, request, text, terms }: ArchivedTask): AuditClaim {
  const { temperature, topK, minP, topP } = request.sampling
  return {
    sampler: receipt.sampler,
    sampling: { temperature, topK, minP, topP },
    outputTokens: receipt.outputTokens,
    // What a continuation held back is shown by who goes on.
    text: request.continuation === null ? text : null,
    reason: receipt.reason,
    contextTokens: terms.contextTokens === 0 ? null : terms.contextTokens,
    promptTokens: receipt.promptTokens,
    promptDigest: receipt.prompt,
  }
}

/**
 * Judges a task from what its output scored: alone, and with `test` pooled over all of the provider's tasks with this
 * model, which takes it in and is undecided before. Without a calibration the test does not: then contradictions count, and tokens so far
 * off that no baseline is needed.
 */
export function judge(
  task: ArchivedTask,
  { scored, chatTemplate }: AuditReport,
  calibration: Calibration | null,
  test: SequentialTest,
): Judgement {
  const { receipt, request } = task
  const assessment = assess(scored, claimOf(task))
  const single = judgeReceipt(assessment, calibration)
  const reasons: AuditReason[] = [...single.contradictions]
  if (request.input.kind === 'chat' && chatTemplate !== undefined && chatTemplate !== receipt.chatTemplate)
    reasons.push('template')
  const isFarOff = single.isInexplicable && single.contradictions.length === 0
  if (isFarOff || (calibration === null && isAbsurd(assessment))) reasons.push('tokens')
  const decision = calibration === null ? null : test.add(assessment, calibration, receipt.endedAtMs)
  if (decision === 'cheating')
    return { assessment, result: 'cheating', reasons: [...reasons, 'pooled'], evidence: { passed: false } }
  if (reasons.length > 0) return { assessment, result: 'failed', reasons, evidence: { passed: false } }
  const { log, threshold } = test.evidence
  return {
    assessment,
    result: 'passed',
    reasons,
    evidence: log < DOUBT * threshold ? { passed: true } : null,
  }
}

function isAbsurd({ tokens, cells, matchRate, sampler }: Assessment): boolean {
  if (tokens < MIN_TOKENS) return false
  const absent = cells.reduce((sum, count, cell) => sum + (cell % CATEGORIES === ABSENT ? count : 0), 0)
  return absent > MAX_ABSENT_SHARE * tokens || (sampler === 'gumbel-64/1' && 1 - matchRate > MAX_LOST_SHARE)
}
