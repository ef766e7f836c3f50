import { isShoalError } from '../../../protocol/errors.ts'
import type {
  BlobDownFrame,
  BlobRefusal,
  BlobUpFrame,
} from '../../../protocol/messages/learning/blob-frame.ts'
import { type BlobRef, chunkCount } from '../../../protocol/messages/learning/blob-ref.ts'
import type { Clock } from '../../clock.ts'
import { P2PError, type Violation } from '../errors.ts'
import type { FrameStream } from '../frame-stream.ts'
import type { BlobStore, OpenBlob } from './blob-store.ts'
import type { ByteRate, ByteShares } from './byte-budget.ts'
import type { PartialBlob } from './partial-blob.ts'
import { pause, StallTimer } from './stall-timer.ts'

export interface UploadModules {
  store: BlobStore
  clock: Clock
  /** How fast all uploads together may be. */
  rate: ByteRate
  /** How much each peer may have. */
  shares: ByteShares
  onViolation: (violation: Violation) => void
  signal: AbortSignal
}

/** A peer that asks for nothing, or takes nothing, for so long is left. */
const IDLE_TIMEOUT_MS = 30_000

/** Gives one blob, or what is here of it, to one peer over one stream. */
export class Upload {
  readonly #ref: BlobRef
  readonly #frames: FrameStream<BlobDownFrame, BlobUpFrame>
  readonly #modules: UploadModules
  readonly #idle: StallTimer
  #blob: OpenBlob | null = null

  constructor(
    options: { ref: BlobRef },
    modules: UploadModules & { frames: FrameStream<BlobDownFrame, BlobUpFrame> },
  ) {
    this.#ref = options.ref
    this.#frames = modules.frames
    this.#modules = modules
    this.#idle = new StallTimer({ timeoutMs: IDLE_TIMEOUT_MS }, modules)
  }

  /**
   * Answers until the other side has enough.
   * @throws {P2PError} STREAM_RESET, TIMED_OUT, BAD_FRAME
   */
  async run(wantsList: boolean): Promise<void> {
    const { signal } = this.#modules
    const end = () => this.#frames.abort('stopped')
    signal.addEventListener('abort', end, { once: true })
    try {
      const list = wantsList ? await this.#list() : null
      if (wantsList && list === null) return await refuse(this.#frames, 'unknown')
      await this.#send({ kind: 'have', chunks: this.#chunks(), list })
      for (;;) {
        const frame = await this.#frames.receive(this.#idle.signal)
        if (frame === null) break
        this.#idle.touch()
        if (frame.kind === 'open') throw this.#violate('a blob was opened twice on a stream')
        if (frame.kind === 'ask') await this.#send({ kind: 'have', chunks: this.#chunks(), list: null })
        else if (!(await this.#give(frame.first, frame.count))) return
      }
      await this.#frames.close()
    } finally {
      signal.removeEventListener('abort', end)
      this.#idle.stop()
      await this.#blob?.close()
    }
  }

  /** @returns whether to go on */
  async #give(first: number, count: number): Promise<boolean> {
    const { clock, rate, shares, signal } = this.#modules
    if (first + count > chunkCount(this.#ref.bytes)) throw this.#violate('a chunk was asked for that is none')
    let next = this.#read(first)
    for (let index = first; index < first + count; index++) {
      const data = await next
      // One is read while the one before is sent.
      if (index + 1 < first + count) next = quietly(this.#read(index + 1))
      if (data === null) {
        await this.#send({ kind: 'missing', index })
        continue
      }
      if (shares.left(this.#frames.remote) < data.length) {
        await refuse(this.#frames, 'spent')
        return false
      }
      shares.take(this.#frames.remote, data.length)
      const waitMs = rate.take(data.length)
      if (waitMs > 0) await pause(clock, waitMs, signal)
      this.#idle.touch()
      await this.#send({ kind: 'chunk', index })
      await this.#frames.sendBytes(data, this.#idle.signal)
    }
    return true
  }

  async #read(index: number): Promise<Uint8Array | null> {
    const partial = this.#partial()
    if (partial !== null) return partial.has(index) ? partial.read(index) : null
    return (await this.#open())?.read(index) ?? null
  }

  async #open(): Promise<OpenBlob | null> {
    if (this.#blob !== null) return this.#blob
    try {
      this.#blob = await this.#modules.store.open(this.#ref.digest)
      return this.#blob
    } catch (error) {
      // It was deleted since, or is being moved to its place.
      if (isShoalError(error, 'BLOB_NOT_FOUND', 'STORE_UNREADABLE')) return null
      throw error
    }
  }

  /** Null: all are here. */
  #chunks(): Uint8Array | null {
    const { store } = this.#modules
    return this.#partial()?.bitmap() ?? (store.has(this.#ref.digest) ? null : new Uint8Array(0))
  }

  async #list(): Promise<Uint8Array | null> {
    return this.#partial()?.list ?? (await this.#open())?.list ?? null
  }

  /** While it is under way here itself; not what another announcement says of the same digest. */
  #partial(): PartialBlob | null {
    const partial = this.#modules.store.partial(this.#ref.digest)
    return partial?.ref.root === this.#ref.root ? partial : null
  }

  async #send(frame: BlobDownFrame): Promise<void> {
    await this.#frames.send(frame, this.#idle.signal)
    this.#idle.touch()
  }

  #violate(message: string): P2PError {
    this.#modules.onViolation('bad_frame')
    return new P2PError('BAD_FRAME', message)
  }
}

/** What fails later is told to whoever waits for it; nobody may. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** Says why not, and ends. */
export async function refuse(
  frames: FrameStream<BlobDownFrame, BlobUpFrame>,
  code: BlobRefusal,
): Promise<void> {
  const signal = AbortSignal.timeout(2_000)
  await frames.send({ kind: 'refused', code }, signal)
  await frames.close(signal)
}
