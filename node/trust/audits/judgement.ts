import { type Assessment, type AuditClaim, assess } from '../../../inference/audit/assessment.ts'
import type { Calibration } from '../../../inference/audit/calibration.ts'
import { ABSENT, CATEGORIES } from '../../../inference/audit/cells.ts'
import type { SequentialTest } from '../../../inference/audit/sequential-test.ts'
import { judgeReceipt } from '../../../inference/audit/single-receipt.ts'
import type { CalibrationKey } from '../../../protocol/messages/calibration.ts'
import type { ArchivedTask } from './archived-task.ts'
import type { AuditReport } from './auditor.ts'
import type { AuditReason, AuditResult } from './verdict.ts'

/**
 * Shares of tokens that no honest output of the same file exceeds in the long run, on whatever machine: those that are not even among the
 * 64 likeliest, and those that lost (what a calibration refuses as absurd). Bounds so wide need no baseline.
 */
const MAX_ABSENT_SHARE = 0.02
const MAX_LOST_SHARE = 0.1
/** Chance that an honest answer is called absurd, and odd; its tokens count as half as many, since they hang together. */
const ABSURD = 1e-9
const ODD = 0.01
const TOGETHER = 2
/** Share of the evidence a conviction takes from which on a pass proves nothing until the test has calmed down. */
export const DOUBT = 0.25

export interface Judgement {
  assessment: Assessment
  result: AuditResult
  reasons: AuditReason[]
  /** What it says of the provider; null where it passed but leaves doubts. */
  evidence: AuditEvidence | null
}

/** @property weight what it counts against an own audit; absent for one */
export interface AuditEvidence {
  passed: boolean
  weight?: number
}

/** What of a task is judged. */
export type JudgedTask = Pick<ArchivedTask, 'receipt' | 'request' | 'text'> & {
  terms: Pick<ArchivedTask['terms'], 'contextTokens'>
}

/** What a kept task's receipt, request and answer claim. */
function claimOf({ receipt, request, text, terms }: JudgedTask): AuditClaim {
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
  task: JudgedTask,
  { scored, chatTemplate, weight }: AuditReport,
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
  if (isFarOff || (calibration === null && isFartherOff(assessment, ABSURD))) reasons.push('tokens')
  const decision = calibration === null ? null : test.add(assessment, calibration, receipt.endedAtMs, weight)
  const counts = weight === undefined ? {} : { weight }
  const failed = { passed: false, ...counts }
  if (decision === 'cheating')
    return { assessment, result: 'cheating', reasons: [...reasons, 'pooled'], evidence: failed }
  if (reasons.length > 0) return { assessment, result: 'failed', reasons, evidence: failed }
  const { log, threshold } = test.evidence
  const isDoubtful = calibration === null ? isFartherOff(assessment, ODD) : log >= DOUBT * threshold
  return { assessment, result: 'passed', reasons, evidence: isDoubtful ? null : { passed: true, ...counts } }
}

/** Whether tokens are farther off than any honest output's, but for a `chance`. */
function isFartherOff({ tokens, cells, matchRate, sampler }: Assessment, chance: number): boolean {
  const absent = cells.reduce((sum, count, cell) => sum + (cell % CATEGORIES === ABSENT ? count : 0), 0)
  const lost = sampler === 'gumbel-64/1' ? Math.round((1 - matchRate) * tokens) : 0
  return isBeyond(absent, tokens, MAX_ABSENT_SHARE, chance) || isBeyond(lost, tokens, MAX_LOST_SHARE, chance)
}

/**
 * Whether `count` of `tokens` has less than a `chance` where that of each is `rate` at most: Chernoff's bound of the binomial tail,
 * exp(−n·D(count/n ‖ rate)) with the relative entropy D (Hoeffding, JASA 58, 1963, theorem 1).
 */
function isBeyond(count: number, tokens: number, rate: number, chance: number): boolean {
  const share = tokens === 0 ? 0 : count / tokens
  if (share <= rate) return false
  const rest = share === 1 ? 0 : (1 - share) * Math.log((1 - share) / (1 - rate))
  const entropy = share * Math.log(share / rate) + rest
  return (tokens / TOGETHER) * entropy > -Math.log(chance)
}

/** What honest outputs are like of the two engines that a report is about. */
export function calibrationKeyOf(
  { receipt }: Pick<ArchivedTask, 'receipt'>,
  { quantization, backend }: Pick<AuditReport, 'quantization' | 'backend'>,
): CalibrationKey {
  const { model, backend: providerBackend, sampler } = receipt
  return { model, quantization, sampler, providerBackend, auditorBackend: backend }
}
