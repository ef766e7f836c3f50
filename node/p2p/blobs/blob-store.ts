import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeFileDurably } from '../../../inference/learning/durable-file.ts'
import { isPrivateHead, refusePrivate } from '../../../inference/learning/private-adapter.ts'
import {
  BLOB_CHUNK_BYTES,
  type BlobDigest,
  type BlobRef,
  chunkCount,
  chunkLength,
  chunksRoot,
  MAX_BLOB_BYTES,
} from '../../../protocol/messages/learning/blob-ref.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { ChunkHasher } from './chunk-hasher.ts'
import { BlobError } from './errors.ts'
import { diskFull, freeBytesOf, onDisk, readFully, writeFully } from './files.ts'
import { fitsList, PartialBlob } from './partial-blob.ts'
import { Pins } from './pins.ts'

export interface BlobStoreOptions {
  /** For this store alone. */
  folder: string
  /** What all blobs may take together, those under way included, bytes; default 2 GiB. */
  maxBytes?: number
}

export interface BlobStoreModules {
  clock: Clock
  log: Logger
  /** Bytes free in the file system of a folder. */
  freeBytes?: (folder: string) => Promise<number>
}

interface Entry {
  ref: BlobRef
  usedMs: number
  isPartial: boolean
}

/** A blob that is open to be read in chunks; it is not deleted until it is closed. */
export interface OpenBlob {
  readonly ref: BlobRef
  readonly list: Uint8Array
  /** A chunk, checked; null where the disk gives back something else. */
  read(index: number): Promise<Uint8Array | null>
  close(): Promise<void>
}

const MAX_BYTES = 2 * 1024 ** 3
/** Left free on the disk. */
const DISK_MARGIN_BYTES = 67_108_864
/** Uses within so long count as one. */
const USE_RESOLUTION_MS = 60_000
/** Of files that no name of a blob begins. */
const UNFINISHED = '.part'
const FILE_NAME = /^([0-9a-f]{64})\.(blob|part|chunks)$/

/**
 * Content-addressed files of one folder: `<sha256>.blob` is there whole or not at all, `.part` is under way, `.chunks` the list of
 * its chunks' hashes. When there is no room, what was used longest ago is deleted, unless it is pinned or in use.
 */
export class BlobStore {
  readonly #folder: string
  readonly #maxBytes: number
  readonly #modules: BlobStoreModules
  readonly #freeBytes: (folder: string) => Promise<number>
  readonly #pins: Pins
  readonly #entries = new Map<BlobDigest, Entry>()
  readonly #holds = new Map<BlobDigest, number>()
  readonly #partials = new Map<BlobDigest, PartialBlob>()
  readonly #removing = new Map<BlobDigest, Promise<void>>()
  /** Promised to blobs that are being written. */
  #reservedBytes = 0
  #starting: Promise<void> | null = null

  constructor(options: BlobStoreOptions, modules: BlobStoreModules) {
    this.#folder = options.folder
    this.#maxBytes = options.maxBytes ?? MAX_BYTES
    this.#modules = modules
    this.#freeBytes = modules.freeBytes ?? freeBytesOf
    this.#pins = new Pins({ folder: options.folder })
  }

  /**
   * Reads back what is there, and removes what a crash has left.
   * @throws {BlobError} STORE_UNREADABLE, DISK_FULL
   */
  start(): Promise<void> {
    this.#starting ??= onDisk(() => this.#start())
    return this.#starting
  }

