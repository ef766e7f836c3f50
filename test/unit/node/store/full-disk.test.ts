import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onSmallDisk, whyNoSmallDisk } from '../../../helpers/small-disk.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const WRITER = fileURLToPath(new URL('./full-disk-writer.ts', import.meta.url))

describe('store on a full disk', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('refuses what it cannot keep, and keeps what it takes before and afterwards', async function () {
    const folder = await folders.make()
    const why = await whyNoSmallDisk(folder)
    if (why !== null) {
      process.stderr.write(`    skipped: ${why}\n`)
      this.skip()
    }
    const [command, ...args] = [...onSmallDisk(folder, '2m'), process.execPath, WRITER, folder]
    const { stdout } = await promisify(execFile)(command!, args)
    const { kept, found, refused, failures, readable } = JSON.parse(stdout) as {
      kept: string[]
      found: string[]
      refused: string[]
      failures: number
      readable: number
    }
    assert.ok(refused.length >= 4 && refused.length === failures, stdout)
    assert.equal(readable, 700)
    assert.ok(kept.includes('after 39'))
    assert.deepEqual(found, kept)
  })
})
