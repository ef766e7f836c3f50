import type { NodeKey } from '../../../protocol/ids.ts'
import type {
  BlobDownFrame,
  BlobRefusal,
  BlobUpFrame,
} from '../../../protocol/messages/learning/blob-frame.ts'
import type { BlobDigest, BlobRef } from '../../../protocol/messages/learning/blob-ref.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { Violation } from '../errors.ts'
import type { FrameStream } from '../frame-stream.ts'
import type { P2PHost } from '../host.ts'
import { blobProtocol } from './blob-protocol.ts'
import type { BlobStore } from './blob-store.ts'
import { ByteRate, ByteShares } from './byte-budget.ts'
import { Download, type DownloadProgress } from './download.ts'
import { BlobError } from './errors.ts'
import { refuse, Upload } from './upload.ts'

export interface BlobExchangeOptions {
  /** All uploads together; default 64 MiB/s. */
  uploadBytesPerSecond?: number
  /** What one peer may have at once, bytes; default 2 GiB. It comes back within a day. */
  peerShareBytes?: number
  /** A holder from whom nothing comes for so long is left, ms; default 15 s. */
  stallTimeoutMs?: number
  /** Until a holder that failed is asked again the first time, ms; default 250. */
  retryMs?: number
}

export interface BlobExchangeModules {
  host: Pick<P2PHost, 'serveStream' | 'openStream' | 'nodeKey'>
  store: BlobStore
  isWelcome: (peer: NodeKey) => boolean
  onViolation: (peer: NodeKey, violation: Violation) => void
  /** Peers to ask who has a blob when those that were named do not give it; the likeliest first. */
  candidates: (digest: BlobDigest) => Iterable<NodeKey>
  clock: Clock
  log: Logger
  /** Uniform in [0, 1). */
  random?: () => number
}

export interface FetchOptions {
  /** Who is said to have it; they are asked first. */
  holders: readonly NodeKey[]
  /** Who needs it: it is pinned from the start. */
  pin?: string
  /** Whether others may have it of us as soon as the first chunk is here; default true. */
  provide?: boolean
  signal?: AbortSignal
  onProgress?: (progress: DownloadProgress) => void
}

interface Transfer {
  download: Download
  path: Promise<string>
  abort: AbortController
  listeners: Set<(progress: DownloadProgress) => void>
  /** Callers that still want it. */
  wanted: number
}

const UPLOAD_BYTES_PER_SECOND = 64 * 1024 ** 2
const PEER_SHARE_BYTES = 2 * 1024 ** 3
const SHARE_RETURNS_IN_S = 86_400
const STALL_TIMEOUT_MS = 15_000
const RETRY_MS = 250
const MAX_UPLOADS = 48
const MAX_UPLOADS_PER_PEER = 4
const MAX_DOWNLOADS = 4
const MAX_WAITING_DOWNLOADS = 256
const MAX_PROVIDED = 4_096

/** Gives blobs that were announced to peers, and fetches theirs, over streams of their own. */
export class BlobExchange {
  readonly #modules: BlobExchangeModules
  readonly #stallTimeoutMs: number
  readonly #retryMs: number
  readonly #rate: ByteRate
  readonly #shares: ByteShares
  readonly #abort = new AbortController()
  readonly #provided = new Set<BlobDigest>()
  readonly #uploads = new Map<NodeKey, number>()
  #uploading = 0
  readonly #transfers = new Map<BlobDigest, Transfer>()
  #downloading = 0
  readonly #waiting: (() => void)[] = []

