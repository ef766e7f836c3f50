import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Keeps what was measured in a folder, line by line, so that a run that was broken off goes on where it was. */
export class Notebook {
  readonly #folder: string

  constructor(options: { folder: string }) {
    this.#folder = options.folder
  }

  /** What was noted under a name; a line that was cut off is left out. */
  async read<T>(name: string): Promise<T[]> {
    const text = await readFile(this.#path(name), 'utf8').catch(() => '')
    const lines = text.split('\n')
    // All but complete lines end without a newline.
    if (lines.pop() !== '') await writeFile(this.#path(name), lines.map(line => `${line}\n`).join(''))
    return lines.map(line => JSON.parse(line) as T)
  }

  async add(name: string, entry: unknown): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    await appendFile(this.#path(name), `${JSON.stringify(entry)}\n`)
  }

  /** What was noted, or else what `make` gives. */
  async once<T>(name: string, make: () => Promise<T>): Promise<T> {
    const [noted] = await this.read<T>(name)
    if (noted !== undefined) return noted
    const made = await make()
    await this.add(name, made)
    return made
  }

  #path(name: string): string {
    return join(this.#folder, `${name}.jsonl`)
  }
}
