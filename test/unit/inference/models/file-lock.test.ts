import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withFileLock } from '../../../../inference/models/file-lock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

describe('withFileLock', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let path: string

  beforeEach(async () => {
    folder = await folders.make()
    path = join(folder, 'file.lock')
  })

  after(() => folders.remove())

  it('lets one in at a time', async () => {
    let inside = 0
    let most = 0
    const work = async () => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise(resolve => setImmediate(resolve))
      inside -= 1
    }
    await Promise.all([1, 2, 3].map(() => withFileLock({ path }, work)))
    assert.equal(most, 1)
    assert.deepEqual(await readdir(folder), [])
  })

  it('tells once that it waits, and can be cancelled', async () => {
    const controller = new AbortController()
    let waits = 0
    await withFileLock({ path }, async () => {
      const onWait = () => {
        waits += 1
        controller.abort()
      }
      const waiting = withFileLock({ path, signal: controller.signal, onWait }, () => Promise.resolve())
      await assert.rejects(waiting, { name: 'AbortError' })
    })
    assert.equal(waits, 1)
  })

  it('gives the lock back when the work fails', async () => {
    await assert.rejects(
      withFileLock({ path }, () => Promise.reject(new Error('no'))),
      /no/,
    )
    assert.equal(await withFileLock({ path }, () => Promise.resolve('yes')), 'yes')
  })

  it('takes the lock of a process that was killed', async () => {
    const script = join(folder, 'holder.mjs')
    const module = new URL('../../../../inference/models/file-lock.ts', import.meta.url)
    await writeFile(
      script,
      `import { withFileLock } from ${JSON.stringify(module.href)}
       await withFileLock({ path: ${JSON.stringify(path)} }, async () => { process.send('held'); await new Promise(() => setInterval(() => {}, 1000)) })`,
    )
    const holder = fork(script, { execArgv: [] })
    await once(holder, 'message')
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    assert.equal(await withFileLock({ path }, () => Promise.resolve('mine')), 'mine')
  })

  it('takes a lock whose holder has not been seen for long', async () => {
    await writeFile(path, JSON.stringify({ pid: process.pid, owner: 'someone' }))
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(path, longAgo, longAgo)
    assert.equal(await withFileLock({ path }, () => Promise.resolve('mine')), 'mine')
  })
})
