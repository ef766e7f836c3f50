import { ShoalError } from '../../protocol/errors.ts'

export type TaskErrorCode =
  | 'NO_PROVIDER'
  | 'MODEL_NOT_OFFERED'
  | 'KIND_NOT_OFFERED'
  | 'NOTHING_FITS'
  | 'TOO_EXPENSIVE'
  | 'PROMPT_TOO_LONG'
  | 'ALL_PROVIDERS_FAILED'
  | 'TOO_FEW_OPERATORS'
  | 'NO_AGREEMENT'
  | 'DEADLINE_PASSED'
  | 'PLAN_INFEASIBLE'
  | 'CANCELLED'

export class TaskError extends ShoalError<TaskErrorCode> {
  override readonly name = 'TaskError'
}