  constructor(options: BlobExchangeOptions, modules: BlobExchangeModules) {
    const { uploadBytesPerSecond = UPLOAD_BYTES_PER_SECOND, peerShareBytes = PEER_SHARE_BYTES } = options
    const { clock } = modules
    this.#modules = modules
    this.#stallTimeoutMs = options.stallTimeoutMs ?? STALL_TIMEOUT_MS
    this.#retryMs = options.retryMs ?? RETRY_MS
    this.#rate = new ByteRate({ bytesPerSecond: uploadBytesPerSecond }, { clock })
    this.#shares = new ByteShares(
      { burst: peerShareBytes, bytesPerSecond: peerShareBytes / SHARE_RETURNS_IN_S },
      { clock },
    )
  }

  /** Answers peers from now on. */
  async start(): Promise<void> {
    await this.#modules.host.serveStream(blobProtocol, (frames, first) => this.#serve(frames, first))
  }

  /** Gives up all transfers; what has arrived is kept. Idempotent. */
  async stop(): Promise<void> {
    this.#abort.abort()
    const transfers = [...this.#transfers.values()]
    for (const { abort } of transfers) abort.abort()
    for (const go of this.#waiting.splice(0)) go()
    await Promise.allSettled(transfers.map(({ path }) => path))
  }

  /**
   * Lets peers fetch a blob that is in the store; does not outlive the process.
   * @throws {BlobError} BLOB_NOT_FOUND, QUOTA_EXCEEDED
   */
  provide(digest: BlobDigest): void {
    if (!this.#modules.store.has(digest))
      throw new BlobError('BLOB_NOT_FOUND', `${digest} is not here`, { details: { digest } })
    this.#provide(digest)
  }

  /**
   * Makes a blob be in the store: from there, or from whoever gives it, several at once; goes on with what an earlier try,
   * of an earlier process too, has left. Who fetches the same at the same time shares one transfer.
   * @returns its path
   * @throws {BlobError} BLOB_UNAVAILABLE, BLOB_MISMATCH, QUOTA_EXCEEDED, DISK_FULL, STORE_UNREADABLE, BUSY, CANCELLED
   */
  async fetch(ref: BlobRef, options: FetchOptions): Promise<string> {
    const { store } = this.#modules
    const { pin, provide = true, signal } = options
    if (signal?.aborted === true || this.#abort.signal.aborted) throw cancelled()
    const release = store.hold(ref.digest)
    try {
      if (pin !== undefined) await store.pin(ref.digest, pin)
      const here = store.ref(ref.digest)
      if (here !== null && (here.bytes !== ref.bytes || here.root !== ref.root))
        throw new BlobError('BLOB_MISMATCH', 'the blob of that digest has other chunks than were announced', {
          fix: 'Nothing can be done here: whoever announced it is at fault.',
          details: { digest: ref.digest },
        })
      if (provide) this.#provide(ref.digest)
      if (here !== null) return store.path(ref.digest)
      return await this.#join(ref, options)
    } finally {
      release()
    }
  }

  async #join(ref: BlobRef, options: FetchOptions): Promise<string> {
    const { signal, onProgress } = options
    const transfer = await this.#transferOf(ref, signal)
    transfer.download.add(options.holders)
    if (onProgress !== undefined) transfer.listeners.add(onProgress)
    transfer.wanted += 1
    let leave = () => {}
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(cancelled())
      signal?.addEventListener('abort', leave, { once: true })
    })
    try {
      return await (signal === undefined ? transfer.path : Promise.race([transfer.path, left]))
    } finally {
      signal?.removeEventListener('abort', leave)
      if (onProgress !== undefined) transfer.listeners.delete(onProgress)
      transfer.wanted -= 1
      if (transfer.wanted === 0) {
        transfer.abort.abort()
        // What is under way is closed before the caller goes on.
        await transfer.path.catch(() => {})
      }
    }
  }

  async #transferOf(ref: BlobRef, signal: AbortSignal | undefined): Promise<Transfer> {
    for (;;) {
      const known = this.#transfers.get(ref.digest)
      if (known === undefined) return this.#begin(ref)
      if (known.download.isOf(ref) && !known.abort.signal.aborted) return known
      // A false announcement of the same digest must not spoil this one: it has its turn first.
      await known.path.catch(() => {})
      if (signal?.aborted === true) throw cancelled()
    }
  }

  #begin(ref: BlobRef): Transfer {
    if (this.#waiting.length >= MAX_WAITING_DOWNLOADS)
      throw new BlobError('BUSY', 'too many transfers wait', { fix: 'Try again later.' })
    const { host, store, isWelcome, onViolation, candidates, clock, log } = this.#modules
    const abort = new AbortController()
    const listeners: Transfer['listeners'] = new Set()
    const download = new Download(
      {
        ref,
        stallTimeoutMs: this.#stallTimeoutMs,
        retryMs: this.#retryMs,
        signal: abort.signal,
        onProgress: progress => {
          for (const listener of listeners) listener(progress)
        },
      },
      {
        ...{ host, store, isWelcome, onViolation, clock, log },
        candidates: () => candidates(ref.digest),
        random: this.#modules.random ?? Math.random,
      },
    )
    const path = this.#inTurn(abort.signal, () => download.run()).finally(() => {
      this.#transfers.delete(ref.digest)
    })
    // Those who have gone are not told.
    path.catch(() => {})
    const transfer = { download, path, abort, listeners, wanted: 0 }
    this.#transfers.set(ref.digest, transfer)
    return transfer
  }

  async #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    while (this.#downloading >= MAX_DOWNLOADS && !signal.aborted)
      await new Promise<void>(resolve => {
        this.#waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    this.#downloading += 1
    try {
      return await work()
    } finally {
      this.#downloading -= 1
      this.#waiting.shift()?.()
    }
  }

  async #serve(frames: FrameStream<BlobDownFrame, BlobUpFrame>, first: BlobUpFrame): Promise<void> {
    const { store, clock, onViolation } = this.#modules
    const { remote } = frames
    if (first.kind !== 'open') {
      onViolation(remote, 'bad_frame')
      return frames.abort('nothing was opened')
    }
    const refusal = this.#refusal(remote, first.blob)
    if (refusal !== null) return refuse(frames, refusal)
    this.#count(remote, 1)
    try {
      const upload = new Upload(
        { ref: first.blob },
        {
          ...{ frames, store, clock, rate: this.#rate, shares: this.#shares, signal: this.#abort.signal },
          onViolation: violation => onViolation(remote, violation),
        },
      )
      await upload.run(first.list)
    } finally {
      this.#count(remote, -1)
    }
  }

  #refusal(peer: NodeKey, ref: BlobRef): BlobRefusal | null {
    const { store, isWelcome } = this.#modules
    const here = store.ref(ref.digest) ?? store.partial(ref.digest)?.ref
    const isHere = here?.bytes === ref.bytes && here.root === ref.root
    if (!isWelcome(peer) || !isHere || !this.#provided.has(ref.digest)) return 'unknown'
    const isBusy = this.#uploading >= MAX_UPLOADS || (this.#uploads.get(peer) ?? 0) >= MAX_UPLOADS_PER_PEER
    if (isBusy || this.#abort.signal.aborted) return 'busy'
    return this.#shares.left(peer) <= 0 ? 'spent' : null
  }

  #provide(digest: BlobDigest): void {
    const { store } = this.#modules
    if (this.#provided.size >= MAX_PROVIDED)
      for (const known of this.#provided) if (!store.has(known)) this.#provided.delete(known)
    if (this.#provided.size >= MAX_PROVIDED)
      throw new BlobError('QUOTA_EXCEEDED', 'too many blobs are provided', {
        fix: 'Let rounds end before more are joined.',
      })
    this.#provided.add(digest)
  }

  #count(peer: NodeKey, change: 1 | -1): void {
    this.#uploading += change
    const uploads = (this.#uploads.get(peer) ?? 0) + change
    if (uploads === 0) this.#uploads.delete(peer)
    else this.#uploads.set(peer, uploads)
  }
}

function cancelled(): BlobError {
  return new BlobError('CANCELLED', 'the transfer was given up')
}
