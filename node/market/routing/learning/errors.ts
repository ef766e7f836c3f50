import { ShoalError } from '../../../../protocol/errors.ts'

export type LearningErrorCode =
  /** A policy file that is no JSON, or not of the schema. */
  | 'POLICY_INVALID'
  | 'POLICY_UNREADABLE'
  /** No decision of such a task is in the log, or not any more. */
  | 'DECISION_UNKNOWN'
  /** Fewer finished decisions than an estimate can be made of. */
  | 'TOO_FEW_DECISIONS'

export class LearningError extends ShoalError<LearningErrorCode> {
  override readonly name = 'LearningError'
}
