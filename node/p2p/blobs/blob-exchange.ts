import type { NodeKey } from '../../../protocol/ids.ts'
import type { BlobDigest, BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { Violation } from '../errors.ts'
import type { P2PHost } from '../host.ts'
import type { BlobStore } from './blob-store.ts'

export interface BlobExchangeModules {
  host: Pick<P2PHost, 'serveStream' | 'openStream' | 'nodeKey'>
  store: BlobStore
  isWelcome: (peer: NodeKey) => boolean
  onViolation: (peer: NodeKey, violation: Violation) => void
  /** Peers to ask who has a blob when those that were named do not give it; the likeliest first. */
  candidates: (digest: BlobDigest) => Iterable<NodeKey>
  clock: Clock
  log: Logger
}

export interface FetchOptions {
  /** Who is said to have it; they are asked first. */
  holders: readonly NodeKey[]
  /** Who needs it: it is pinned from the start. */
  pin?: string
  /** Whether others may have it of us as soon as the first chunk is here; default true. */
  provide?: boolean
  signal?: AbortSignal
  onProgress?: (progress: { bytes: number; totalBytes: number; holders: number }) => void
}

/** Gives and gets blobs. */
export declare class BlobExchange {
  constructor(options: { uploadBytesPerSecond?: number }, modules: BlobExchangeModules)
  start(): Promise<void>
  stop(): Promise<void>
  /** Lets peers fetch a blob that is in the store; does not outlive the process. @throws {BlobError} BLOB_NOT_FOUND */
  provide(digest: BlobDigest): void
  unprovide(digest: BlobDigest): void
  /**
   * Makes a blob be in the store: from there, or from whoever gives it, several at once; goes on with what an earlier try,
   * of an earlier process too, has left.
   * @returns its path
   * @throws {BlobError} BLOB_UNAVAILABLE, BLOB_MISMATCH, QUOTA_EXCEEDED, DISK_FULL, BUSY, CANCELLED
   */
  fetch(ref: BlobRef, options: FetchOptions): Promise<string>
}