  /** Idempotent; what is under way stays for another time. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => {})
    await Promise.all([...this.#partials.values()].map(partial => partial.close()))
    this.#partials.clear()
  }

  /**
   * Keeps bytes.
   * @param options.pin who needs them
   * @throws {AdapterError} PRIVATE
   * @throws {BlobError} BLOB_TOO_LARGE, QUOTA_EXCEEDED, DISK_FULL, STORE_UNREADABLE
   */
  async put(content: Uint8Array, options: { pin?: string } = {}): Promise<BlobRef> {
    return this.#put(content.length, options.pin, async (chunk, position) => {
      chunk.set(content.subarray(position, position + chunk.length))
      return true
    })
  }

  /**
   * Keeps a copy of a file.
   * @throws {AdapterError} PRIVATE
   * @throws {BlobError} BLOB_NOT_FOUND, BLOB_TOO_LARGE, QUOTA_EXCEEDED, DISK_FULL, STORE_UNREADABLE, CANCELLED
   */
  async putFile(path: string, options: { pin?: string; signal?: AbortSignal } = {}): Promise<BlobRef> {
    const { pin, signal } = options
    const file = await open(path, 'r').catch(cause => {
      throw new BlobError('BLOB_NOT_FOUND', `${path} cannot be read`, { details: { path }, cause })
    })
    try {
      const { size } = await file.stat()
      return await this.#put(size, pin, (chunk, position) => {
        if (signal?.aborted === true) throw new BlobError('CANCELLED', 'the copy was given up')
        return readFully(file, chunk, position)
      })
    } finally {
      await file.close()
    }
  }

  /** Whether all of it is here. */
  has(digest: BlobDigest): boolean {
    return this.ref(digest) !== null
  }

  /** What is here complete under that digest; null where nothing is. */
  ref(digest: BlobDigest): BlobRef | null {
    const entry = this.#entries.get(digest)
    return entry === undefined || entry.isPartial ? null : entry.ref
  }

  /**
   * All bytes of a blob, checked.
   * @throws {BlobError} BLOB_NOT_FOUND, BLOB_DAMAGED (then it is gone), STORE_UNREADABLE
   */
  async read(digest: BlobDigest): Promise<Uint8Array> {
    const blob = await this.open(digest)
    try {
      const content = new Uint8Array(blob.ref.bytes)
      for (let index = 0; index < chunkCount(content.length); index++) {
        const chunk = await blob.read(index)
        if (chunk === null)
          throw new BlobError('BLOB_DAMAGED', 'the disk gives back something else than was written', {
            fix: 'Check the disk; the blob is fetched again when it is needed.',
            details: { digest },
          })
        content.set(chunk, index * BLOB_CHUNK_BYTES)
      }
      return content
    } finally {
      await blob.close()
    }
  }

  /**
   * Where a blob's file lies; it stays there while it is pinned or held.
   * @throws {BlobError} BLOB_NOT_FOUND
   */
  path(digest: BlobDigest): string {
    this.#use(this.#complete(digest))
    return this.#at(digest, 'blob')
  }

  /**
   * Opens a blob to be read in chunks.
   * @throws {BlobError} BLOB_NOT_FOUND, STORE_UNREADABLE
   */
  async open(digest: BlobDigest): Promise<OpenBlob> {
    const entry = this.#complete(digest)
    const { ref } = entry
    this.#use(entry)
    const release = this.hold(digest)
    let file: FileHandle | null = null
    try {
      const opened = await onDisk(() => open(this.#at(digest, 'blob'), 'r'))
      file = opened
      const list = await onDisk(() => readFile(this.#at(digest, 'chunks')))
      return {
        ref,
        list,
        read: async index => {
          const data = new Uint8Array(chunkLength(ref.bytes, index))
          const isRead = await onDisk(() => readFully(opened, data, index * BLOB_CHUNK_BYTES))
          if (isRead && fitsList(ref, list, index, data)) return data
          await this.#drop(digest, 'a blob on disk was damaged, and is gone')
          return null
        },
        close: async () => {
          release()
          await opened.close()
        },
      }
    } catch (error) {
      release()
      await file?.close()
      throw error
    }
  }

  /**
   * Keeps a blob from being deleted until `holder`, such as a round, lets go; after restarts too. The blob may come later.
   * @throws {BlobError} QUOTA_EXCEEDED, DISK_FULL, STORE_UNREADABLE
   */
  pin(digest: BlobDigest, holder: string): Promise<void> {
    return this.#pins.add(digest, holder)
  }

  /** Lets go of all that a holder had pinned. @throws {BlobError} DISK_FULL, STORE_UNREADABLE */
  unpinAll(holder: string): Promise<void> {
    return this.#pins.removeAll(holder)
  }

  /** Keeps a blob from being deleted until the function returned is called, or the process ends. */
  hold(digest: BlobDigest): () => void {
    this.#holds.set(digest, (this.#holds.get(digest) ?? 0) + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = this.#holds.get(digest)! - 1
      if (left === 0) this.#holds.delete(digest)
      else this.#holds.set(digest, left)
    }
  }

  /** Deletes a blob unless it is pinned or in use. @returns whether it is gone */
  async delete(digest: BlobDigest): Promise<boolean> {
    if (this.#isKept(digest)) return false
    await this.#remove(digest)
    return true
  }

  /** What is here, complete or not, and what of it may not be deleted. */
  get usage(): { blobs: number; bytes: number; keptBytes: number; maxBytes: number } {
    const entries = [...this.#entries.values()]
    const sum = (some: readonly Entry[]) => some.reduce((bytes, { ref }) => bytes + ref.bytes, 0)
    return {
      blobs: entries.filter(({ isPartial }) => !isPartial).length,
      bytes: sum(entries),
      keptBytes: sum(entries.filter(({ ref }) => this.#isKept(ref.digest))),
      maxBytes: this.#maxBytes,
    }
  }

  /** A partial blob that is open. */
  partial(digest: BlobDigest): PartialBlob | null {
    return this.#partials.get(digest) ?? null
  }

  /** The list of chunks that an earlier try has left; null where there is none that fits. */
  async knownList(ref: BlobRef): Promise<Uint8Array | null> {
    const list = await readFile(this.#at(ref.digest, 'chunks')).catch(() => null)
    return list !== null && isListOf(ref, list) ? new Uint8Array(list) : null
  }

  /**
   * Begins a blob or goes on with it; one at a time for each digest. It is in use until it is finished or left.
   * @param list the hashes of its chunks, which fit the root
   * @throws {BlobError} BLOB_TOO_LARGE, QUOTA_EXCEEDED, DISK_FULL, STORE_UNREADABLE
   */
  async begin(ref: BlobRef, list: Uint8Array): Promise<PartialBlob> {
    if (!isListOf(ref, list)) throw new RangeError('the list does not fit the root')
    if (this.#partials.has(ref.digest)) throw new TypeError('this blob is being fetched already')
    const known = this.#entries.get(ref.digest)
    const room = known?.isPartial === true ? Math.max(0, ref.bytes - known.ref.bytes) : ref.bytes
    const release = this.hold(ref.digest)
    try {
      await this.#reserve(room, async () => {
        await this.#removing.get(ref.digest)
        await onDisk(() => writeFileDurably(this.#at(ref.digest, 'chunks'), list))
        const partial = await PartialBlob.open(this.#at(ref.digest, 'part'), ref, list)
        if (!this.has(ref.digest))
          this.#entries.set(ref.digest, { ref, usedMs: this.#modules.clock.nowMs(), isPartial: true })
        this.#partials.set(ref.digest, partial)
      })
    } finally {
      release()
    }
    return this.#partials.get(ref.digest)!
  }

  /**
   * Makes a partial blob that misses no chunk a blob.
   * @returns its path
   * @throws {BlobError} BLOB_MISMATCH (then it is gone), DISK_FULL, STORE_UNREADABLE, CANCELLED
   */
  async finish(partial: PartialBlob, signal?: AbortSignal): Promise<string> {
    const { ref } = partial
    const release = this.hold(ref.digest)
    try {
      const fits = await partial.verify(signal)
      await this.leave(partial)
      if (!fits) {
        // The right one may have been put here meanwhile.
        if (!this.has(ref.digest)) await this.#remove(ref.digest)
        throw new BlobError('BLOB_MISMATCH', 'the chunks that were announced are not of the blob announced', {
          fix: 'Nothing can be done here: whoever announced it is at fault.',
          details: { digest: ref.digest },
        })
      }
      await onDisk(() => this.#appear(this.#at(ref.digest, 'part'), ref))
      return this.path(ref.digest)
    } finally {
      release()
    }
  }

  /** Closes a partial blob; what is here stays for another time. Idempotent. */
  async leave(partial: PartialBlob): Promise<void> {
    if (this.#partials.get(partial.ref.digest) === partial) this.#partials.delete(partial.ref.digest)
    await partial.close()
  }

  async #start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await this.#pins.read()
    const kinds = new Map<string, Set<string>>()
    for (const name of await readdir(this.#folder)) {
      const [, hex, kind] = FILE_NAME.exec(name) ?? []
      if (hex !== undefined && kind !== undefined)
        kinds.set(hex, (kinds.get(hex) ?? new Set<string>()).add(kind))
      else if (name.endsWith(UNFINISHED)) await rm(join(this.#folder, name), { force: true })
    }
    for (const [hex, kind] of kinds) await this.#adopt(`sha256:${hex}`, kind)
    // The quota may be smaller than it was.
    for (const entry of this.#leaving(this.#usedBytes() - this.#maxBytes) ?? [])
      await this.#remove(entry.ref.digest)
  }

  async #adopt(digest: BlobDigest, kinds: ReadonlySet<string>): Promise<void> {
    const isPartial = !kinds.has('blob')
    if (kinds.has('blob') && kinds.has('part')) await rm(this.#at(digest, 'part'), { force: true })
    const file = kinds.has('blob') || kinds.has('part') ? this.#at(digest, isPartial ? 'part' : 'blob') : null
    const list = kinds.has('chunks') ? await readFile(this.#at(digest, 'chunks')) : null
    const info = file === null ? null : await stat(file)
    // A partial blob is as long as its last chunk that came: what it will need is asked for when it is gone on with.
    const fits =
      info !== null &&
      list !== null &&
      info.size <= MAX_BLOB_BYTES &&
      (isPartial || list.length === chunkCount(info.size) * 32)
    if (!fits) return this.#remove(digest)
    const root = chunksRoot(info.size, list)
    this.#entries.set(digest, { ref: { digest, bytes: info.size, root }, usedMs: info.mtimeMs, isPartial })
  }

  async #put(
    bytes: number,
    pin: string | undefined,
    fill: (chunk: Uint8Array, position: number) => Promise<boolean>,
  ): Promise<BlobRef> {
    if (bytes < 1 || bytes > MAX_BLOB_BYTES) throw tooLarge(bytes)
    return this.#reserve(bytes, () =>
      onDisk(async () => {
        const temporary = join(this.#folder, `${randomUUID()}${UNFINISHED}`)
        try {
          const hasher = new ChunkHasher({ bytes })
          await writeChunks(temporary, bytes, hasher, fill)
          const ref = hasher.finish()
          if (pin !== undefined) await this.pin(ref.digest, pin)
          await this.#keep(temporary, ref, hasher.list)
          return ref
        } finally {
          await rm(temporary, { force: true })
        }
      }),
    )
  }

  async #keep(temporary: string, ref: BlobRef, list: Uint8Array): Promise<void> {
    const { digest } = ref
    const here = this.#entries.get(digest)
    if (here?.isPartial === false) return this.#use(here)
    const release = this.hold(digest)
    try {
      await this.#removing.get(digest)
      await writeFileDurably(this.#at(digest, 'chunks'), list)
      await this.#appear(temporary, ref)
    } finally {
      release()
    }
  }

  /** The one step in which a blob comes to be there. */
  async #appear(path: string, ref: BlobRef): Promise<void> {
    await rename(path, this.#at(ref.digest, 'blob'))
    await syncFolder(this.#folder)
    this.#entries.set(ref.digest, { ref, usedMs: this.#modules.clock.nowMs(), isPartial: false })
    if (!this.#partials.has(ref.digest)) await rm(this.#at(ref.digest, 'part'), { force: true })
  }

  /** Runs `work` with room for so many bytes. */
  async #reserve<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const leaving = this.#leaving(this.#usedBytes() + bytes - this.#maxBytes)
    if (leaving === null)
      throw new BlobError('QUOTA_EXCEEDED', `there is no room for ${bytes} bytes more`, {
        fix: 'Raise the quota, or let rounds end before more are joined.',
        details: { bytes, maxBytes: this.#maxBytes },
      })
    this.#reservedBytes += bytes
    try {
      await Promise.all(leaving.map(({ ref }) => this.#remove(ref.digest)))
      if ((await onDisk(() => this.#freeBytes(this.#folder))) < bytes + DISK_MARGIN_BYTES) throw diskFull()
      return await work()
    } finally {
      this.#reservedBytes -= bytes
    }
  }

  /** What has to be deleted to free so many bytes, the least recently used first; null where the rest is kept. */
  #leaving(bytes: number): Entry[] | null {
    const leaving: Entry[] = []
    let missing = bytes
    for (const entry of [...this.#entries.values()].toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (missing <= 0) break
      if (this.#isKept(entry.ref.digest)) continue
      leaving.push(entry)
      missing -= entry.ref.bytes
    }
    return missing <= 0 ? leaving : null
  }

  #usedBytes(): number {
    let bytes = this.#reservedBytes
    for (const { ref } of this.#entries.values()) bytes += ref.bytes
    return bytes
  }

  #isKept(digest: BlobDigest): boolean {
    return this.#pins.has(digest) || this.#holds.has(digest) || this.#partials.has(digest)
  }

  #complete(digest: BlobDigest): Entry {
    const entry = this.#entries.get(digest)
    if (entry === undefined || entry.isPartial)
      throw new BlobError('BLOB_NOT_FOUND', `${digest} is not here`, {
        fix: 'Fetch it from those who announced it.',
        details: { digest },
      })
    return entry
  }

  #use(entry: Entry): void {
    const nowMs = this.#modules.clock.nowMs()
    const wasMs = entry.usedMs
    entry.usedMs = nowMs
    if (nowMs - wasMs < USE_RESOLUTION_MS) return
    const seconds = nowMs / 1_000
    // Remembered for the next start as well as can be.
    utimes(this.#at(entry.ref.digest, 'blob'), seconds, seconds).catch(() => {})
  }

  async #drop(digest: BlobDigest, message: string): Promise<void> {
    this.#modules.log.error({ digest }, message)
    await this.#remove(digest)
  }

  /** At once for whoever asks; whoever writes it anew waits until its files are gone. */
  #remove(digest: BlobDigest): Promise<void> {
    this.#entries.delete(digest)
    const removed = (this.#removing.get(digest) ?? Promise.resolve()).then(() =>
      onDisk(async () => {
        // The content goes first: a list without a blob is nothing.
        for (const kind of ['blob', 'part', 'chunks'] as const)
          await rm(this.#at(digest, kind), { force: true })
      }),
    )
    const gone = removed
      .catch(() => {})
      .then(() => {
        if (this.#removing.get(digest) === gone) this.#removing.delete(digest)
      })
    this.#removing.set(digest, gone)
    return removed
  }

  #at(digest: BlobDigest, kind: 'blob' | 'part' | 'chunks'): string {
    return join(this.#folder, `${digest.slice('sha256:'.length)}.${kind}`)
  }
}

async function writeChunks(
  path: string,
  bytes: number,
  hasher: ChunkHasher,
  fill: (chunk: Uint8Array, position: number) => Promise<boolean>,
): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    const buffer = new Uint8Array(BLOB_CHUNK_BYTES)
    for (let index = 0; index < chunkCount(bytes); index++) {
      const chunk = buffer.subarray(0, chunkLength(bytes, index))
      const position = index * BLOB_CHUNK_BYTES
      if (!(await fill(chunk, position)))
        throw new BlobError('BLOB_NOT_FOUND', 'the file became shorter while it was read')
      if (index === 0) refusePrivate(isPrivateHead(chunk))
      hasher.add(chunk)
      await writeFully(file, chunk, position)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

function isListOf(ref: BlobRef, list: Uint8Array): boolean {
  return list.length === chunkCount(ref.bytes) * 32 && chunksRoot(ref.bytes, list) === ref.root
}

function tooLarge(bytes: number): BlobError {
  return new BlobError('BLOB_TOO_LARGE', `a blob has 1 to ${MAX_BLOB_BYTES} bytes, not ${bytes}`, {
    fix: 'Use a lower rank or fewer modules.',
    details: { bytes, maxBytes: MAX_BLOB_BYTES },
  })
}
