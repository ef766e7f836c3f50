import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Gives each test of the suite a folder of its own, and removes it afterwards. */
export function useTemporaryFolder(): { readonly path: string } {
  const folder = { path: '' }
  beforeEach(async () => {
    folder.path = await mkdtemp(join(tmpdir(), 'shoal-chain-'))
  })
  afterEach(async () => {
    await rm(folder.path, { recursive: true, force: true })
  })
  return folder
}
