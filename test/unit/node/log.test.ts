import { deepEqual, doesNotThrow } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger } from '../../../node/log.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

/** Where every write fails for want of room. */
const FULL = '/dev/full'

describe('log', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('is one JSON line each', async () => {
    const file = join(await folders.make(), 'node.log')
    createLogger({ level: 'info', file }).info({ peers: 3 }, 'ready')
    const { level, peers, msg } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    deepEqual({ level, peers, msg }, { level: 30, peers: 3, msg: 'ready' })
  })

  it('loses lines and not the node where there is no room', function () {
    if (!existsSync(FULL)) this.skip()
    const log = createLogger({ level: 'info', file: FULL })
    doesNotThrow(() => {
      for (let line = 0; line < 3; line++) log.error('the chain does not answer')
    })
  })
})
