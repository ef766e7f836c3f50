import { ShoalError } from '../../../protocol/errors.ts'

export type DisputeErrorCode =
  /** There is no such receipt, or nothing is kept of its task. */
  | 'RECEIPT_UNKNOWN'
  | 'DISPUTE_UNKNOWN'
  /** The bond would exceed what the operator allows to have in open disputes. */
  | 'BOND_LIMIT'
  | 'BOND_MISSING'
  | 'BOND_GAS_MISSING'
  /** The receipt was disputed before. */
  | 'ALREADY_DISPUTED'
  /** The provider has not shown where the receipt stands in its log. */
  | 'NOT_PROVEN'
  /** The window in which it could be disputed is over. */
  | 'TOO_LATE'
  /** Jurors would read what must not leave. */
  | 'DATA_GUARDED'
  /** The court does not take it: nothing at stake, too few validators, out of office. */
  | 'COURT_REFUSED'
  /** The dispute is in a state in which this cannot be done, or not by us. */
  | 'NOT_APPEALABLE'
  | 'NOTHING_OWED'
  /** What a party sent is not the task of the receipt. */
  | 'EVIDENCE_FOREIGN'

export class DisputeError extends ShoalError<DisputeErrorCode> {
  override readonly name = 'DisputeError'
}
