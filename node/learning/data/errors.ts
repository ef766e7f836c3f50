import { ShoalError } from '../../../protocol/errors.ts'

export type DataErrorCode =
  /** Nothing at this path, or nothing that can be read. */
  | 'DATA_UNREADABLE'
  /** Nothing in it that can be learnt from. */
  | 'DATA_EMPTY'
  /** A name or domain that cannot be one. */
  | 'DATA_BAD_NAME'
  | 'DATA_EXISTS'
  | 'DATA_UNKNOWN'
  /** What is kept has been changed, or was sealed with another node key. */
  | 'DATA_CORRUPT'
  /** More than the book may keep. */
  | 'DATA_TOO_LARGE'
  | 'CANCELLED'

export class DataError extends ShoalError<DataErrorCode> {
  override readonly name = 'DataError'
}
