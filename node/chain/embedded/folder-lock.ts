import { Level } from 'level'

/**
 * Keeps a second process off a folder. LevelDB's lock is taken because the system gives it back when the process
 * dies, however it dies, on every platform.
 */
export class FolderLock {
  readonly #database: Level

  private constructor(database: Level) {
    this.#database = database
  }

  /**
   * @param path a folder for the lock alone; made when it is not there
   * @returns undefined when another process has it
   */
  static async acquire(path: string): Promise<FolderLock | undefined> {
    const database = new Level(path)
    try {
      await database.open()
    } catch (error) {
      if (((error as Error).cause as { code?: string } | undefined)?.code === 'LEVEL_LOCKED') return undefined
      throw error
    }
    return new FolderLock(database)
  }

  async release(): Promise<void> {
    await this.#database.close()
  }
}
