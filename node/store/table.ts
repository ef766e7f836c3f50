import { z } from 'zod'
import { decodeCanonical, encodeCanonical } from '../../protocol/codec.ts'
import type { BatchOperation, Database, Sublevel } from './database.ts'
import { StoreError } from './errors.ts'

/** Stored form and value, as for messages: bytes to hex strings, decimal strings to bigints. */
export type TableSchema<T> = z.ZodType<T>

export type { BatchOperation }

export interface Range {
  gte?: string
  gt?: string
  lt?: string
  lte?: string
  reverse?: boolean
  limit?: number
}

/** One table of records by text key, kept in the order of keys. */
export class Table<T> {
  readonly #name: string
  readonly #schema: TableSchema<T>
  readonly #database: Database
  readonly #sublevel: Sublevel

  constructor(options: { name: string; schema: TableSchema<T> }, modules: { database: Database }) {
    this.#name = options.name
    this.#schema = options.schema
    this.#database = modules.database
    this.#sublevel = modules.database.sublevel(options.name)
  }

  /** @throws {StoreError} STORE_CORRUPT */
  async get(key: string): Promise<T | undefined> {
    const bytes = await this.#sublevel.get(key)
    return bytes === undefined ? undefined : this.#decode(key, bytes)
  }

  /** Records of a range of keys. @throws {StoreError} STORE_CORRUPT */
  async *entries(range: Range = {}): AsyncGenerator<[key: string, value: T]> {
    for await (const [key, bytes] of this.#sublevel.iterator(range)) yield [key, this.#decode(key, bytes)]
  }

  async *values(range: Range = {}): AsyncGenerator<T> {
    for await (const [, value] of this.entries(range)) yield value
  }

  /**
   * Writes one record. With `sync` it is on disk when this resolves; without, it survives the death of
   * the process but not of the machine.
   * @throws {StoreError} DISK_FULL, STORE_UNREADABLE
   */
  async put(key: string, value: T, options: { sync: boolean } = { sync: true }): Promise<void> {
    await this.#database.batch([this.putOperation(key, value)], options)
  }

  /** For `Store.batch`. */
  putOperation(key: string, value: T): BatchOperation {
    return { type: 'put', sublevel: this.#sublevel, key, value: this.#encode(value) } as BatchOperation
  }

  /** For `Store.batch`. */
  deleteOperation(key: string): BatchOperation {
    return { type: 'del', sublevel: this.#sublevel, key } as BatchOperation
  }

  #encode(value: T): Uint8Array {
    return encodeCanonical(z.encode(this.#schema, value))
  }

  #decode(key: string, bytes: Uint8Array): T {
    try {
      return z.decode(this.#schema, decodeCanonical(bytes) as z.input<TableSchema<T>>)
    } catch (cause) {
      throw new StoreError('STORE_CORRUPT', `record ${key} of ${this.#name} cannot be read`, {
        fix: 'The disk or another program has damaged the database; restore the data folder from a backup.',
        details: { table: this.#name, key },
        cause,
      })
    }
  }
}
