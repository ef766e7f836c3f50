import type { NodeKey } from '../../../protocol/ids.ts'
import {
  type BlobDownFrame,
  type BlobUpFrame,
  MAX_CHUNKS_PER_GET,
} from '../../../protocol/messages/learning/blob-frame.ts'
import { type BlobRef, chunkCount, chunksRoot } from '../../../protocol/messages/learning/blob-ref.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { P2PError, type Violation } from '../errors.ts'
import type { FrameStream } from '../frame-stream.ts'
import type { P2PHost } from '../host.ts'
import { blobProtocol } from './blob-protocol.ts'
import type { BlobStore } from './blob-store.ts'
import { ChunkClaims } from './chunk-claims.ts'
import { BlobError } from './errors.ts'
import type { PartialBlob } from './partial-blob.ts'
import { pause, StallTimer } from './stall-timer.ts'

export interface DownloadModules {
  host: Pick<P2PHost, 'openStream' | 'nodeKey'>
  store: BlobStore
  isWelcome: (peer: NodeKey) => boolean
  onViolation: (peer: NodeKey, violation: Violation) => void
  /** Whom else to ask, once. */
  candidates: () => Iterable<NodeKey>
  clock: Clock
  log: Logger
  random: () => number
}

export interface DownloadOptions {
  ref: BlobRef
  /** A holder from whom nothing comes for so long is left. */
  stallTimeoutMs: number
  /** Until a holder that failed is asked again the first time; then four times as long each time. */
  retryMs: number
  signal: AbortSignal
  onProgress: (progress: DownloadProgress) => void
}

export interface DownloadProgress {
  /** Bytes that are here. */
  bytes: number
  totalBytes: number
  /** Who gives it at the moment. */
  holders: number
}

interface Holder {
  peer: NodeKey
  /** Tries in a row that brought nothing. */
  failures: number
  /** How much of our patience is left, of 1. */
  patience: number
  state: 'waiting' | 'asked' | 'left'
  /** Chunks asked of it that have not come. */
  asked: number[]
  /** What it has; null for all. */
  chunks: Uint8Array | null
}

type Frames = FrameStream<BlobUpFrame, BlobDownFrame>

const MAX_HOLDERS = 32
/** Asked at once. */
const MAX_ACTIVE = 6
/** Asked of one holder ahead of what has come, so that the way there and back costs nothing. */
const MAX_AHEAD = MAX_CHUNKS_PER_GET
const MIN_AHEAD = 2
const MAX_WRITING = 8
const CHUNKS_PER_CLAIM = 4
/** What a failure takes of the patience with a holder, and what it takes when the holder is busy. */
const FAILURE_COST = 0.34
const BUSY_COST = 0.05
const MAX_RETRY_MS = 5_000
/** How often a holder that has a part only is asked what it has by now. */
const ASK_AGAIN_MS = 250

/**
 * Fetches one blob of several holders at once: each is asked for chunks that nobody else was asked for, as fast as it gives them;
 * who has nothing left to do takes over from who is slow. Each chunk is checked before it is kept. A holder that sends something else
 * is reported and never asked again; one that is silent or gone is asked again later, some times.
 */
export class Download {
  readonly #options: DownloadOptions
  readonly #modules: DownloadModules
  readonly #holders = new Map<NodeKey, Holder>()
  readonly #end = new AbortController()
  readonly #streams = new Set<Frames>()
  #claims: ChunkClaims<Holder> | null = null
  #partial: PartialBlob | null = null
  #beginning: Promise<void> | null = null
  #failure: unknown = null
  #hasAskedAll = false
  #active = 0
  /** Chunks on their way to the disk. */
  #writing = 0
  #wake: () => void = () => {}
  #news = this.#next()

  constructor(options: DownloadOptions, modules: DownloadModules) {
    this.#options = options
    this.#modules = modules
  }

