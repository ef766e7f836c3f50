import { ShoalError } from '../../../protocol/errors.ts'

export type TwinErrorCode =
  /** No data, or too little of it. */
  | 'TWIN_NO_DATA'
  /** Even the smallest adapter of this base is larger than a twin may be. */
  | 'TWIN_TOO_LARGE'
  /** Its own held-out text is foretold no better with it. */
  | 'TWIN_NO_GAIN'
  | 'TWIN_BUSY'

export class TwinError extends ShoalError<TwinErrorCode> {
  override readonly name = 'TwinError'
}
