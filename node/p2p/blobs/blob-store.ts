import type { BlobDigest, BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'

export interface BlobStoreOptions {
  /** For this store alone. */
  folder: string
  /** What all blobs may take together, those under way included; default 2 GiB. */
  maxBytes?: number
}

export interface BlobStoreModules {
  clock: Clock
  log: Logger
}

/** Content-addressed files of one folder. */
export declare class BlobStore {
  constructor(options: BlobStoreOptions, modules: BlobStoreModules)
  start(): Promise<void>
  stop(): Promise<void>
  /** Keeps bytes. @throws {BlobError} BLOB_TOO_LARGE, QUOTA_EXCEEDED, DISK_FULL, STORE_UNREADABLE */
  put(content: Uint8Array, options?: { pin?: string }): Promise<BlobRef>
  /** Keeps a copy of a file. */
  putFile(path: string, options?: { pin?: string; signal?: AbortSignal }): Promise<BlobRef>
  has(digest: BlobDigest): boolean
  /** What is here complete under that digest; null where nothing is. */
  ref(digest: BlobDigest): BlobRef | null
  /** @throws {BlobError} BLOB_NOT_FOUND, BLOB_DAMAGED */
  read(digest: BlobDigest): Promise<Uint8Array>
  /** Where the file lies; it stays there at least until `hold`'s release, or while it is pinned. @throws {BlobError} BLOB_NOT_FOUND */
  path(digest: BlobDigest): string
  /** Not deleted while `holder` (a round, a version) has not let go; survives restarts; the blob may come later. */
  pin(digest: BlobDigest, holder: string): Promise<void>
  unpin(digest: BlobDigest, holder: string): Promise<void>
  /** Lets go of all that a holder had pinned. */
  unpinAll(holder: string): Promise<void>
  /** Not deleted until the returned function is called or the process ends. */
  hold(digest: BlobDigest): () => void
  delete(digest: BlobDigest): Promise<void>
  readonly usage: { blobs: number; bytes: number; pinnedBytes: number; maxBytes: number }
}
