import { ShoalError } from '../../../protocol/errors.ts'

export type CompressionErrorCode =
  /** Not a compressed update, or of a version that is not understood. */
  | 'NOT_AN_UPDATE'
  /** It ends before what it announces. */
  | 'TRUNCATED'
  /** More bytes than an update of this shape can have. */
  | 'OVERSIZE'
  /** Made from another adapter than the one it is added to. */
  | 'WRONG_PARENT'
  /** A place that the block does not have. */
  | 'OUT_OF_RANGE'
  /** A weight is not a number, or infinite. */
  | 'NOT_FINITE'
  /** What no encoder writes: bits behind the end, a block that is kept and empty. */
  | 'NOT_CANONICAL'

/** What can be wrong with a compressed update, wherever it came from. */
export class CompressionError extends ShoalError<CompressionErrorCode> {
  override readonly name = 'CompressionError'
}
