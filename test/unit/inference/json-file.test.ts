import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { JsonFile } from '../../../inference/json-file.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

const schema = z.array(z.number())

describe('JsonFile', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let file: JsonFile<number[]>

  beforeEach(async () => {
    folder = await folders.make()
    file = new JsonFile({ path: join(folder, 'deep', 'file.json'), schema, empty: [] })
  })

  after(() => folders.remove())

  it('keeps every one of many updates at once', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, i) => file.update(values => [...values, i])))
    assert.equal((await file.read()).length, 50)
    assert.deepEqual(await readdir(join(folder, 'deep')), ['file.json'], 'no temporary file is left')
  })

  it('takes a damaged file, or one of another kind, for an empty one', async () => {
    assert.deepEqual(await file.read(), [])
    await file.update(() => [1])
    for (const text of ['', '[1', '{"a":1}', '["a"]', '\u0000']) {
      await writeFile(join(folder, 'deep', 'file.json'), text)
      assert.deepEqual(await file.read(), [])
    }
    await file.update(values => [...values, 2])
    assert.deepEqual(await file.read(), [2])
  })

  it('goes on after an update that failed', async () => {
    await assert.rejects(
      file.update(() => {
        throw new Error('no')
      }),
    )
    await file.update(() => [3])
    assert.deepEqual(await file.read(), [3])
  })
})
