import { equal } from 'node:assert/strict'
import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keepsWhatItKnows } from '../../../../../node/learning/acceptance/general-text.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

describe('general text', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('is asked of bases that are large enough not to forget it', async () => {
    const path = join(await folders.make(), 'base.gguf')
    await writeFile(path, '')
    await truncate(path, 64 * 1_048_576 - 1)
    equal(await keepsWhatItKnows(path), false)
    await truncate(path, 64 * 1_048_576)
    equal(await keepsWhatItKnows(path), true)
  })
})
