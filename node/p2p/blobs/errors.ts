import { ShoalError } from '../../../protocol/errors.ts'

export type BlobErrorCode =
  /** It is not here. */
  | 'BLOB_NOT_FOUND'
  /** Nobody who was asked gave all of it. */
  | 'BLOB_UNAVAILABLE'
  /** What was announced contradicts itself: the chunks fit their root and the whole does not fit the digest. */
  | 'BLOB_MISMATCH'
  /** The disk gives back something else than was written. */
  | 'BLOB_DAMAGED'
  | 'BLOB_TOO_LARGE'
  /** What is pinned or in use leaves no room. */
  | 'QUOTA_EXCEEDED'
  | 'DISK_FULL'
  /** The folder cannot be read or written. */
  | 'STORE_UNREADABLE'
  /** Too many transfers wait. */
  | 'BUSY'
  | 'CANCELLED'

/** What can go wrong with blobs. */
export class BlobError extends ShoalError<BlobErrorCode> {
  override readonly name = 'BlobError'
}
