import assert from 'node:assert/strict'
import { open, readFile, stat, utimes } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { ModelsView, StatusView } from '../../../node/gateway/views.ts'
import { AT_HOME } from './node.ts'
import { descendantsOf, isAlive, Person } from './person.ts'

const TOKEN = 'hf_secret'
const HUB_FILE = 'shoal-nano-q8_0.gguf'
/** Small enough for every share of the whole to be told. */
const PIECE_BYTES = 32_768
const LONG_AGO = new Date('2020-01-01')

describe('models from elsewhere', function () {
  this.timeout(90_000)
  let person: Person
  let weights: Buffer
  let server: Server
  let origin: string
  const requests: IncomingMessage[] = []

  before(async () => {
    person = await Person.make()
    weights = await readFile(`inference/models/embedded/${HUB_FILE}`)
    server = createServer((request, response) => {
      requests.push(request)
      const url = request.url ?? ''
      if (url.startsWith('/api/models/owner/model/tree/main')) {
        response.end(JSON.stringify([{ type: 'file', path: HUB_FILE, size: weights.length }]))
      } else if (url === `/owner/model/resolve/main/${HUB_FILE}` || url === '/files/model.gguf') {
        response.writeHead(200, { 'content-length': weights.length, etag: '"1"' })
        const send = (from: number) => {
          if (from >= weights.length) response.end()
          else response.write(weights.subarray(from, from + PIECE_BYTES), () => send(from + PIECE_BYTES))
        }
        send(0)
      } else response.writeHead(404).end()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(async () => {
    await person.leave()
    server.closeAllConnections()
    server.close()
  })

  it('are downloaded at the start, with progress, and ended with the node on Ctrl-C', async () => {
    const data = person.folder('node')
    const missing = `${origin}/files/missing.gguf`
    const node = person.start(
      [
        ...['up', '--local', '--data', data, ...AT_HOME],
        ...['--model', `${origin}/files/model.gguf`, '--model', 'hf:owner/model:Q8_0', '--model', missing],
      ],
      { env: { HF_ENDPOINT: origin, HF_TOKEN: TOKEN } },
    )
    await node.until(/! The model .*missing\.gguf could not be loaded: .*404/, 'stderr')
    const { served } = await person.json<ModelsView>(['models', '--data', data])
    assert.deepEqual(
      served.map(({ state }) => state),
      ['ready', 'ready', 'failed'],
    )
    assert.match(served[0]!.model!, /^model-\w+@sha256:|^shoal-nano-q8_0@sha256:/)
    for (const [spec, what] of [
      [`${origin}/files/model.gguf`, 'address'],
      ['hf:owner/model:Q8_0', 'hub'],
    ] as const) {
      const told = [...node.stderr.matchAll(/^· Downloading the model (\S+): (\d+) % of 1\.2 MB/gm)]
        .filter(match => match[1] === spec)
        .map(match => Number(match[2]))
      assert.ok(told.length >= 1, `${what}: ${node.stderr}`)
      assert.deepEqual(
        told,
        [...new Set(told)].sort((a, b) => a - b),
      )
    }
    const tokens = requests
      .filter(({ url }) => url?.includes('owner'))
      .map(({ headers }) => headers.authorization)
    assert.ok(tokens.length >= 2 && tokens.every(token => token === `Bearer ${TOKEN}`))
    const others = requests.filter(({ url }) => url?.startsWith('/files'))
    assert.ok(others.length >= 2 && others.every(({ headers }) => headers.authorization === undefined))
    assert.ok(!`${node.stdout}${node.stderr}`.includes(TOKEN))
    assert.ok(!(await readFile(join(data, 'node.log'), 'utf8').catch(() => '')).includes(TOKEN))

    const started = descendantsOf(node.pid)
    assert.equal(started.length, 2, 'the chain and the engine have processes of their own')
    node.killGroup('SIGINT')
    const { status, all } = await node.ended
    assert.equal(status, 0, all)
    for (const { pid, command } of started) assert.ok(!isAlive(pid), command)
  })

  it('are there the next time without a network; doctor reads them through', async () => {
    const data = person.folder('node')
    const up = [
      'up',
      '--local',
      '--json',
      '--data',
      data,
      ...AT_HOME,
      '--model',
      `${origin}/files/model.gguf`,
    ]
    const asked = requests.length
    const again = person.start(up)
    await again.until(/"state":"ready","model":/, 'stdout')
    assert.equal(requests.length, asked)
    again.kill('SIGTERM')
    const { status, stdout, stderr } = await again.ended
    assert.equal(status, 0)
    assert.equal(stderr, '')
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { type: string })
    assert.equal(lines.filter(({ type }) => type === 'ready').length, 1)
    assert.equal((lines.find(({ type }) => type === 'ready') as unknown as StatusView).dataDir, data)

    const doctor = async () => {
      const finished = await person.run(['doctor', '--data', data, '--no-serve', '--json', ...AT_HOME])
      const { findings } = finished.json() as { findings: { check: string; state: string; detail: string }[] }
      return findings.find(({ check }) => check === 'Models')!
    }
    const file = join(data, 'models', 'hf', 'owner', 'model', HUB_FILE)
    await utimes(file, LONG_AGO, LONG_AGO)
    assert.equal((await doctor()).state, 'ok')
    await changeSecretly(file)
    const found = await doctor()
    assert.equal(found.state, 'failed')
    assert.match(found.detail, new RegExp(`${HUB_FILE} changed, though size and time did not`))
  })
})

/** As a failing disk does: other content, the same size and time. */
async function changeSecretly(path: string): Promise<void> {
  const { size } = await stat(path)
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, size - 100)
  await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, size - 100)
  await file.close()
  await utimes(path, LONG_AGO, LONG_AGO)
}
