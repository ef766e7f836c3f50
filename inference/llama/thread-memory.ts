import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { JsonFile } from '../json-file.ts'
import type { ThreadChoice } from './thread-measurement.ts'

/** What a measurement depends on; another value of any of them asks for a new one. */
export interface ThreadKey {
  /** Model id; its digest names the file. */
  model: string
  cpu: string
  cores: number
  backend: string
  release: string
  /** The count that was asked for instead of a choice. */
  fixedThreads: number | null
}

const MAX_ENTRIES = 256

const schema = z.array(
  z.strictObject({
    key: z.string(),
    threads: z.int().min(1).max(4_096),
    tokensPerSecond: z.number().positive(),
  }),
)

/** Remembers measured thread counts in `threads.json` of a folder, newest last; a damaged file is begun anew. */
export class ThreadMemory {
  readonly #file: JsonFile<z.infer<typeof schema>>

  constructor(options: { folder: string }) {
    this.#file = new JsonFile({ path: join(options.folder, 'threads.json'), schema, empty: [] })
  }

  async recall(key: ThreadKey): Promise<ThreadChoice | null> {
    const wanted = digest(key)
    const entry = (await this.#file.read()).find(entry => entry.key === wanted)
    return entry === undefined ? null : { threads: entry.threads, tokensPerSecond: entry.tokensPerSecond }
  }

  async remember(key: ThreadKey, choice: ThreadChoice): Promise<void> {
    const wanted = digest(key)
    await this.#file.update(entries => [
      ...entries.filter(entry => entry.key !== wanted).slice(1 - MAX_ENTRIES),
      { key: wanted, threads: choice.threads, tokensPerSecond: choice.tokensPerSecond },
    ])
  }
}

function digest(key: ThreadKey): string {
  return createHash('sha256')
    .update(
      JSON.stringify([
        key.model.slice(key.model.lastIndexOf('@')),
        key.cpu,
        key.cores,
        key.backend,
        key.release,
        key.fixedThreads,
      ]),
    )
    .digest('hex')
}
