import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ThreadKey, ThreadMemory } from '../../../../inference/llama/thread-memory.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const key: ThreadKey = {
  model: `a@sha256:${'1'.repeat(64)}`,
  cpu: 'Some CPU',
  cores: 2,
  backend: 'cpu',
  release: 'b1',
  fixedThreads: null,
}
const measured = { threads: 1, tokensPerSecond: 1_900 }

describe('ThreadMemory', () => {
  const folders = new TemporaryFolders()
  let folder: string

  beforeEach(async () => {
    folder = await folders.make()
  })

  after(() => folders.remove())

  it('remembers over restarts', async () => {
    await new ThreadMemory({ folder }).remember(key, measured)
    assert.deepEqual(await new ThreadMemory({ folder }).recall(key), measured)
  })

  it('knows a file by its digest, whatever its name', async () => {
    const memory = new ThreadMemory({ folder })
    await memory.remember(key, measured)
    assert.deepEqual(await memory.recall({ ...key, model: `b@sha256:${'1'.repeat(64)}` }), measured)
  })

  it('asks for a new measurement when anything else is different', async () => {
    const memory = new ThreadMemory({ folder })
    await memory.remember(key, measured)
    const others: Partial<ThreadKey>[] = [
      { model: `a@sha256:${'2'.repeat(64)}` },
      { cpu: 'Other CPU' },
      { cores: 4 },
      { backend: 'cuda' },
      { release: 'b2' },
      { fixedThreads: 2 },
    ]
    for (const other of others) assert.equal(await memory.recall({ ...key, ...other }), null)
  })

  it('begins anew when its file is damaged', async () => {
    await writeFile(join(folder, 'threads.json'), '[{"key":')
    const memory = new ThreadMemory({ folder })
    assert.equal(await memory.recall(key), null)
    await memory.remember(key, measured)
    assert.deepEqual(await memory.recall(key), measured)
  })

  it('keeps a bounded number', async () => {
    const memory = new ThreadMemory({ folder })
    for (let cores = 1; cores <= 260; cores++) await memory.remember({ ...key, cores }, measured)
    assert.equal(await memory.recall({ ...key, cores: 1 }), null)
    assert.deepEqual(await memory.recall({ ...key, cores: 260 }), measured)
  })
})
