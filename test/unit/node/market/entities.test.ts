import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError } from '../../../../node/config/errors.ts'
import { readEntities } from '../../../../node/market/entities.ts'
import { CREDIT } from '../../../../protocol/money.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

describe('the file of entities', () => {
  const folders = new TemporaryFolders()
  let path: string
  beforeEach(async () => {
    path = join(await folders.make(), 'entities.json')
  })
  afterEach(() => folders.remove())
  const read = async (content: unknown) => {
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return readEntities(path)
  }

  it('says what is made known, with prices in credits', async () => {
    const entities = await read([
      {
        kind: 'service',
        name: 'web-search',
        tags: ['protocol:mcp'],
        price: { amount: '0.5', unit: 'query' },
      },
      { kind: 'resource', name: 'gpu', tags: ['vram:24GiB'], capacity: 2 },
    ])
    const nothingMore = { endpoint: null, capacity: null }
    assert.deepEqual(entities, [
      {
        ...{ kind: 'service', name: 'web-search', tags: ['protocol:mcp'] },
        ...nothingMore,
        price: { amount: CREDIT / 2n, unit: 'query' },
      },
      { kind: 'resource', name: 'gpu', tags: ['vram:24GiB'], endpoint: null, price: null, capacity: 2 },
    ])
    assert.deepEqual(await read([]), [])
  })

  const wrong: [what: string, content: unknown, code: string, says: RegExp][] = [
    ['no JSON', '[', 'CONFIG_UNREADABLE', /cannot be read as JSON/],
    ['no list', {}, 'CONFIG_BAD_VALUE', /expected array/],
    ['an unknown kind', [{ kind: 'robot', name: 'x' }], 'CONFIG_BAD_VALUE', /at 0\.kind/],
    ['a name too long', [{ kind: 'agent', name: 'x'.repeat(65) }], 'CONFIG_BAD_VALUE', /at 0\.name/],
    ['a field nobody knows', [{ kind: 'agent', name: 'x', cost: 1 }], 'CONFIG_BAD_VALUE', /cost/],
    [
      'a price that is none',
      [{ kind: 'agent', name: 'x', price: { amount: '-1', unit: 'call' } }],
      'CONFIG_BAD_VALUE',
      /at 0\.price\.amount: expected credits/,
    ],
    [
      'more than an offer holds',
      Array.from({ length: 17 }, () => ({ kind: 'agent', name: 'x' })),
      'CONFIG_BAD_VALUE',
      /<=16/,
    ],
  ]
  for (const [what, content, code, says] of wrong) {
    it(`is refused with ${what}`, async () => {
      await assert.rejects(read(content), error => {
        assert.ok(error instanceof ConfigError)
        assert.equal(error.code, code)
        assert.match(error.message, says)
        assert.ok(error.fix)
        return true
      })
    })
  }

  it('is refused when it is not there', async () => {
    await assert.rejects(readEntities(`${path}.none`), { code: 'CONFIG_UNREADABLE' })
  })
})
