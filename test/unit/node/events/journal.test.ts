import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { CHANNELS, type Channel } from '../../../../node/events/channels.ts'
import { ConsumerGroups } from '../../../../node/events/consumer-groups.ts'
import type { JournalEvent } from '../../../../node/events/event.ts'
import { EventJournal, type EventJournalOptions } from '../../../../node/events/journal.ts'
import { createLogger } from '../../../../node/log.ts'
import { StoreError } from '../../../../node/store/errors.ts'
import { Store } from '../../../../node/store/store.ts'
import type { BatchOperation } from '../../../../node/store/table.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const log = createLogger({ level: 'silent' })

/** A journal that can be stopped and opened again, and whose disk can fail. */
class Place {
  readonly clock = new ManualClock()
  readonly #path: string
  readonly #options: EventJournalOptions
  #store: Store | null = null
  failing = false
  journal!: EventJournal

  constructor(path: string, options: EventJournalOptions = {}) {
    this.#path = path
    this.#options = options
  }

  async open(): Promise<this> {
    const store = await Store.open(this.#path)
    this.#store = store
    this.journal = await EventJournal.open(this.#options, {
      store: {
        table: (name, schema) => store.table(name, schema),
        batch: (operations: readonly BatchOperation[]) =>
          this.failing
            ? Promise.reject(new StoreError('DISK_FULL', 'the disk is full'))
            : store.batch(operations, { sync: false }),
      },
      clock: this.clock,
      log,
    })
    return this
  }

  async close(): Promise<void> {
    await this.journal.stop()
    await this.#store?.close()
  }

