import { ShoalError } from '../../../protocol/errors.ts'

export type AggregationErrorCode =
  /** No update has any weight. */
  | 'NO_UPDATES'
  /** Two updates have one id. */
  | 'SAME_ID'
  /** The rule needs more updates than there are. */
  | 'TOO_FEW_UPDATES'
  /** The rule compares with a trusted update, and there is none. */
  | 'NO_TRUSTED'
  /** A private update has another A than its parent. */
  | 'NOT_FROZEN'
  /** A number is outside its bounds. */
  | 'BAD_OPTIONS'
  /** The thread ended by itself. */
  | 'AGGREGATOR_CRASHED'
  | 'CANCELLED'

/** What can go wrong when updates are made into one adapter. */
export class AggregationError extends ShoalError<AggregationErrorCode> {
  override readonly name = 'AggregationError'
}
