import type { Logger } from '../log.ts'
import { LatestWriter } from './latest-writer.ts'
import type { Store } from './store.ts'
import type { BatchOperation } from './table.ts'

export interface ChangedRecordsModules {
  store: Pick<Store, 'batch'>
  log: Logger
  /** Puts a record as it now is, or deletes it. */
  operationOf: (key: string) => BatchOperation
}

/**
 * Brings to disk, soon after each change, records of which the truth is in memory, for callers that cannot wait: one
 * write at a time, all that has changed meanwhile in the next. They survive the death of the process but not of the
 * machine. What a write fails on is tried again with the next change.
 */
export class ChangedRecords {
  readonly #modules: ChangedRecordsModules
  readonly #changed = new Set<string>()
  readonly #writer: LatestWriter
  #writing: Promise<void> = Promise.resolve()

  constructor(modules: ChangedRecordsModules) {
    this.#modules = modules
    this.#writer = new LatestWriter(() => this.#write())
  }

  /** A record is no longer as it was. */
  note(key: string): void {
    this.#changed.add(key)
    this.#writing = this.#writer.write()
  }

  /** Resolves when all that was noted is on disk, or has failed to be and was logged. */
  async settled(): Promise<void> {
    await this.#writing
  }

  async #write(): Promise<void> {
    const keys = [...this.#changed]
    this.#changed.clear()
    if (keys.length === 0) return
    const { store, log, operationOf } = this.#modules
    try {
      await store.batch(keys.map(operationOf), { sync: false })
    } catch (error) {
      for (const key of keys) this.#changed.add(key)
      log.warn({ err: error, records: keys.length }, 'what has changed could not be written')
    }
  }
}
