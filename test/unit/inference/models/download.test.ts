import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  Downloader,
  type DownloaderModules,
  type DownloadOptions,
  type DownloadProgress,
  systemModules,
} from '../../../../inference/models/download.ts'
import { ModelError, type ModelErrorCode } from '../../../../inference/models/errors.ts'
import { inspectGguf } from '../../../../inference/models/gguf.ts'
import { ModelIdentifier } from '../../../../inference/models/identity.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { type Answer, dropAfter, FileServer, serve, serveAnonymously, status } from './faulty-server.ts'
import { tensor, writeTinyGguf } from './fixture.ts'

const identifier = new ModelIdentifier({ cacheFolder: null })

describe('Downloader', () => {
  const folders = new TemporaryFolders()
  let folder: string
  let target: string
  let bytes: Buffer
  let sha256: string
  let server: FileServer
  let waits: number[]

  before(async () => {
    const tiny = await writeTinyGguf(join(await folders.make(), 'tiny.gguf'), {
      tensors: [tensor('a', [256, 512], 'F32')],
    })
    bytes = tiny.bytes
    sha256 = tiny.sha256
  })

  beforeEach(async () => {
    folder = await folders.make()
    target = join(folder, 'deep', 'tiny.gguf')
    waits = []
    server = new FileServer(bytes)
    await server.start()
  })

  afterEach(() => server.stop())
  after(() => folders.remove())

  const downloader = (modules: Partial<DownloaderModules> = {}) => {
    let clock = 0
    return new Downloader(
      { stallTimeoutMs: 200 },
      {
        ...systemModules,
        // A second at each look: every piece that comes is reported.
        nowMs: () => (clock += 1_000),
        wait: (delayMs, signal) => {
          waits.push(delayMs)
          signal?.throwIfAborted()
          return Promise.resolve()
        },
        digest: (path, options) => identifier.digest(path, options),
        check: inspectGguf,
        ...modules,
      },
    )
  }
  const download = (
    request: { sha256?: string; token?: string } = {},
    options: DownloadOptions = {},
    modules: Partial<DownloaderModules> = {},
  ) =>
    downloader(modules).download(
      { url: server.url, target, sha256: null, token: null, ...request },
      {
        ...options,
        onProgress(progress) {
          options.onProgress?.(progress)
          if (progress.phase === 'downloading') server.received(progress.bytes)
        },
      },
    )

  const hasFile = async () => assert.deepEqual(await readFile(target), bytes)
  const refuses = async (code: ModelErrorCode, running: Promise<unknown>, message = /./) => {
    await assert.rejects(running, error => {
      assert.ok(error instanceof ModelError, String(error))
      assert.equal(error.code, code)
      assert.match(error.message, message)
      assert.ok(error.fix, 'says what to do')
      return true
    })
  }
  const ranges = () => server.requests.map(request => request.headers.range ?? null)

  it('brings a file whole, and leaves nothing else behind', async () => {
    assert.equal(await download(), null)
    await hasFile()
    assert.deepEqual(await readdir(join(folder, 'deep')), ['tiny.gguf'])
  })

  it('does nothing for a file that is there', async () => {
    await download()
    await download()
    assert.equal(server.requests.length, 1)
  })

  it('goes on where the connection broke', async () => {
    server.next(dropAfter(200_000), dropAfter(100_000))
    await download()
    await hasFile()
    assert.deepEqual(ranges(), [null, 'bytes=200000-', 'bytes=300000-'])
    assert.deepEqual(waits, [500, 500], 'progress keeps the waits short')
  })

  it('goes on where another process was killed', async () => {
    const script = join(folder, 'download.mjs')
    const modules = new URL('../../../../inference/models/', import.meta.url).href
    await writeFile(
      script,
      `import { Downloader, systemModules } from '${modules}download.ts'
       const modules = { ...systemModules, digest: () => {}, check: () => {} }
       await new Downloader({}, modules).download(${JSON.stringify({ url: server.url, target, sha256: null, token: null })}, {
         onProgress: ({ bytes }) => { if (bytes >= 100000) process.send(bytes) },
       })`,
    )
    server.next((_, response) => {
      response.writeHead(200, { etag: server.etag, 'content-length': bytes.length })
      response.write(bytes.subarray(0, 150_000))
    })
    const killed = fork(script, { execArgv: [] })
    await once(killed, 'message')
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    const arrived = (await stat(`${target}.part`)).size
    assert.ok(arrived >= 100_000)
    await download()
    await hasFile()
    assert.deepEqual(ranges(), [null, `bytes=${arrived}-`])
  })

  it('goes on after it was cancelled', async () => {
    const controller = new AbortController()
    server.next(dropAfter(120_000))
    const wait: DownloaderModules['wait'] = (_, signal) => {
      controller.abort()
      signal?.throwIfAborted()
      return Promise.resolve()
    }
    const cancelled = download({}, { signal: controller.signal }, { wait })
    await refuses('CANCELLED', cancelled)
    await download()
    await hasFile()
    assert.deepEqual(ranges(), [null, 'bytes=120000-'])
  })

  it('begins anew when the file changed meanwhile', async () => {
    const other = Buffer.from(bytes)
    other.fill(1, bytes.length - 1_000)
    server.bytes = other
    server.next(dropAfter(200_000), (request, response, self) => {
      self.bytes = bytes
      serve(request, response, self)
    })
    await download()
    await hasFile()
    assert.deepEqual(ranges(), [null, 'bytes=200000-'])
  })

  it('begins anew when a server says it goes on with another file', async () => {
    const lie: Answer = (_, response) => {
      const range = `bytes 200000-${bytes.length - 1}/${bytes.length}`
      response.writeHead(206, { 'content-range': range, etag: '"other"' }).end(bytes.subarray(200_000))
    }
    server.next(dropAfter(200_000), lie)
    await download()
    await hasFile()
    assert.deepEqual(ranges(), [null, 'bytes=200000-', null])
  })

  it('begins anew when a server goes on from another place', async () => {
    const wrong: Answer = (_, response, { etag }) => {
      const range = `bytes 0-${bytes.length - 1}/${bytes.length}`
      response.writeHead(206, { 'content-range': range, etag }).end(bytes)
    }
    server.next(dropAfter(200_000), wrong)
    await download()
    await hasFile()
  })

  it('copes with a server that knows no ranges', async () => {
    server.next(dropAfter(200_000), serveAnonymously)
    await download()
    await hasFile()
  })

  it('does not go on with what nothing identifies', async () => {
    server.next(dropAfter(100_000, serveAnonymously))
    await download()
    await hasFile()
    assert.deepEqual(ranges(), [null, null])
  })

  it('goes on by the digest alone, and finds out when that was wrong', async () => {
    server.next(dropAfter(100_000, serveAnonymously))
    assert.equal(await download({ sha256 }), sha256)
    await hasFile()
    assert.deepEqual(ranges(), [null, 'bytes=100000-'])
  })

  it('gives up a connection over which nothing comes', async () => {
    server.next((_, response, { etag }) => {
      response.writeHead(200, { etag, 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100_000))
    })
    await download()
    await hasFile()
    assert.equal(server.requests.length, 2)
  })

  it('asks again for more than a server has', async () => {
    server.next(dropAfter(200_000), status(416, { 'content-range': 'bytes */100' }))
    await download()
    await hasFile()
  })

  it('is not fooled by a server that ends early without saying so', async () => {
    server.next((_, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' })
      response.end(bytes.subarray(0, 200_000))
    })
    await refuses('MODEL_INVALID', download(), /cut off/)
    assert.deepEqual(await readdir(join(folder, 'deep')), [])
  })

  it('is not fooled by a server that sends more than it says', async () => {
    const generous: Answer = (_, response, { etag }) => {
      const range = `bytes 200000-${bytes.length - 1}/${bytes.length}`
      response.writeHead(206, { 'content-range': range, etag })
      response.end(Buffer.concat([bytes.subarray(200_000), Buffer.from('more')]))
    }
    server.next(dropAfter(200_000), generous)
    await download()
    await hasFile()
  })

  it('tries again what may pass, and waits as long as it is asked to', async () => {
    server.next(
      status(503),
      status(500),
      status(429, { 'retry-after': '7' }),
      status(429, { 'retry-after': '9999' }),
    )
    await download()
    await hasFile()
    assert.deepEqual(waits, [500, 1_000, 7_000, 60_000])
  })

  it('gives up in the end, and keeps what has come', async () => {
    server.next(dropAfter(150_000), ...Array.from({ length: 6 }, () => status(503)))
    await refuses('DOWNLOAD_FAILED', download(), /503/)
    assert.equal((await stat(`${target}.part`)).size, 150_000)
    const { url } = server
    await server.stop()
    await refuses(
      'DOWNLOAD_FAILED',
      downloader().download({ url, target, sha256: null, token: null }),
      /ECONNREFUSED/,
    )
    await server.start()
  })

  it('says at once what will not pass', async () => {
    for (const [code, expected] of [
      [401, 'DOWNLOAD_REFUSED'],
      [403, 'DOWNLOAD_REFUSED'],
      [404, 'MODEL_NOT_FOUND'],
      [410, 'MODEL_NOT_FOUND'],
      [400, 'DOWNLOAD_FAILED'],
    ] as const) {
      server.next(status(code))
      await refuses(expected, download(), new RegExp(String(code)))
    }
    assert.equal(server.requests.length, 5)
  })

  it('refuses a page that is no model, at its first bytes', async () => {
    server.next((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<!doctype html><title>Sign in</title>')
    })
    await refuses('MODEL_INVALID', download(), /not a GGUF file \(text\/html\)/)
  })

  it('refuses a file with another digest, and throws it away', async () => {
    await refuses('MODEL_DIGEST_MISMATCH', download({ sha256: 'a'.repeat(64) }))
    assert.deepEqual(await readdir(join(folder, 'deep')), [])
  })

  it('takes the digest from the hub, and sends its token nowhere else', async () => {
    const elsewhere = new FileServer(bytes)
    await elsewhere.start()
    try {
      server.next(status(302, { location: elsewhere.url, 'x-linked-etag': `"${sha256}"` }))
      assert.equal(await download({ token: 'secret' }), sha256)
      assert.equal(server.requests[0]?.headers.authorization, 'Bearer secret')
      assert.equal(elsewhere.requests[0]?.headers.authorization, undefined)
    } finally {
      await elsewhere.stop()
    }
  })

  it('refuses when hub and user name different digests, before anything is sent', async () => {
    server.next(status(302, { location: '/other', 'x-linked-etag': `"${sha256}"` }))
    await refuses('MODEL_DIGEST_MISMATCH', download({ sha256: 'b'.repeat(64) }))
  })

  it('refuses redirects in circles, and to other schemes', async () => {
    server.next(...Array.from({ length: 11 }, () => status(302, { location: '/again' })))
    await refuses('DOWNLOAD_FAILED', download(), /circles/)
    server.next(status(302, { location: 'file:///etc/passwd' }))
    await refuses('DOWNLOAD_FAILED', download(), /not secure/)
  })

  it('looks for room on the disk first', async () => {
    await refuses('DISK_FULL', download({}, {}, { freeBytes: () => Promise.resolve(1_000) }))
    assert.equal((await stat(`${target}.part`)).size, 0)
  })

  it('tells how it gets on', async () => {
    const seen: DownloadProgress[] = []
    await download({ sha256 }, { onProgress: progress => seen.push(progress) })
    const last = seen.filter(progress => progress.phase === 'downloading').at(-1)
    assert.deepEqual([last?.bytes, last?.totalBytes], [bytes.length, bytes.length])
    assert.equal(seen.at(-1)?.phase, 'verifying')
    assert.ok(
      seen.every(
        (progress, i) =>
          i === 0 || progress.phase !== seen[i - 1]?.phase || progress.bytes >= seen[i - 1]!.bytes,
      ),
    )
  })

  it('downloads a file once for two who want it', async () => {
    const phases: string[] = []
    const begun = Promise.withResolvers<void>()
    const waiting = Promise.withResolvers<void>()
    server.next((_, response) => {
      begun.resolve()
      void waiting.promise.then(() => {
        response.writeHead(200, { 'content-length': bytes.length })
        response.end(bytes)
      })
    })
    const first = download()
    await begun.promise
    const second = download(
      {},
      {
        onProgress: ({ phase }) => {
          phases.push(phase)
          waiting.resolve()
        },
      },
    )
    await Promise.all([first, second])
    await hasFile()
    assert.equal(server.requests.length, 1)
    assert.deepEqual(phases, ['waiting'])
  })

  it('can be cancelled before and while it runs', async () => {
    await refuses('CANCELLED', download({}, { signal: AbortSignal.abort() }))
    const controller = new AbortController()
    server.next((_, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 1_000), () => controller.abort())
    })
    await refuses('CANCELLED', download({}, { signal: controller.signal }))
  })
})
