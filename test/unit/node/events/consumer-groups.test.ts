import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import type { GroupConsumer } from '../../../../node/events/consumer-group.ts'
import { ConsumerGroups, type ConsumerGroupsOptions } from '../../../../node/events/consumer-groups.ts'
import { EventsError } from '../../../../node/events/errors.ts'
import type { JournalEvent } from '../../../../node/events/event.ts'
import { EventJournal, type EventJournalOptions } from '../../../../node/events/journal.ts'
import { createLogger } from '../../../../node/log.ts'
import { Store } from '../../../../node/store/store.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const log = createLogger({ level: 'silent' })
const ACK_TIMEOUT_MS = 30_000

class Place {
  readonly clock = new ManualClock()
  readonly #path: string
  readonly #options: ConsumerGroupsOptions & EventJournalOptions
  #store!: Store
  journal!: EventJournal
  groups!: ConsumerGroups

  constructor(path: string, options: ConsumerGroupsOptions & EventJournalOptions = {}) {
    this.#path = path
    this.#options = options
  }

  async open(): Promise<this> {
    this.#store = await Store.open(this.#path)
    const { clock } = this
    const store = this.#store
    this.journal = await EventJournal.open(this.#options, { store, clock, log })
    this.groups = await ConsumerGroups.open(
      { ackTimeoutMs: ACK_TIMEOUT_MS, ...this.#options },
      { journal: this.journal, store, clock },
    )
    return this
  }

  async close(): Promise<void> {
    this.groups.stop()
    await this.journal.stop()
    await this.#store.close()
  }

  async tell(count: number, tenant = 'owner'): Promise<void> {
    for (let n = 1; n <= count; n++)
      this.journal.append({ channel: 'tasks', type: 'test', tenant, data: { n } })
    await this.journal.flushed()
  }
}

const sequencesOf = (given: { events: readonly JournalEvent[] } | null) =>
  given!.events.map(({ sequence }) => sequence)
const refused = (code: string) => (error: unknown) => error instanceof EventsError && error.code === code

describe('consumer groups', () => {
  const folders = new TemporaryFolders()
  const places: Place[] = []
  const place = async (options?: ConsumerGroupsOptions & EventJournalOptions) => {
    const made = await new Place(join(await folders.make(), 'store'), options).open()
    places.push(made)
    return made
  }
  const workers = { tenant: 'owner', group: 'workers' }

  afterEach(() => Promise.all(places.splice(0).map(made => made.close())))
  after(() => folders.remove())

  it('share events, give them again after a time-out or when a consumer goes, and go on after a restart', async () => {
    const here = await place()
    const a = await here.groups.consume({ ...workers, consumer: 'a', after: 0, maxUnacknowledged: 3 })
    const b = await here.groups.consume({ ...workers, consumer: 'b', maxUnacknowledged: 3 })
    await here.tell(8)
    assert.deepEqual(sequencesOf(await a.next()), [1, 2, 3])
    assert.deepEqual(sequencesOf(await b.next()), [4, 5, 6])
    // Who has not acknowledged gets no more.
    const more = a.next()
    assert.equal(await here.groups.acknowledge(workers, { sequences: [2, 2, 99] }), 1)
    assert.deepEqual(sequencesOf(await more), [7])
    assert.deepEqual(here.groups.list('owner'), [
      {
        group: 'workers',
        channels: ['tasks', 'receipts', 'prices', 'learning', 'peers', 'audit', 'system'],
        committed: 0,
        unacknowledged: 6,
        behind: 1,
        consumers: ['a', 'b'],
      },
    ])
    await here.clock.advance(ACK_TIMEOUT_MS - 1)
    await here.groups.acknowledge(workers, { upTo: 4 })
    await here.clock.advance(1)
    assert.deepEqual(sequencesOf(await b.next()), [5, 6, 7])
    b.close()
    assert.deepEqual(sequencesOf(await a.next()), [5, 6, 7])
    await here.groups.acknowledge(workers, { sequences: [6] })
    await here.close()
    await here.open()
    const c = await here.groups.consume({ ...workers, consumer: 'c' })
    assert.deepEqual(sequencesOf(await c.next()), [5, 7, 8])
    await here.groups.acknowledge(workers, { upTo: 8 })
    assert.equal(here.groups.list('owner')[0]!.committed, 8)
    const waiting = c.next()
    await here.tell(1)
    assert.deepEqual(sequencesOf(await waiting), [9])
    c.close()
    assert.equal(await c.next(), null)
  })

  it('lose no event whatever happens, and give none twice without cause', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ tell: fc.integer({ min: 1, max: 12 }) }) },
      { weight: 6, arbitrary: fc.record({ take: fc.integer({ min: 0, max: 2 }) }) },
      { weight: 6, arbitrary: fc.record({ acknowledge: fc.double({ min: 0, max: 1, noNaN: true }) }) },
      { weight: 1, arbitrary: fc.record({ leave: fc.integer({ min: 0, max: 2 }) }) },
      { weight: 1, arbitrary: fc.constant({ timeOut: true }) },
      { weight: 1, arbitrary: fc.constant({ restart: true }) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        async (steps, maxUnacknowledged) => {
          const here = await place({ maxUnacknowledged: 20 })
          const consumers: (GroupConsumer | null)[] = [null, null, null]
          const given = new Map<number, number>()
          const acknowledged = new Set<number>()
          const join = async (i: number) =>
            (consumers[i] ??= await here.groups.consume({
              ...workers,
              ...{ consumer: `c${i}`, after: 0, maxUnacknowledged },
            }))
          const forget = (i: number | null) => {
            for (const [sequence, holder] of given) if (i === null || holder === i) given.delete(sequence)
          }
          const take = async (i: number) => {
            const consumer = await join(i)
            const next = consumer.next()
            // A turn of the loop for the disk, after which nothing is what there is to take.
            const nothing = Symbol('nothing')
            const taken = await Promise.race([next, turns().then(() => nothing)])
            if (taken === nothing) {
              consumer.close()
              consumers[i] = null
              // What came after all goes to others, as all that it held.
              await next
              forget(i)
              return
            }
            for (const sequence of sequencesOf(taken as Awaited<typeof next>)) {
              assert.ok(!given.has(sequence), `${sequence} is out already`)
              assert.ok(!acknowledged.has(sequence), `${sequence} was acknowledged`)
              given.set(sequence, i)
            }
          }
          const acknowledge = async (sequences: number[]) => {
            if (sequences.length === 0) return
            await here.groups.acknowledge(workers, { sequences })
            for (const sequence of sequences) {
              acknowledged.add(sequence)
              given.delete(sequence)
            }
          }
          for (const what of steps) {
            if ('tell' in what) await here.tell(what.tell)
            else if ('take' in what) await take(what.take)
            else if ('acknowledge' in what)
              await acknowledge([...given.keys()].filter((_, i) => (i * 7919) % 100 < what.acknowledge * 100))
            else if ('leave' in what) {
              consumers[what.leave]?.close()
              consumers[what.leave] = null
              forget(what.leave)
            } else if ('timeOut' in what) {
              await here.clock.advance(ACK_TIMEOUT_MS)
              forget(null)
            } else {
              consumers.fill(null)
              forget(null)
              await here.close()
              await here.open()
            }
          }
          const last = here.journal.lastSequence
          for (let round = 0; acknowledged.size < last && round < 200; round++) {
            await take(0)
            await acknowledge([...given.keys()])
          }
          assert.deepEqual(
            [...acknowledged].sort((a, b) => a - b),
            Array.from({ length: last }, (_, i) => i + 1),
          )
          const [group] = here.groups.list('owner')
          if (group !== undefined) assert.equal(group.committed, last)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('tell what was removed before it was acknowledged, and go on', async () => {
    const here = await place({ maxEvents: 500 })
    const a = await here.groups.consume({ ...workers, consumer: 'a', after: 0, maxUnacknowledged: 2 })
    await here.tell(3)
    assert.deepEqual(sequencesOf(await a.next()), [1, 2])
    await here.tell(3_000)
    await here.clock.advance(ACK_TIMEOUT_MS)
    const given = await a.next()
    assert.equal(given!.events.length, 0)
    assert.equal(given!.gaps[0]!.fromSequence, 1)
    const next = await a.next()
    assert.equal(next!.events[0]!.sequence, given!.gaps[0]!.toSequence + 1)
    assert.equal(here.groups.list('owner')[0]!.committed, given!.gaps[0]!.toSequence)
  })

  it('make room for others when there are too many, but not where somebody is', async () => {
    const here = await place({ maxAllGroups: 3 })
    const begin = (tenant: string) => here.groups.consume({ tenant, group: 'g', consumer: 'c' })
    const has = (...tenants: string[]) => tenants.filter(tenant => here.groups.list(tenant).length > 0)
    const used = await begin('used')
    for (const tenant of ['owner', 'first']) (await begin(tenant)).close()
    const second = await begin('second')
    assert.deepEqual(has('owner', 'used', 'first', 'second'), ['owner', 'used', 'second'])
    await assert.rejects(begin('third'), refused('GROUP_REFUSED'))
    used.close()
    await begin('third')
    assert.deepEqual(has('owner', 'used', 'second', 'third'), ['owner', 'second', 'third'])
    second.close()
    // Two that begin the same group at once are in one group.
    const both = ['a', 'b'].map(consumer => here.groups.consume({ tenant: 'owner', group: 'new', consumer }))
    await Promise.all(both)
    const { consumers } = here.groups.list('owner').find(({ group }) => group === 'new')!
    assert.deepEqual(consumers.toSorted(), ['a', 'b'])
  })

  it('belong to their tenant, are bounded, and keep to their channels', async () => {
    const here = await place({ maxGroups: 1 })
    const mine = await here.groups.consume({ tenant: 'a', group: 'g', consumer: 'c', after: 0 })
    await here.tell(1, 'b')
    await here.tell(1, 'a')
    assert.deepEqual(sequencesOf(await mine.next()), [2])
    assert.deepEqual(here.groups.list('b'), [])
    assert.throws(
      () => here.groups.acknowledge({ tenant: 'b', group: 'g' }, { upTo: 9 }),
      refused('BAD_EVENT_QUERY'),
    )
    await assert.rejects(
      here.groups.consume({ tenant: 'a', group: 'h', consumer: 'c' }),
      refused('GROUP_REFUSED'),
    )
    await assert.rejects(
      here.groups.consume({ tenant: 'a', group: 'g', consumer: 'c', channels: ['peers'] }),
      refused('BAD_EVENT_QUERY'),
    )
    await assert.rejects(
      here.groups.consume({ tenant: 'a', group: 'g/h', consumer: 'c' }),
      refused('BAD_EVENT_QUERY'),
    )
    await here.groups.remove({ tenant: 'a', group: 'g' })
    assert.equal(await mine.next(), null)
    await here.close()
    await here.open()
    assert.deepEqual(here.groups.list('a'), [])
  })
})

/** Long enough for what is at hand, LevelDB's threads included. */
async function turns(): Promise<void> {
  for (let i = 0; i < 40; i++) await new Promise(resolve => setImmediate(resolve))
}