  /** Peers that are said to have it. */
  add(holders: Iterable<NodeKey>): void {
    for (const peer of holders) {
      if (this.#holders.size >= MAX_HOLDERS) break
      if (peer === this.#modules.host.nodeKey || this.#holders.has(peer)) continue
      this.#holders.set(peer, { peer, failures: 0, patience: 1, state: 'waiting', asked: [], chunks: null })
    }
    this.#ring()
  }

  /** Whether it is the same announcement. */
  isOf({ bytes, root }: BlobRef): boolean {
    return this.#options.ref.bytes === bytes && this.#options.ref.root === root
  }

  /**
   * Fetches; afterwards the store has it.
   * @returns its path
   * @throws {BlobError} BLOB_UNAVAILABLE, BLOB_MISMATCH, QUOTA_EXCEEDED, DISK_FULL, STORE_UNREADABLE, CANCELLED
   */
  async run(): Promise<string> {
    const { ref, signal } = this.#options
    const { store } = this.#modules
    const cancel = () => this.#fail(new BlobError('CANCELLED', 'the transfer was given up'))
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    try {
      const list = await store.knownList(ref)
      if (list !== null) await this.#begin(list)
      while (this.#failure === null && !this.#isDone) {
        const news = this.#news
        this.#employ()
        if (this.#active === 0 && !this.#hasWaiting) throw this.#unavailable()
        await news
      }
      if (this.#failure !== null) throw this.#failure
      return await store.finish(this.#partial!, signal)
    } catch (error) {
      throw signal.aborted ? new BlobError('CANCELLED', 'the transfer was given up', { cause: error }) : error
    } finally {
      signal.removeEventListener('abort', cancel)
      this.#stop('the transfer is over')
      while (this.#active + this.#writing > 0) await this.#news
      if (this.#partial !== null) await store.leave(this.#partial)
    }
  }

  get #isDone(): boolean {
    return this.#claims?.size === 0 && this.#writing === 0
  }

  get #hasWaiting(): boolean {
    return [...this.#holders.values()].some(({ state }) => state === 'waiting')
  }

  /** Asks as many holders as may be asked at once. */
  #employ(): void {
    if (!this.#hasAskedAll && [...this.#holders.values()].every(({ state }) => state === 'left')) {
      this.#hasAskedAll = true
      this.add(this.#modules.candidates())
    }
    for (const holder of this.#holders.values()) {
      if (this.#active >= MAX_ACTIVE) return
      if (holder.state === 'waiting') void this.#ask(holder)
    }
  }

  async #ask(holder: Holder): Promise<void> {
    this.#active += 1
    holder.state = 'asked'
    try {
      holder.state = await this.#fetchFrom(holder)
    } catch (error) {
      holder.state = 'left'
      this.#fail(error)
    } finally {
      this.#active -= 1
      this.#ring()
    }
  }

  /** @returns whether to ask it again */
  async #fetchFrom(holder: Holder): Promise<'waiting' | 'left'> {
    const { clock, log, isWelcome } = this.#modules
    if (!isWelcome(holder.peer)) return 'left'
    if (holder.failures > 0)
      await pause(
        clock,
        Math.min(this.#options.retryMs * 4 ** (holder.failures - 1), MAX_RETRY_MS),
        this.#end.signal,
      )
    if (this.#end.signal.aborted) return 'left'
    const stall = new StallTimer({ timeoutMs: this.#options.stallTimeoutMs }, { clock })
    let frames: Frames | null = null
    try {
      frames = await this.#modules.host.openStream(
        holder.peer,
        blobProtocol,
        AbortSignal.any([stall.signal, this.#end.signal]),
      )
      this.#streams.add(frames)
      await this.#converse(holder, frames, stall)
      return 'left'
    } catch (error) {
      if (!(error instanceof P2PError)) throw error
      log.debug({ peer: holder.peer, code: error.code }, 'a holder of a blob did not give it')
      if (error.code === 'BAD_FRAME' || error.code === 'PROTOCOL_UNSUPPORTED') return 'left'
      holder.failures += 1
      holder.patience -= FAILURE_COST
      return holder.patience > 0 ? 'waiting' : 'left'
    } finally {
      stall.stop()
      for (const index of holder.asked.splice(0)) this.#claims?.release(holder, index)
      if (frames !== null) {
        this.#streams.delete(frames)
        frames.abort('done')
      }
    }
  }

  /** @throws {P2PError} STREAM_RESET, TIMED_OUT, BAD_FRAME */
  async #converse(holder: Holder, frames: Frames, stall: StallTimer): Promise<void> {
    const { ref } = this.#options
    await frames.send({ kind: 'open', blob: ref, list: this.#claims === null }, stall.signal)
    // Of holders that have a part only, and nothing new for us, each could wait for the others for ever: what they say they have
    // does not count as a sign of life, chunks do.
    let awaitsHave = true
    for (;;) {
      if (this.#end.signal.aborted || this.#isDone) return
      if (!awaitsHave && this.#claims !== null) await this.#askForMore(holder, frames, stall)
      if (!awaitsHave && holder.asked.length === 0) {
        // Others are asked for all that it has. They may fail, and it may have more by now.
        if (!(await this.#waitForWork(holder, stall))) return
        if (holder.chunks === null) continue
        await frames.send({ kind: 'ask' }, stall.signal)
        awaitsHave = true
      }
      const frame = await frames.receive(stall.signal)
      if (frame === null) throw new P2PError('STREAM_RESET', 'the holder ended the transfer')
      switch (frame.kind) {
        case 'have':
          if (!awaitsHave) throw this.#violate(holder, 'bad_frame', 'a holder said unasked what it has')
          awaitsHave = false
          holder.chunks = frame.chunks
          if (frame.list !== null) await this.#learn(holder, frame.list)
          if (this.#claims === null) throw this.#violate(holder, 'bad_frame', 'the list of chunks is missing')
          break
        case 'chunk': {
          const data = await frames.receiveBytes(stall.signal)
          if (data === null) throw new P2PError('STREAM_RESET', 'the holder ended the transfer')
          stall.touch()
          await this.#keep(holder, frame.index, data)
          break
        }
        case 'missing':
          this.#expect(holder, frame.index)
          this.#claims?.release(holder, frame.index)
          // What it said it has, it has no more: until it says so again, it has nothing.
          holder.chunks = new Uint8Array(0)
          this.#ring()
          break
        case 'refused':
          if (frame.code !== 'unknown') holder.patience += FAILURE_COST - BUSY_COST
          throw new P2PError('STREAM_RESET', `the holder refused: ${frame.code}`)
      }
    }
  }

  async #askForMore(holder: Holder, frames: Frames, stall: StallTimer): Promise<void> {
    const claims = this.#claims!
    const has = (index: number) => hasChunk(holder, index)
    for (;;) {
      // Towards the end less is asked ahead, so that all holders end at about the same time.
      const share = Math.ceil(claims.unclaimed / (2 * this.#streams.size))
      const room = Math.min(Math.max(share, MIN_AHEAD), MAX_AHEAD) - holder.asked.length
      if (room < Math.min(share, CHUNKS_PER_CLAIM) || room < 1) return
      const claim = claims.claim(holder, has, Math.min(room, CHUNKS_PER_CLAIM)) ?? this.#steal(holder)
      if (claim === null) return
      for (let i = 0; i < claim.count; i++) holder.asked.push(claim.first + i)
      await frames.send({ kind: 'get', ...claim }, stall.signal)
    }
  }

  /** Who has nothing left to do takes over the chunk that would come last of who has most left to do. */
  #steal(holder: Holder): { first: number; count: number } | null {
    if (holder.asked.length > 0) return null
    const others = [...this.#holders.values()].filter(other => other !== holder)
    for (const { asked } of others.toSorted((a, b) => b.asked.length - a.asked.length))
      for (const index of asked.toReversed())
        if (hasChunk(holder, index) && this.#claims!.share(holder, index)) return { first: index, count: 1 }
    return null
  }

  /** @returns false when the transfer is over */
  async #waitForWork(holder: Holder, stall: StallTimer): Promise<boolean> {
    const { clock } = this.#modules
    if (holder.chunks === null) {
      stall.stop()
      await this.#news
      stall.touch()
    } else await pause(clock, ASK_AGAIN_MS, this.#end.signal)
    return !this.#isDone && !this.#end.signal.aborted
  }

  async #learn(holder: Holder, list: Uint8Array): Promise<void> {
    const { ref } = this.#options
    if (this.#claims !== null) return
    if (list.length !== chunkCount(ref.bytes) * 32 || chunksRoot(ref.bytes, list) !== ref.root)
      throw this.#violate(holder, 'false_content', 'the list of chunks does not fit its root')
    await this.#begin(list)
  }

  /** The first list that fits counts. */
  #begin(list: Uint8Array): Promise<void> {
    const { ref } = this.#options
    const { store, random } = this.#modules
    this.#beginning ??= (async () => {
      const partial = await store.begin(ref, list)
      this.#partial = partial
      const count = chunkCount(ref.bytes)
      this.#claims = new ChunkClaims({ count, has: index => partial.has(index) }, { random })
      this.#report()
      this.#ring()
    })()
    return this.#beginning
  }

  async #keep(holder: Holder, index: number, data: Uint8Array): Promise<void> {
    this.#expect(holder, index)
    const partial = this.#partial!
    if (!partial.fits(index, data)) {
      this.#claims!.release(holder, index)
      throw this.#violate(holder, 'false_content', 'a chunk is not what its hash promises')
    }
    holder.failures = 0
    holder.patience = 1
    if (!this.#claims!.isMissing(index)) return
    this.#claims!.done(index)
    this.#write(partial, index, data)
    // The disk may be some chunks behind, no more: who gives them then waits, too.
    while (this.#writing >= MAX_WRITING) await this.#news
  }

  #write(partial: PartialBlob, index: number, data: Uint8Array): void {
    this.#writing += 1
    void partial
      .write(index, data)
      .then(() => this.#report())
      .catch(error => this.#fail(error))
      .finally(() => {
        this.#writing -= 1
        this.#ring()
      })
  }

  /** Chunks come in the order in which they were asked for. */
  #expect(holder: Holder, index: number): void {
    if (holder.asked[0] !== index)
      throw this.#violate(holder, 'bad_frame', 'a chunk came that was not asked for')
    holder.asked.shift()
  }

  #violate(holder: Holder, violation: Violation, message: string): P2PError {
    this.#modules.onViolation(holder.peer, violation)
    return new P2PError('BAD_FRAME', message)
  }

  #report(): void {
    this.#options.onProgress({
      bytes: this.#partial!.bytes,
      totalBytes: this.#options.ref.bytes,
      holders: this.#streams.size,
    })
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#stop('the transfer failed')
  }

  #stop(reason: string): void {
    this.#end.abort()
    for (const frames of this.#streams) frames.abort(reason)
    this.#ring()
  }

  #unavailable(): BlobError {
    return new BlobError('BLOB_UNAVAILABLE', `nobody gave ${this.#options.ref.digest}`, {
      fix: 'Try again when one of those who have it is reachable; what has arrived is kept.',
      details: { asked: this.#holders.size, bytes: this.#partial?.bytes ?? 0 },
    })
  }

  #ring(): void {
    const wake = this.#wake
    this.#news = this.#next()
    wake()
  }

  #next(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}

function hasChunk({ chunks }: Holder, index: number): boolean {
  return chunks === null || ((chunks[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
}
