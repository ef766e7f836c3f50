import { ShoalError } from '../../protocol/errors.ts'

export type ModelErrorCode =
  /** Not a model file that can be run. */
  | 'MODEL_INVALID'
  /** Nothing there by that name. */
  | 'MODEL_NOT_FOUND'
  /** The name itself makes no sense. */
  | 'MODEL_NAME_INVALID'
  /** The file is not the one its digest promises. */
  | 'MODEL_DIGEST_MISMATCH'
  /** The server wants a token, or another one. */
  | 'DOWNLOAD_REFUSED'
  | 'DOWNLOAD_FAILED'
  | 'DISK_FULL'
  | 'CANCELLED'

/** What can go wrong on the way to a model file. */
export class ModelError extends ShoalError<ModelErrorCode> {
  override readonly name = 'ModelError'
}
