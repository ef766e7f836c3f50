import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Channel } from '../../../../../node/events/channels.ts'
import { ConsumerGroups } from '../../../../../node/events/consumer-groups.ts'
import { EventJournal } from '../../../../../node/events/journal.ts'
import { eventRoutes } from '../../../../../node/gateway/api/event-routes.ts'
import type { ShoalNode } from '../../../../../node/node.ts'
import { Store } from '../../../../../node/store/store.ts'
import { gatewayApp } from '../../../../helpers/gateway-app.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

interface Seen {
  event: string
  id: string | null
  data: Record<string, unknown>
}

/** Reads a stream of events by hand. */
class EventClient {
  readonly #abort = new AbortController()
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #text = ''

  private constructor(body: ReadableStream<Uint8Array>, abort: AbortController) {
    this.#abort = abort
    this.#reader = body.getReader()
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventClient> {
    const abort = new AbortController()
    const response = await fetch(url, { headers, signal: abort.signal })
    assert.equal(response.status, 200, await (response.ok ? '' : response.text()))
    assert.match(response.headers.get('content-type')!, /^text\/event-stream/)
    return new EventClient(response.body!, abort)
  }

  async take(count: number): Promise<Seen[]> {
    const seen: Seen[] = []
    while (seen.length < count) {
      const end = this.#text.indexOf('\n\n')
      if (end === -1) {
        const { done, value } = await this.#reader.read()
        if (done) throw new Error('the stream has ended')
        this.#text += Buffer.from(value).toString()
        continue
      }
      const fields = Object.fromEntries(
        this.#text
          .slice(0, end)
          .split('\n')
          .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      ) as Record<string, string>
      this.#text = this.#text.slice(end + 2)
      if (fields.data !== undefined)
        seen.push({ event: fields.event!, id: fields.id ?? null, data: JSON.parse(fields.data) })
    }
    return seen
  }

  async end(): Promise<void> {
    while (!(await this.#reader.read()).done);
  }

  close(): void {
    this.#abort.abort()
  }
}

describe('events over HTTP', () => {
  const folders = new TemporaryFolders()
  const clock = new ManualClock()
  let store: Store
  let journal: EventJournal
  let groups: ConsumerGroups
  let app: Awaited<ReturnType<typeof gatewayApp>>

  const tell = async (channel: Channel, count: number, tenant = 'owner') => {
    for (let n = 1; n <= count; n++) journal.append({ channel, type: 'test', tenant, data: { n } })
    await journal.flushed()
  }
  const json = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${app.url}${path}`, {
      ...init,
      ...(init.body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json', ...init.headers } }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, never> }
  }
  const acknowledge = (body: unknown) =>
    json('/api/events/ack', { method: 'POST', body: JSON.stringify(body) })
  const ids = (seen: Seen[]) => seen.map(({ id }) => Number(id))

  beforeEach(async () => {
    store = await Store.open(join(await folders.make(), 'store'))
    journal = await EventJournal.open({ maxEvents: 512 }, { store, clock, log: silentLog })
    groups = await ConsumerGroups.open({}, { journal, store, clock })
    const node = { parts: { eventDesk: { journal, groups } } } as unknown as ShoalNode
    app = await gatewayApp({ node }, [eventRoutes])
  })
  afterEach(async () => {
    await app.stop()
    groups.stop()
    await journal.stop()
    await store.close()
  })
  after(() => folders.remove())

  it('streams what comes, and goes on after the last id that a client has', async () => {
    await tell('peers', 2)
    const client = await EventClient.open(`${app.url}/api/events`)
    await tell('tasks', 2)
    const seen = await client.take(2)
    assert.deepEqual(seen[1], {
      event: 'tasks',
      id: '4',
      data: {
        ...{ id: '4', channel: 'tasks', type: 'test', tenant: 'owner', data: { n: 2 } },
        time: new Date(clock.nowMs()).toISOString(),
      },
    })
    client.close()
    await tell('prices', 2)
    const again = await EventClient.open(`${app.url}/api/events?from=now`, { 'last-event-id': '3' })
    assert.deepEqual(ids(await again.take(3)), [4, 5, 6])
    const some = await EventClient.open(`${app.url}/api/events?from=start&channels=peers,prices`)
    assert.deepEqual(ids(await some.take(4)), [1, 2, 5, 6])
    await app.stop()
    await some.end()
  })

  it('tells of what was removed, in the stream and in pages', async () => {
    await tell('tasks', 2_000)
    const client = await EventClient.open(`${app.url}/api/events?from=start`)
    const [gap, first] = await client.take(2)
    assert.equal(gap!.event, 'gap')
    assert.equal(gap!.id, null)
    assert.deepEqual(gap!.data, { channel: 'tasks', from: '1', to: String(Number(first!.id) - 1) })
    client.close()
    const { body } = await json('/api/events/page?from=10&limit=3')
    assert.deepEqual(body, {
      gaps: [{ ...gap!.data, from: '11' }],
      events: body.events,
      lastId: String(Number(first!.id) + 2),
      newestId: '2000',
    })
    assert.equal((body.events as unknown as unknown[]).length, 3)
  })

  it('gives a tenant what is its own, and refuses the rest', async () => {
    await tell('tasks', 1)
    await tell('tasks', 1, 'a')
    await tell('peers', 1)
    await tell('receipts', 1, 'b')
    await tell('receipts', 1, 'a')
    const client = await EventClient.open(`${app.url}/api/events?from=start`, { 'x-tenant': 'a' })
    assert.deepEqual(ids(await client.take(2)), [2, 5])
    client.close()
    const refused = await json('/api/events/page?channels=peers', { headers: { 'x-tenant': 'a' } })
    assert.equal(refused.status, 403)
  })

  it('shares events in a group until they are acknowledged, and gives those of who goes to others', async () => {
    const at = (consumer: string) =>
      `${app.url}/api/events?from=start&group=workers&consumer=${consumer}&inFlight=2`
    const one = await EventClient.open(at('one'))
    await tell('tasks', 4)
    assert.deepEqual(ids(await one.take(2)), [1, 2])
    const two = await EventClient.open(at('two'))
    assert.deepEqual(ids(await two.take(2)), [3, 4])
    assert.deepEqual(await acknowledge({ group: 'workers', ids: ['3'] }), {
      status: 200,
      body: { acknowledged: 1 },
    })
    one.close()
    assert.deepEqual(ids(await two.take(1)), [1])
    assert.equal((await acknowledge({ group: 'workers', upTo: '4' })).body.acknowledged, 3)
    assert.deepEqual((await json('/api/events/groups')).body, [
      {
        ...{ group: 'workers', unacknowledged: 0, behind: 0, consumers: ['two'], committedId: '4' },
        channels: ['tasks', 'receipts', 'prices', 'learning', 'peers', 'audit', 'system'],
      },
    ])
    assert.deepEqual((await json('/api/events/groups/workers', { method: 'DELETE' })).body, { removed: true })
    await two.end()
    assert.equal((await acknowledge({ group: 'workers', upTo: '4' })).status, 400)
  })

  it('refuses what makes no sense', async () => {
    for (const query of [
      'channels=fish',
      'from=-1',
      'group=g',
      'group=../g&consumer=c',
      'from=99999999999999999999',
    ])
      assert.equal((await json(`/api/events?${query}`)).status, 400, query)
    assert.equal((await json('/api/events', { headers: { 'last-event-id': 'x' } })).status, 400)
    assert.equal((await acknowledge({ group: 'g' })).status, 400)
  })

  it('holds a page at most for a client that does not read', async () => {
    const { port } = new URL(app.url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write('GET /api/events HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(socket, 'data')
    socket.pause()
    const text = 'x'.repeat(8_000)
    for (let n = 0; n < 3_000; n++) {
      journal.append({ channel: 'system', type: 'test', data: { text } })
      if (n % 100 === 0) await journal.flushed()
    }
    await journal.flushed()
    const fast = await EventClient.open(`${app.url}/api/events`, { 'last-event-id': '2999' })
    assert.deepEqual(ids(await fast.take(1)), [3000])
    const seen = await new Promise<number>(resolve => {
      let bytes = 0
      socket.on('data', data => {
        bytes += data.length
        if (data.includes('id: 3000\n')) resolve(bytes)
      })
      socket.resume()
    })
    // Of what was removed meanwhile it hears as a gap.
    assert.ok(seen < 3_000 * 8_000, String(seen))
    socket.destroy()
  })
})
