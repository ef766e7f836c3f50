import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { readServiceKey } from '../../../../../node/market/venues/service-key.ts'
import { type CloudService, readServicesFile } from '../../../../../node/market/venues/services-file.ts'
import { MODEL_ID_PATTERN } from '../../../../../protocol/ids.ts'
import { CREDIT } from '../../../../../protocol/money.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const KEY = 'sk-Never0Shown'
const MODEL = { model: 'meta-llama/Llama-3.1-8B', input: '0.1', output: 0.4, contextTokens: 8_192 }
const SERVICE = {
  name: 'example',
  url: 'https://api.example.com/v1/',
  keyEnv: 'EXAMPLE_KEY',
  models: [MODEL],
}

describe('the file of cloud services', () => {
  const folders = new TemporaryFolders()
  let folder: string
  before(async () => {
    folder = await folders.make()
  })
  after(() => folders.remove())

  async function read(content: unknown): Promise<CloudService[]> {
    const path = join(folder, 'services.yaml')
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return readServicesFile(path)
  }

  it('says where services are, what they ask and what they may have, in YAML or JSON', async () => {
    const [service] = await read(`
services:
  - name: example
    url: https://api.example.com/v1
    keyEnv: EXAMPLE_KEY
    region: us
    dataClass: SHARED
    stallTimeout: 5s
    models:
      - model: vendor/Big_Model:latest
        kinds: [chat, completion]
        input: 0.5
        output: "2"
        contextTokens: 128000
        quality: 0.9
        ttft: 400ms
        continues: prefix
        omit: [seed]
`)
    assert.equal(service!.service.stallTimeoutMs, 5_000)
    assert.equal(service!.dataClass, 'SHARED')
    const [model] = service!.service.models
    assert.match(model!.id, /^big_model-latest@sha256:[0-9a-f]{64}$/)
    assert.match(model!.id, MODEL_ID_PATTERN)
    assert.deepEqual(service!.terms.get(model!.id), {
      kinds: ['chat', 'completion'],
      price: { inputPerMillion: CREDIT / 2n, outputPerMillion: 2n * CREDIT },
      quality: 0.9,
      ttftMs: 400,
    })
    const [plain] = await read({ services: [SERVICE] })
    assert.equal(plain!.service.url, 'https://api.example.com/v1')
    assert.equal(plain!.dataClass, 'PUBLIC')
    assert.deepEqual(await read({ services: [] }), [])
  })

  it('takes a name under which a model competes with the same one of peers', async () => {
    const named = { ...MODEL, name: 'llama-3.1-8b-q8_0' }
    const [service] = await read({ services: [{ ...SERVICE, models: [named] }] })
    assert.ok(service!.service.models[0]!.id.startsWith('llama-3.1-8b-q8_0@sha256:'))
  })

  const refused: [string, unknown, RegExp][] = [
    ['no list', '[]', /expected object/],
    ['no YAML', 'services: [', /neither YAML nor JSON/],
    ['a bomb of aliases', 'a: &a [1]\nservices: [*a, *a, *a]', /neither YAML nor JSON|services/],
    ['an unknown field', { services: [{ ...SERVICE, key: KEY }] }, /key/],
    [
      'a key in place of its name',
      { services: [{ ...SERVICE, keyEnv: KEY }] },
      /name of an environment variable/,
    ],
    ['a variable that would be a setting', { services: [{ ...SERVICE, keyEnv: 'SHOAL_KEY' }] }, /SHOAL_/],
    ['a key in the URL', { services: [{ ...SERVICE, url: `https://x:${KEY}@e.com/v1` }] }, /without user/],
    ['a key in the query', { services: [{ ...SERVICE, url: `https://e.com/v1?k=${KEY}` }] }, /without user/],
    ['an open connection', { services: [{ ...SERVICE, url: 'http://e.com/v1' }] }, /expected https/],
    ['no URL', { services: [{ ...SERVICE, url: 'example' }] }, /expected a URL/],
    ['PRIVATE data elsewhere', { services: [{ ...SERVICE, dataClass: 'PRIVATE' }] }, /on this machine/],
    ['two places of a key', { services: [{ ...SERVICE, keyFile: 'x' }] }, /exclude each other/],
    [
      'a price that is none',
      { services: [{ ...SERVICE, models: [{ ...MODEL, input: 'free' }] }] },
      /amount of credits/,
    ],
    ['a time that is none', { services: [{ ...SERVICE, stallTimeout: '3 fish' }] }, /a time/],
    ['the same twice', { services: [SERVICE, SERVICE] }, /two services/],
    ['a model twice', { services: [{ ...SERVICE, models: [MODEL, MODEL] }] }, /twice/],
  ]
  for (const [what, content, message] of refused) {
    it(`refuses ${what}, without telling a key`, async () => {
      await assert.rejects(read(content), (error: Error & { code: string }) => {
        assert.equal(error.code, 'CONFIG_BAD_VALUE')
        assert.match(error.message, message)
        assert.ok(!inspect(error, { depth: 9 }).includes('Never0Shown'))
        return true
      })
    })
  }

  it('lets a service on this machine have PRIVATE data, without https', async () => {
    for (const host of ['localhost:11434', '127.0.0.1:8000', '[::1]:8000']) {
      const [service] = await read({
        services: [{ ...SERVICE, url: `http://${host}/v1`, dataClass: 'PRIVATE' }],
      })
      assert.equal(service!.dataClass, 'PRIVATE')
    }
    const far = { ...SERVICE, url: 'http://10.0.0.5/v1', allowHttp: true }
    assert.equal((await read({ services: [far] }))[0]!.service.url, 'http://10.0.0.5/v1')
  })

  it('finds keys where it is told to, and says where one is missing', async () => {
    const [service] = await read({ services: [SERVICE] })
    assert.equal((await readServiceKey(service!, { EXAMPLE_KEY: `${KEY}\n` }))?.reveal(), KEY)
    await assert.rejects(readServiceKey(service!, {}), /EXAMPLE_KEY.*missing/)
    await assert.rejects(readServiceKey(service!, { EXAMPLE_KEY: `${KEY} ${KEY}` }), (error: Error) => {
      assert.match(error.message, /no key/)
      assert.ok(!inspect(error, { depth: 9 }).includes(KEY))
      return true
    })
    const keyFile = join(folder, 'key')
    await writeFile(keyFile, `${KEY}\n`)
    const { keyEnv: _, ...rest } = SERVICE
    const [filed, open] = await read({
      services: [
        { ...rest, keyFile },
        { ...rest, name: 'open' },
      ],
    })
    assert.equal((await readServiceKey(filed!, {}))?.reveal(), KEY)
    assert.equal(await readServiceKey(open!, {}), null)
  })
})
