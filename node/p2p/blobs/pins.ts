import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileDurably } from '../../../inference/learning/durable-file.ts'
import { BLOB_DIGEST_PATTERN, type BlobDigest } from '../../../protocol/messages/learning/blob-ref.ts'
import { BlobError } from './errors.ts'
import { onDisk } from './files.ts'

const MAX_PINNED = 4_096
const MAX_HOLDERS = 64
const MAX_HOLDER_CHARS = 160

const pinsSchema = z
  .array(
    z.tuple([
      z.string().regex(BLOB_DIGEST_PATTERN),
      z.array(z.string().min(1).max(MAX_HOLDER_CHARS)).min(1).max(MAX_HOLDERS),
    ]),
  )
  .max(MAX_PINNED)

/** Who needs which blob, in a file, so that it holds after a restart. */
export class Pins {
  readonly #path: string
  #holders = new Map<BlobDigest, Set<string>>()
  #writing: Promise<void> = Promise.resolve()

  constructor(options: { folder: string }) {
    this.#path = join(options.folder, 'pins.json')
  }

  /**
   * Reads back what is there.
   * @throws {BlobError} STORE_UNREADABLE: without it, what others need could be deleted
   */
  async read(): Promise<void> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return
      throw damaged(this.#path, cause)
    }
    try {
      const pins = pinsSchema.parse(JSON.parse(text))
      this.#holders = new Map(pins.map(([digest, holders]) => [digest, new Set(holders)]))
    } catch (cause) {
      throw damaged(this.#path, cause)
    }
  }

  has(digest: BlobDigest): boolean {
    return this.#holders.has(digest)
  }

  /** @throws {BlobError} QUOTA_EXCEEDED, DISK_FULL, STORE_UNREADABLE */
  async add(digest: BlobDigest, holder: string): Promise<void> {
    const holders = this.#holders.get(digest) ?? new Set()
    if (holders.has(holder)) return this.#writing
    if (holder.length === 0 || holder.length > MAX_HOLDER_CHARS || !BLOB_DIGEST_PATTERN.test(digest))
      throw new RangeError('not something that can be pinned')
    if (holders.size >= MAX_HOLDERS || (holders.size === 0 && this.#holders.size >= MAX_PINNED))
      throw new BlobError('QUOTA_EXCEEDED', 'too many blobs are pinned', {
        fix: 'Let rounds end before more are joined.',
      })
    this.#holders.set(digest, holders.add(holder))
    await this.#write()
  }

  async removeAll(holder: string): Promise<void> {
    const forgotten = [...this.#holders.keys()].filter(digest => this.#forget(digest, holder))
    if (forgotten.length > 0) await this.#write()
  }

  #forget(digest: BlobDigest, holder: string): boolean {
    const holders = this.#holders.get(digest)
    if (holders?.delete(holder) !== true) return false
    if (holders.size === 0) this.#holders.delete(digest)
    return true
  }

  /** One write after the other, each of what holds when it begins. */
  #write(): Promise<void> {
    const written = this.#writing
      .catch(() => {})
      .then(() =>
        onDisk(() => {
          const pins = [...this.#holders].map(([digest, holders]) => [digest, [...holders]])
          return writeFileDurably(this.#path, Buffer.from(JSON.stringify(pins)))
        }),
      )
    this.#writing = written
    // Whoever waits is told; nobody may.
    written.catch(() => {})
    return written
  }
}

function damaged(path: string, cause: unknown): BlobError {
  return new BlobError('STORE_UNREADABLE', `${path} cannot be read`, {
    fix: 'Check the disk; removing the file lets all blobs be deleted when room is needed.',
    details: { path },
    cause,
  })
}
