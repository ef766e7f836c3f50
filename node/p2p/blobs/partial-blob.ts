import { createHash, hash as digestOf } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import {
  BLOB_CHUNK_BYTES,
  type BlobRef,
  chunkCount,
  chunkLength,
} from '../../../protocol/messages/learning/blob-ref.ts'
import { onDisk, readFully, writeFully } from './files.ts'

const HASH_BYTES = 32
/** Less than a millisecond of hashing. */
const VERIFIED_AT_ONCE_BYTES = 1_048_576

/**
 * A blob on its way: a file in which each chunk has its place. Which of them are there is not written down: they are hashed
 * again when the file is opened, so that no crash can leave a false record.
 */
export class PartialBlob {
  readonly ref: BlobRef
  /** The hashes of the chunks, known to fit the root. */
  readonly list: Uint8Array
  readonly #file: FileHandle
  readonly #has: Uint8Array
  #missing: number
  #bytes = 0
  #closing: Promise<void> | null = null
  /** Reads and writes under way: the file is closed after them. */
  #busy = 0
  #idle: (() => void) | null = null

  private constructor(ref: BlobRef, list: Uint8Array, file: FileHandle) {
    this.ref = ref
    this.list = list
    this.#file = file
    this.#missing = chunkCount(ref.bytes)
    this.#has = new Uint8Array(this.#missing)
  }

  /**
   * Opens what an earlier try has left, or begins.
   * @throws {BlobError} DISK_FULL, STORE_UNREADABLE
   */
  static async open(path: string, ref: BlobRef, list: Uint8Array): Promise<PartialBlob> {
    const flags = 'r+'
    const file = await onDisk(() => open(path, flags).catch(() => open(path, 'wx+', 0o600)))
    const partial = new PartialBlob(ref, list, file)
    try {
      await onDisk(() => partial.#check())
      return partial
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Chunks that are not here yet. */
  get missing(): number {
    return this.#missing
  }

  /** Bytes that are here. */
  get bytes(): number {
    return this.#bytes
  }

  has(index: number): boolean {
    return this.#has[index] === 1
  }

  /** One bit a chunk, the first in the lowest bit of the first byte. */
  bitmap(): Uint8Array {
    const bits = new Uint8Array(Math.ceil(this.#has.length / 8))
    for (const [index, has] of this.#has.entries()) if (has === 1) bits[index >> 3]! |= 1 << (index & 7)
    return bits
  }

  /** Whether these are the bytes of that chunk. */
  fits(index: number, data: Uint8Array): boolean {
    return fitsList(this.ref, this.list, index, data)
  }

  /** Keeps a chunk that fits. @throws {BlobError} DISK_FULL, STORE_UNREADABLE */
  async write(index: number, data: Uint8Array): Promise<void> {
    await this.#use(() => writeFully(this.#file, data, index * BLOB_CHUNK_BYTES))
    this.#mark(index)
  }

  /** A chunk that is here; null where the disk has lost it. */
  async read(index: number): Promise<Uint8Array | null> {
    const data = new Uint8Array(chunkLength(this.ref.bytes, index))
    const isRead = await this.#use(() => readFully(this.#file, data, index * BLOB_CHUNK_BYTES))
    return isRead && this.fits(index, data) ? data : null
  }

  /** Whether the whole has the digest it should have; on disk when this returns. */
  async verify(signal?: AbortSignal): Promise<boolean> {
    return this.#use(async () => {
      const hash = createHash('sha256')
      const buffer = new Uint8Array(VERIFIED_AT_ONCE_BYTES)
      for (let at = 0; at < this.ref.bytes; at += buffer.length) {
        signal?.throwIfAborted()
        const data = buffer.subarray(0, Math.min(buffer.length, this.ref.bytes - at))
        if (!(await readFully(this.#file, data, at))) return false
        hash.update(data)
      }
      await this.#file.truncate(this.ref.bytes)
      await this.#file.sync()
      return `sha256:${hash.digest('hex')}` === this.ref.digest
    })
  }

  /** Idempotent; what is here stays for another time. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      if (this.#busy > 0)
        await new Promise<void>(resolve => {
          this.#idle = resolve
        })
      await this.#file.close()
    })()
    return this.#closing
  }

  async #check(): Promise<void> {
    const { size } = await this.#file.stat()
    const buffer = new Uint8Array(BLOB_CHUNK_BYTES)
    for (let index = 0; index < this.#has.length; index++) {
      const position = index * BLOB_CHUNK_BYTES
      const data = buffer.subarray(0, chunkLength(this.ref.bytes, index))
      if (position + data.length > size) return
      if ((await readFully(this.#file, data, position)) && this.fits(index, data)) this.#mark(index)
    }
  }

  #mark(index: number): void {
    if (this.#has[index] === 1) return
    this.#has[index] = 1
    this.#missing -= 1
    this.#bytes += chunkLength(this.ref.bytes, index)
  }

  async #use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw new TypeError('the partial blob is closed')
    this.#busy += 1
    try {
      return await onDisk(work)
    } finally {
      this.#busy -= 1
      if (this.#busy === 0) this.#idle?.()
    }
  }
}

/** Whether these are the bytes that a blob's list of hashes has at `index`. */
export function fitsList(ref: BlobRef, list: Uint8Array, index: number, data: Uint8Array): boolean {
  if (data.length !== chunkLength(ref.bytes, index)) return false
  const at = index * HASH_BYTES
  return digestOf('sha256', data, 'buffer').equals(list.subarray(at, at + HASH_BYTES))
}
