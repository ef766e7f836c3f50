import assert from 'node:assert/strict'
import { utimes, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type CatalogModules, DEFAULT_MODEL, ModelCatalog } from '../../../../inference/models/catalog.ts'
import { ModelError } from '../../../../inference/models/errors.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { FileServer } from './faulty-server.ts'
import { writeTinyGguf } from './fixture.ts'

const unreachable = () => Promise.reject(new TypeError('fetch failed'))

describe('ModelCatalog', () => {
  const folders = new TemporaryFolders()
  let modelsFolder: string
  let embeddedFolder: string
  let tiny: { path: string; bytes: Buffer; sha256: string }
  let nano: { path: string; sha256: string }

  beforeEach(async () => {
    modelsFolder = await folders.make()
    embeddedFolder = await folders.make()
    await writeTinyGguf(join(embeddedFolder, 'shoal-mini-q8_0.gguf'), { name: 'Shoal Mini' })
    nano = await writeTinyGguf(join(embeddedFolder, 'shoal-nano-q8_0.gguf'), { name: 'Shoal Nano' })
    tiny = await writeTinyGguf(join(await folders.make(), 'tiny.gguf'))
  })

  after(() => folders.remove())

  const open = (modules: CatalogModules = {}, endpoint?: string) =>
    new ModelCatalog(
      {
        modelsFolder,
        cacheFolder: join(modelsFolder, 'cache'),
        hub: endpoint === undefined ? {} : { endpoint, token: 'secret' },
      },
      { embeddedFolder, fetch: unreachable, ...modules },
    )
  const refuses = async (code: string, running: Promise<unknown>) =>
    assert.rejects(
      running,
      error => error instanceof ModelError && error.code === code && error.fix !== undefined,
    )

  it('knows the embedded models, the default first and the most exact file of each', async () => {
    await writeTinyGguf(join(embeddedFolder, 'shoal-mini-q4_0.gguf'), { name: 'Shoal Mini' })
    assert.deepEqual(
      (await open().embedded()).map(model => model.name),
      ['shoal-mini', 'shoal-mini', 'shoal-nano'],
    )
    const source = await open().resolve(DEFAULT_MODEL)
    assert.equal(source.path, join(embeddedFolder, 'shoal-mini-q8_0.gguf'))
    assert.equal((await open().resolve('shoal-mini-q4_0')).path, join(embeddedFolder, 'shoal-mini-q4_0.gguf'))
    assert.deepEqual(await open().resolve('shoal-nano'), {
      id: `shoal-nano-q8_0@sha256:${nano.sha256}`,
      path: nano.path,
    })
  })

  it('finds the models that came with this checkout', async () => {
    const catalog = new ModelCatalog({ modelsFolder, cacheFolder: modelsFolder })
    const [first] = await catalog.embedded()
    assert.equal((await catalog.resolve(DEFAULT_MODEL)).path, first?.path)
  })

  it('says which names there are', async () => {
    await assert.rejects(open().resolve('shoal-nanno'), (error: ModelError) => {
      assert.equal(error.code, 'MODEL_NOT_FOUND')
      assert.match(error.fix ?? '', /shoal-mini, shoal-nano/)
      return true
    })
  })

  it('takes files by path', async () => {
    assert.deepEqual(await open().resolve(tiny.path), {
      id: `tiny-test-q8_0@sha256:${tiny.sha256}`,
      path: tiny.path,
    })
    await refuses('MODEL_NOT_FOUND', open().resolve(`${tiny.path}.gguf`))
    await writeFile(join(modelsFolder, 'broken.gguf'), 'GGUF')
    await refuses('MODEL_INVALID', open().resolve(join(modelsFolder, 'broken.gguf')))
  })

  it('finds what is here by digest, and lists it', async () => {
    await writeFile(join(modelsFolder, 'a.gguf'), tiny.bytes)
    await writeFile(join(modelsFolder, 'broken.gguf'), 'no model')
    await writeFile(join(modelsFolder, 'notes.txt'), 'no model')
    const catalog = open()
    assert.equal((await catalog.installed()).length, 3)
    const source = await catalog.resolve(`any-name@sha256:${tiny.sha256}`)
    assert.equal(source.path, join(modelsFolder, 'a.gguf'))
    assert.equal((await catalog.resolve(`sha256:${nano.sha256}`)).path, nano.path)
    await refuses('MODEL_NOT_FOUND', catalog.resolve(`m@sha256:${'0'.repeat(64)}`))
  })

  it('notices a file that was damaged behind its back', async () => {
    const path = join(modelsFolder, 'a.gguf')
    const write = async (bytes: Uint8Array) => {
      await writeFile(path, bytes)
      await utimes(path, 1_700_000_000, 1_700_000_000)
    }
    await write(tiny.bytes)
    const catalog = open()
    const damaged = async () =>
      (await catalog.verify()).filter(model => !model.isIntact).map(model => model.path)
    assert.deepEqual(await damaged(), [])
    await write(Buffer.concat([tiny.bytes.subarray(0, -1), Buffer.of(1)]))
    assert.deepEqual(await damaged(), [path])
  })

  it('downloads by URL once, each address for itself', async () => {
    const server = new FileServer(tiny.bytes)
    await server.start()
    try {
      const catalog = open({ fetch })
      const source = await catalog.resolve(server.url)
      assert.equal(source.id, `tiny-test-q8_0@sha256:${tiny.sha256}`)
      assert.ok(source.path.startsWith(modelsFolder))
      assert.deepEqual(await catalog.resolve(`${server.url}#sha256=${tiny.sha256}`), source)
      assert.equal(server.requests.length, 1)
      await refuses('MODEL_DIGEST_MISMATCH', catalog.resolve(`${server.url}#sha256=${'0'.repeat(64)}`))
      const other = await catalog.resolve(server.url.replace('/models/', '/others/'))
      assert.notEqual(other.path, source.path)
    } finally {
      await server.stop()
    }
  })

  describe('with a hub', () => {
    let hub: Server
    let endpoint: string
    let requested: string[]

    beforeEach(async () => {
      requested = []
      hub = createServer((request, response) => {
        const url = request.url ?? ''
        requested.push(url)
        if (request.headers.authorization !== 'Bearer secret') return response.writeHead(401).end()
        if (url === '/api/models/o/r/tree/main?recursive=true') {
          const lfs = { oid: tiny.sha256, size: tiny.bytes.length }
          return response.end(JSON.stringify([{ type: 'file', path: 'q/tiny-Q8_0.gguf', size: 1, lfs }]))
        }
        if (url === '/o/r/resolve/main/q/tiny-Q8_0.gguf') {
          return response.writeHead(302, { location: '/cdn', 'x-linked-etag': `"${tiny.sha256}"` }).end()
        }
        if (url === '/cdn')
          return response.writeHead(200, { 'content-length': tiny.bytes.length }).end(tiny.bytes)
        return response.writeHead(404).end()
      })
      await new Promise<void>(resolve => hub.listen(0, '127.0.0.1', resolve))
      endpoint = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`
    })

    afterEach(async () => {
      hub.closeAllConnections()
      await new Promise(resolve => hub.close(resolve))
    })

    it('downloads by file and by quantisation, the same file once', async () => {
      const catalog = open({ fetch }, endpoint)
      const source = await catalog.resolve('hf:o/r/q/tiny-Q8_0.gguf')
      assert.equal(source.path, join(modelsFolder, 'hf', 'o', 'r', 'q', 'tiny-Q8_0.gguf'))
      assert.deepEqual(await catalog.resolve('hf:o/r:q8_0'), source)
      assert.deepEqual(await catalog.resolve('hf:o/r'), source)
      assert.equal(requested.filter(url => url === '/cdn').length, 1)
    })

    it('goes on with what it has when the hub is out of reach', async () => {
      const source = await open({ fetch }, endpoint).resolve('hf:o/r:Q8_0')
      const offline = open({}, endpoint)
      assert.deepEqual(await offline.resolve('hf:o/r:Q8_0'), source)
      assert.deepEqual(await offline.resolve('hf:o/r/q/tiny-Q8_0.gguf'), source)
      await refuses('DOWNLOAD_FAILED', offline.resolve('hf:o/other:Q8_0'))
    })

    it('says what the hub refuses', async () => {
      await refuses('MODEL_NOT_FOUND', open({ fetch }, endpoint).resolve('hf:o/r/none.gguf'))
      await refuses('MODEL_NOT_FOUND', open({ fetch }, endpoint).resolve('hf:o/none:Q8_0'))
    })
  })
})
