import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { z } from 'zod'
import { JsonFile } from '../json-file.ts'

/** What must be the same for a partial file to be gone on with. */
export interface PartialState {
  url: string
  /** A strong ETag, else a Last-Modified date: what `If-Range` may carry (RFC 9110, 13.1.5). */
  validator: string | null
  totalBytes: number | null
}

const stateSchema = z.nullable(
  z.strictObject({
    url: z.string(),
    validator: z.nullable(z.string()),
    totalBytes: z.nullable(z.int().nonnegative()),
  }),
)

/**
 * A file on its way: `<path>.part` with its bytes and `<path>.part.json` with where they came from,
 * so that another process can go on with it.
 */
export class PartialFile {
  readonly path: string
  readonly #target: string
  readonly #state: JsonFile<PartialState | null>
  #handle: FileHandle | null = null
  #bytes = 0

  constructor(options: { target: string }) {
    this.#target = options.target
    this.path = `${options.target}.part`
    this.#state = new JsonFile({ path: `${this.path}.json`, schema: stateSchema, empty: null })
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Opens what is there. @returns where it came from; null when there is nothing to go on with */
  async open(): Promise<PartialState | null> {
    const state = await this.#state.read()
    this.#handle = await open(this.path, 'a')
    this.#bytes = (await stat(this.path)).size
    return state
  }

  async restart(state: PartialState): Promise<void> {
    await this.#opened().truncate(0)
    this.#bytes = 0
    await this.remember(state)
  }

  async remember(state: PartialState): Promise<void> {
    await this.#state.update(() => state)
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#opened().appendFile(chunk)
    this.#bytes += chunk.length
  }

  /** Keeps what is there for another time. */
  async close(): Promise<void> {
    await this.#handle?.close()
    this.#handle = null
  }

  /** Throws away what is there. */
  async discard(): Promise<void> {
    await this.close()
    await rm(this.path, { force: true })
    await rm(`${this.path}.json`, { force: true })
  }

  /** Makes it the finished file, in one step. */
  async finish(): Promise<void> {
    await this.#handle?.sync()
    await this.close()
    await rename(this.path, this.#target)
    await rm(`${this.path}.json`, { force: true })
  }

  #opened(): FileHandle {
    if (this.#handle === null) throw new TypeError('the partial file is not open')
    return this.#handle
  }
}
