import assert from 'node:assert/strict'
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Notebook } from '../../../../scripts/roc/notebook.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

describe('Notebook', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  it('keeps entries, and drops one that was cut off', async () => {
    const folder = await folders.make()
    const notebook = new Notebook({ folder })
    assert.deepEqual(await notebook.read('x'), [])
    await notebook.add('x', { a: 1 })
    await appendFile(join(folder, 'x.jsonl'), '{"a":')
    assert.deepEqual(await notebook.read('x'), [{ a: 1 }])
    await notebook.add('x', { a: 2 })
    assert.deepEqual(await new Notebook({ folder }).read('x'), [{ a: 1 }, { a: 2 }])
  })

  it('makes what is not noted, once', async () => {
    const notebook = new Notebook({ folder: await folders.make() })
    let made = 0
    const make = async () => ++made
    assert.equal(await notebook.once('y', make), 1)
    assert.equal(await notebook.once('y', make), 1)
  })
})
