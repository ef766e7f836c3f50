import type { Assessment } from '../../../inference/audit/assessment.ts'
import type { Decision } from '../../../inference/audit/sequential-test.ts'
import type { CidString, ModelId, NodeKey } from '../../../protocol/ids.ts'

/**
 * `passed`: nothing speaks against it so far. `failed`: this receipt alone cannot be explained (it ended wrongly,
 * another prompt was read, its tokens are absurd). `cheating`: with it, the pooled test of provider and model has decided.
 */
export const AUDIT_RESULTS = ['passed', 'failed', 'cheating'] as const
export type AuditResult = (typeof AUDIT_RESULTS)[number]

/** What contradicts a receipt outright, or makes its tokens absurd. */
export const AUDIT_REASONS = ['stop', 'prompt', 'text', 'template', 'tokens', 'pooled'] as const
export type AuditReason = (typeof AUDIT_REASONS)[number]

/** What an audit has found, once it is on disk and counts. Told at least once for each receipt: take it by its receipt. */
export interface AuditVerdict {
  receipt: CidString
  provider: NodeKey
  model: ModelId
  result: AuditResult
  /** Empty where it passed. */
  reasons: readonly AuditReason[]
  assessment: Assessment
  /** Without a calibration for the pair only checks that need none have counted: near models are not told apart. */
  isCalibrated: boolean
  /** The pooled test of provider and model after this receipt; null where no calibration ever was. */
  test: {
    decision: Decision
    /** ln of the evidence against the provider, and what it must reach. */
    evidence: { log: number; threshold: number }
    receipts: number
    tokens: number
    /** Receipts pooled in it, the newest last, at most 256. */
    pooled: readonly CidString[]
  } | null
  /** Node that scored the output; null for this one. */
  auditor: NodeKey | null
  /** Weights of the nodes that found so, each 0 to below 1, together; absent for an own audit. */
  backing?: number
  /** What the audit cost or would have cost, base units. */
  price: bigint
  atMs: number
}
