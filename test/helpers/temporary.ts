import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Folders of a test, removed together. */
export class TemporaryFolders {
  readonly #paths: string[] = []

  async make(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'shoal-test-'))
    this.#paths.push(path)
    return path
  }

  async remove(): Promise<void> {
    await Promise.all(this.#paths.splice(0).map(path => rm(path, { recursive: true, force: true })))
  }
}