  /** All that the group `workers` is given, without anything being acknowledged. */
  async unacknowledged(): Promise<number[]> {
    const { journal, clock } = this
    const groups = await ConsumerGroups.open(
      { maxUnacknowledged: 1_000_000 },
      { journal, store: this.#store!, clock },
    )
    const consumer = await groups.consume({
      ...{ tenant: 'owner', group: 'workers', consumer: 'c', maxUnacknowledged: 1_000_000 },
    })
    const given: number[] = []
    while (groups.list('owner')[0]!.behind > 0)
      given.push(...(await consumer.next())!.events.map(({ sequence }) => sequence))
    groups.stop()
    return given
  }

  tell(channel: Channel, n: number, tenant?: string): void {
    this.journal.append({ channel, type: 'test', data: { n }, ...(tenant === undefined ? {} : { tenant }) })
  }
}

const numbersOf = (events: readonly JournalEvent[]) => events.map(({ data }) => data.n)

/** All that can be read, page by page. */
async function readAll(
  journal: EventJournal,
  options: { after?: number; channels?: readonly Channel[]; tenant?: string; limit?: number } = {},
): Promise<JournalEvent[]> {
  const found: JournalEvent[] = []
  for (let after = options.after ?? 0; ; ) {
    const page = await journal.read({ ...options, after })
    found.push(...page.events)
    if (page.lastSequence === journal.lastSequence) return found
    assert.ok(page.lastSequence > after)
    after = page.lastSequence
  }
}

describe('event journal', () => {
  const folders = new TemporaryFolders()
  const places: Place[] = []
  const place = async (options?: EventJournalOptions) => {
    const made = await new Place(join(await folders.make(), 'store'), options).open()
    places.push(made)
    return made
  }

  afterEach(() => Promise.all(places.splice(0).map(made => made.close())))
  after(() => folders.remove())

  it('keeps all events in order, for each reader from any point, over restarts', async () => {
    const step = fc.oneof(
      fc.record({
        events: fc.array(fc.tuple(fc.constantFrom(...CHANNELS), fc.constantFrom('owner', 'a', 'b')), {
          maxLength: 90,
        }),
      }),
      fc.constant('write' as const),
      fc.constant('restart' as const),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 12 }),
        fc.subarray([...CHANNELS], { minLength: 1 }),
        fc.constantFrom('owner', 'a'),
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (steps, channels, tenant, limit, share) => {
          const here = await place()
          const told: { channel: Channel; tenant: string; n: number }[] = []
          for (const what of steps) {
            if (what === 'write') await here.journal.flushed()
            else if (what === 'restart') {
              await here.close()
              await here.open()
            } else
              for (const [channel, whose] of what.events) {
                told.push({ channel, tenant: whose, n: told.length + 1 })
                here.tell(channel, told.length, whose)
              }
          }
          await here.journal.flushed()
          assert.equal(here.journal.lastSequence, told.length)
          const after = Math.floor(share * told.length)
          const wanted = told.filter(
            event =>
              event.n > after &&
              channels.includes(event.channel) &&
              (tenant === 'owner' || event.tenant === tenant),
          )
          const events = await readAll(here.journal, { after, channels, tenant, limit })
          assert.deepEqual(
            events.map(event => ({
              channel: event.channel,
              tenant: event.tenant,
              n: event.data.n,
              sequence: event.sequence,
            })),
            wanted.map(event => ({ ...event, sequence: event.n })),
          )
          const latest = await here.journal.latest({ channels, limit })
          const ofChannels = told.filter(({ channel }) => channels.includes(channel))
          assert.deepEqual(
            numbersOf(latest.events),
            ofChannels.slice(-limit).map(({ n }) => n),
          )
        },
      ),
      { numRuns: 25 },
    )
  })

  it('goes on where a process was killed, with all that a reader was shown', async () => {
    const folder = await folders.make()
    const script = join(folder, 'writer.ts')
    const source = (path: string) => JSON.stringify(new URL(`../../../../node/${path}`, import.meta.url).href)
    await writeFile(
      script,
      `import { ConsumerGroups } from ${source('events/consumer-groups.ts')}
       import { EventJournal } from ${source('events/journal.ts')}
       import { systemClock } from ${source('clock.ts')}
       import { createLogger } from ${source('log.ts')}
       import { Store } from ${source('store/store.ts')}
       const store = await Store.open(process.argv[2])
       const journal = await EventJournal.open({}, { store, clock: systemClock, log: createLogger({ level: 'silent' }) })
       const groups = await ConsumerGroups.open({}, { journal, store, clock: systemClock })
       const group = { tenant: 'owner', group: 'workers' }
       const consumer = await groups.consume({ ...group, consumer: 'c', after: 0 })
       const reader = journal.reader()
       let n = 0
       const more = () => {
         for (let i = 0; i < 7; i++) journal.append({ channel: ['tasks', 'peers'][n % 2], type: 'test', data: { n: ++n } })
         setImmediate(more)
       }
       more()
       const read = async () => {
         const { events } = await reader.next()
         process.send({ shown: events.map(({ sequence, data }) => [sequence, data.n]) })
         read()
       }
       read()
       for (;;) {
         const given = (await consumer.next()).events.map(({ sequence }) => sequence)
         // Not always the first of them: what is acknowledged out of order is remembered, too.
         const sequences = given.slice(given[0] % 3 === 0 ? 1 : 0)
         await groups.acknowledge(group, { sequences })
         // Told before the next are taken: what was acknowledged and not told is one batch at most.
         await new Promise(told => process.send({ acknowledged: sequences }, told))
       }`,
    )
    const path = join(folder, 'store')
    let [last, shown] = [0, 0]
    const acknowledged = new Set<number>()
    for (const atLeast of [1, 1_000]) {
      const writer = fork(script, [path], { execArgv: ['--disable-warning=ExperimentalWarning'] })
      const seen: [number, number][] = []
      writer.on('message', message => {
        const { shown: events = [], acknowledged: done = [] } = message as {
          shown?: [number, number][]
          acknowledged?: number[]
        }
        seen.push(...events)
        for (const sequence of done) acknowledged.add(sequence)
      })
      while (seen.length < atLeast || acknowledged.size < atLeast / 5) await once(writer, 'message')
      // What it has told is all here only when the channel has ended, too.
      const ended = Promise.all([once(writer, 'close'), once(writer, 'disconnect')])
      writer.kill('SIGKILL')
      await ended
      const here = new Place(path)
      await here.open()
      const events = await readAll(here.journal, { after: last })
      const all = new Map(events.map(({ sequence, data }) => [sequence, data.n]))
      for (const [sequence, n] of seen) assert.equal(all.get(sequence), n)
      assert.deepEqual(
        events.map(({ sequence }) => sequence),
        events.map((_, i) => last + i + 1),
      )
      assert.deepEqual(
        numbersOf(events),
        events.map((_, i) => i + 1),
      )
      last = here.journal.lastSequence
      shown += seen.length
      // A group gets again what it has not acknowledged, and that alone.
      const again = await here.unacknowledged()
      assert.deepEqual(
        again.filter(sequence => acknowledged.has(sequence)),
        [],
      )
      // All but what it had acknowledged and could not tell any more.
      assert.ok(new Set([...again, ...acknowledged]).size >= last - 100)
      // What it does not get again is done for good, told or not.
      const waiting = new Set(again)
      for (let sequence = 1; sequence <= last; sequence++)
        if (!waiting.has(sequence)) acknowledged.add(sequence)
      await here.close()
    }
    assert.ok(last >= shown)
  })

  it('removes the oldest by number, bytes and age, and tells who missed them', async () => {
    const byNumber = await place({ maxEvents: 1_000 })
    for (let n = 1; n <= 5_000; n++) byNumber.tell(n % 10 === 0 ? 'peers' : 'tasks', n)
    await byNumber.journal.flushed()
    const [tasks, peers] = ['tasks', 'peers'].map(
      wanted => byNumber.journal.kept().find(({ channel }) => channel === wanted)!,
    )
    assert.ok(tasks!.events <= 1_000 && tasks!.events > 700, String(tasks!.events))
    assert.equal(peers!.events, 500)
    const page = await byNumber.journal.read({ after: 10, limit: 5 })
    assert.deepEqual(page.gaps, [{ channel: 'tasks', fromSequence: 11, toSequence: tasks!.removedTo }])
    assert.deepEqual(numbersOf(page.events), [20, 30, 40, 50, 60])
    const all = await readAll(byNumber.journal, { channels: ['tasks'] })
    assert.equal(all.length, tasks!.events)
    assert.ok(all[0]!.sequence > tasks!.removedTo)
    // A reader hears of it once.
    const reader = byNumber.journal.reader({ after: 0 })
    const pages = [await reader.next(10), await reader.next(10)]
    assert.deepEqual(
      pages.map(read => read!.gaps.length),
      [1, 0],
    )
    await byNumber.close()
    await byNumber.open()
    assert.equal((await byNumber.journal.read({ after: 0 })).gaps[0]!.toSequence, tasks!.removedTo)

    const byBytes = await place({ maxBytes: 200_000 })
    for (let n = 1; n <= 300; n++)
      byBytes.journal.append({ channel: 'audit', type: 'test', data: { text: 'x'.repeat(2_000) } })
    await byBytes.journal.flushed()
    const audit = byBytes.journal.kept().find(({ channel }) => channel === 'audit')!
    assert.ok(audit.bytes <= 200_000 && audit.bytes > 100_000, String(audit.bytes))

    const byAge = await place({ maxAgeMs: 60_000 })
    byAge.tell('system', 1)
    await byAge.journal.flushed()
    await byAge.clock.advance(3_600_000)
    await byAge.journal.flushed()
    assert.deepEqual(await readAll(byAge.journal), [])
    byAge.tell('system', 2)
    await byAge.journal.flushed()
    // Numbers are never given again, even when nothing that had them is left.
    assert.deepEqual(
      (await readAll(byAge.journal)).map(({ sequence }) => sequence),
      [2],
    )
  })

  it('never gives a number again when all events are gone and it starts anew', async () => {
    const here = await place({ maxAgeMs: 60_000 })
    here.tell('system', 1)
    await here.journal.flushed()
    await here.clock.advance(3_600_000)
    await here.journal.flushed()
    await here.close()
    await here.open()
    here.tell('system', 2)
    await here.journal.flushed()
    assert.equal(here.journal.lastSequence, 2)
  })

  it('keeps what a disk does not take until it does, and says how much it could not keep', async () => {
    const here = await place({ maxWaiting: 10 })
    here.failing = true
    for (let n = 1; n <= 25; n++) here.tell(n <= 12 ? 'tasks' : 'peers', n)
    await here.journal.flushed()
    assert.equal(here.journal.lastSequence, 0)
    here.failing = false
    await here.clock.advance(1_000)
    await here.journal.flushed()
    const events = await readAll(here.journal)
    assert.deepEqual(numbersOf(events.slice(0, 10)), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    assert.deepEqual(
      events.slice(10).map(({ channel, type, data }) => [channel, type, data.events]),
      [
        ['tasks', 'events-lost', 2],
        ['peers', 'events-lost', 13],
      ],
    )
  })

  it('lets a reader wait, wakes it for what it wants, and holds nothing for one that does not read', async () => {
    const here = await place()
    const slow = here.journal.reader({ after: 0 })
    const choosy = here.journal.reader({ channels: ['learning'] })
    const waiting = choosy.next()
    for (let round = 0; round < 6; round++) {
      for (let n = 1; n <= 1_000; n++) here.tell('prices', round * 1_000 + n)
      await here.journal.flushed()
    }
    assert.equal(choosy.position, 6_000)
    here.tell('learning', 1)
    assert.deepEqual(numbersOf((await waiting)!.events), [1])
    let expected = 0
    while (expected < 6_000) {
      const page = await slow.next()
      for (const n of numbersOf(page!.events)) if (expected < 6_000) assert.equal(n, ++expected)
    }
    const last = choosy.next()
    choosy.close()
    assert.equal(await last, null)
  })

  it('takes a place from another journal for none, and keeps out what is too large', async () => {
    const here = await place()
    here.journal.append({ channel: 'system', type: 'test', data: { text: 'x'.repeat(20_000) } })
    await here.journal.flushed()
    const { events } = await here.journal.read({ after: 1_000_000 })
    assert.deepEqual(events[0]!.data, { omitted: 'more than 8192 bytes' })
    await here.close()
    assert.equal(await here.journal.reader().next(), null)
    await here.open()
  })
})
