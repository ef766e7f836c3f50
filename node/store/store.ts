import { Database } from './database.ts'
import { isDiskFull, StoreError, writeError } from './errors.ts'
import { type BatchOperation, Table, type TableSchema } from './table.ts'

/** The node's database: tables of validated records in one LevelDB, so that a batch over several is atomic. */
export class Store {
  readonly #database: Database

  private constructor(database: Database) {
    this.#database = database
  }

  /**
   * Opens the database; one process at a time.
   * @param modules.onWriteFailure told of each write that failed
   * @throws {StoreError} DATA_IN_USE, STORE_UNREADABLE
   */
  static async open(path: string, modules: { onWriteFailure?: () => void } = {}): Promise<Store> {
    const { onWriteFailure = () => {} } = modules
    try {
      return new Store(await Database.open(path, { onWriteFailure }))
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined
      if ((cause as { code?: string } | undefined)?.code === 'LEVEL_LOCKED') {
        throw new StoreError('DATA_IN_USE', 'another node uses this data folder', {
          fix: 'Stop it first, or give this one a folder of its own with --data.',
          details: { path },
        })
      }
      if (isDiskFull(error)) throw writeError(error)
      throw new StoreError('STORE_UNREADABLE', `the database at ${path} cannot be opened`, {
        fix: 'Check the permissions and the free space there; if the disk has failed, restore the folder from a backup.',
        details: { path },
        cause,
      })
    }
  }

  /** A named table; its values are checked by `schema` whenever they are read or written. */
  table<T>(name: string, schema: TableSchema<T>): Table<T> {
    return new Table({ name, schema }, { database: this.#database })
  }

  /**
   * Applies operations of any tables, all or none. With `sync` they are on disk when this resolves; without,
   * they survive the death of the process but not of the machine.
   * @throws {StoreError} DISK_FULL, STORE_UNREADABLE
   */
  async batch(
    operations: readonly BatchOperation[],
    options: { sync: boolean } = { sync: true },
  ): Promise<void> {
    await this.#database.batch(operations, options)
  }

  /** Idempotent. */
  async close(): Promise<void> {
    await this.#database.close()
  }
}
