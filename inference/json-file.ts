import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'

export interface JsonFileOptions<T> {
  path: string
  schema: z.ZodType<T>
  /** The value of a file that is missing or damaged. */
  empty: T
}

/**
 * One JSON value in a file, replaced as a whole so that a reader or a crash never meets half of it.
 * It is for caches: a missing or damaged file counts as empty, and of two processes that update it
 * at once one may undo the other.
 */
export class JsonFile<T> {
  readonly #path: string
  readonly #schema: z.ZodType<T>
  readonly #empty: T
  #updating: Promise<void> = Promise.resolve()

  constructor(options: JsonFileOptions<T>) {
    this.#path = options.path
    this.#schema = options.schema
    this.#empty = options.empty
  }

  async read(): Promise<T> {
    try {
      return this.#schema.parse(JSON.parse(await readFile(this.#path, 'utf8')))
    } catch {
      return this.#empty
    }
  }

  /** Updates run one after the other. Rejects when the file cannot be written. */
  update(change: (value: T) => T): Promise<void> {
    const updated = this.#updating.then(async () => {
      await this.#write(change(await this.read()))
    })
    this.#updating = updated.catch(() => {})
    return updated
  }

  async #write(value: T): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true })
    const temporary = `${this.#path}.${randomUUID()}.tmp`
    try {
      await writeFile(temporary, JSON.stringify(value))
      await rename(temporary, this.#path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
}
