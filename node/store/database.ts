import { statfs } from 'node:fs/promises'
import { Level, type BatchOperation as LevelBatchOperation } from 'level'
import { writeError } from './errors.ts'

type Bytes = Level<string, Uint8Array>
export type BatchOperation = LevelBatchOperation<Bytes, string, Uint8Array>
export type Sublevel = ReturnType<typeof sublevelOf>

const ENCODINGS = { keyEncoding: 'utf8', valueEncoding: 'view' } as const
/** To open a database takes new files. */
const MIN_FREE_BYTES = 262_144

/**
 * A LevelDB that survives a full disk. A write that fails may leave a part of itself at the end of the
 * database's journal, behind which the next start would not find what is written later: so the database is
 * opened anew, which begins another journal, before anything more is written.
 */
export class Database {
  readonly #path: string
  readonly #level: Bytes
  readonly #onWriteFailure: () => void
  readonly #sublevels: Sublevel[] = []
  #hasFailed = false
  #reopening: Promise<void> | null = null
  #isClosed = false

  private constructor(path: string, level: Bytes, modules: { onWriteFailure: () => void }) {
    this.#path = path
    this.#level = level
    this.#onWriteFailure = modules.onWriteFailure
  }

  /**
   * @param modules.onWriteFailure told of each write that failed
   * @throws {Error} of LevelDB
   */
  static async open(path: string, modules: { onWriteFailure: () => void }): Promise<Database> {
    const level: Bytes = new Level(path, ENCODINGS)
    await level.open()
    return new Database(path, level, modules)
  }

  sublevel(name: string): Sublevel {
    const sublevel = sublevelOf(this.#level, name)
    this.#sublevels.push(sublevel)
    return sublevel
  }

  /** All or none. @throws {StoreError} DISK_FULL, STORE_UNREADABLE */
  async batch(operations: readonly BatchOperation[], options: { sync: boolean }): Promise<void> {
    try {
      if (this.#hasFailed && !this.#isClosed) {
        this.#reopening ??= this.#reopen()
        await this.#reopening
      }
      await this.#level.batch([...operations], options)
    } catch (cause) {
      this.#hasFailed = true
      this.#onWriteFailure()
      throw writeError(cause)
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#reopening?.catch(() => {})
    await this.#level.close()
  }

  async #reopen(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.#path)
      // Until there is room, what is there can at least be read.
      if (bavail * bsize < MIN_FREE_BYTES) throw new Error('No space left')
      await this.#level.close()
      await this.#level.open()
      await Promise.all(this.#sublevels.map(sublevel => sublevel.open()))
      this.#hasFailed = false
    } finally {
      this.#reopening = null
    }
  }
}

function sublevelOf(level: Bytes, name: string) {
  return level.sublevel<string, Uint8Array>(name, ENCODINGS)
}
