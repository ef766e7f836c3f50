import assert from 'node:assert/strict'
import { join } from 'node:path'
import { EventLog } from '../../../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../../../node/auditlog/outbox.ts'
import { readEvent } from '../../../../../node/auditlog/verify.ts'
import type { RoundBlobs } from '../../../../../node/learning/rounds/seams.ts'
import { VersionBook } from '../../../../../node/learning/versions/version-book.ts'
import { AdapterVersions } from '../../../../../node/learning/versions/versions.ts'
import { Store } from '../../../../../node/store/store.ts'
import type { BlobRef } from '../../../../../protocol/messages/learning/blob-ref.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import {
  BASE,
  type LearnedVersion,
  learnedVersion,
  memberSigner,
} from '../../../../helpers/learning/learned-version.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const LINE = { base: BASE, domain: 'notes' }
const { signal } = new AbortController()

/** Blobs by name alone. */
class NamedBlobs implements RoundBlobs {
  readonly held = new Map<string, Set<string>>()
  readonly files = new Map<string, BlobRef>()
  readonly lost = new Set<string>()

  async keep(path: string, { holder }: { holder: string }): Promise<BlobRef> {
    this.held.set(path, (this.held.get(path) ?? new Set()).add(holder))
    return this.files.get(path)!
  }
  provide(): void {}
  async fetch({ digest }: BlobRef): Promise<string> {
    if (this.lost.has(digest)) throw new Error('nobody has it')
    return digest
  }
  path({ digest }: BlobRef): string | null {
    return this.held.get(digest)?.size ? digest : null
  }
  async release(holder: string): Promise<void> {
    for (const holders of this.held.values()) holders.delete(holder)
  }
}

/** Versions on a real database and audit log, which may be closed and opened again. */
class World {
  readonly clock = new ManualClock()
  readonly blobs = new NamedBlobs()
  readonly records = new Map<string, Uint8Array>()
  readonly current: (string | null)[] = []
  readonly root: string
  store!: Store
  log!: EventLog
  versions!: AdapterVersions
  /** What happens to the disk. */
  failing = false

  constructor(root: string) {
    this.root = root
  }

  get logPath(): string {
    return join(this.root, 'audit.log')
  }

  async open(options: { autoload?: boolean; keep?: number } = {}): Promise<void> {
    this.store = await Store.open(join(this.root, 'store'))
    const knownSequence = await AuditOutbox.knownSequence(this.store)
    this.log = await EventLog.open(
      { path: this.logPath, knownSequence },
      { signer: memberSigner(0), clock: this.clock },
    )
    const outbox = new AuditOutbox({ store: this.store, log: this.log })
    await outbox.recover()
    this.versions = new AdapterVersions(
      { autoload: true, ...options },
      {
        book: new VersionBook({ store: this.store }),
        outbox: {
          record: (operations, events) => {
            if (this.failing) return Promise.reject(new Error('the disk is full'))
            return outbox.record(operations, events)
          },
        },
        blobs: this.blobs,
        roundRecords: async () => [...this.records.values()],
        stakeOf: (_node, { stake }) => stake,
        clock: this.clock,
        log: silentLog,
      },
    )
    this.versions.on('current', ({ current }) => this.current.push(current))
    await this.versions.start()
  }

  async close(): Promise<void> {
    await this.versions.stop()
    await this.log.close()
    await this.store.close()
  }

  async again(): Promise<void> {
    await this.close()
    await this.open()
  }

  /** A round of this node came to something. */
  accept(learned: LearnedVersion): Promise<void> {
    this.know(learned)
    this.clock.jump(1)
    return this.versions.accept({ record: learned.record, path: learned.record.body.blob.digest })
  }

  know({ record, records }: LearnedVersion): void {
    for (const [cid, bytes] of records) this.records.set(cid, bytes)
    this.blobs.files.set(record.body.blob.digest, record.body.blob)
  }

  async events(): Promise<string[]> {
    const kinds = []
    for (let at = 1; at <= this.log.lastSequence; at++)
      kinds.push((await readEvent(this.logPath, at))!.body.event.kind)
    return kinds
  }
}

describe('versions of adapters', () => {
  const folders = new TemporaryFolders()
  let world: World

  beforeEach(async () => {
    world = new World(await folders.make())
    await world.open()
  })
  afterEach(() => world.close())
  after(() => folders.remove())

  it('uses each version that goes on from the last, logs it once, and knows it after a restart', async () => {
    const first = learnedVersion({ number: 1 })
    const second = learnedVersion({ number: 2, parent: first.asParent })
    await world.accept(first)
    await world.accept(second)
    await world.accept(second)
    assert.deepEqual(world.current, [first.record.cid, second.record.cid])
    assert.deepEqual(await world.events(), ['adapter.accepted', 'adapter.accepted'])
    await world.again()
    assert.equal(world.versions.current(BASE, 'notes')?.cid, second.record.cid)
    const chain = world.versions.ancestry(second.record.cid)
    assert.deepEqual(
      chain.map(({ cid }) => cid),
      [second.record.cid, first.record.cid],
    )
    assert.deepEqual(await world.versions.evidence(second.votes[0]!.cid), second.votes[0]!.bytes)
  })

  it('goes back in one step, and stays there until told otherwise', async () => {
    const first = learnedVersion({ number: 1 })
    const second = learnedVersion({ number: 2, parent: first.asParent })
    const third = learnedVersion({ number: 3, parent: second.asParent })
    const other = learnedVersion({ number: 4, parent: first.asParent })
    await world.accept(first)
    await world.accept(second)
    await world.versions.rollBack({ version: world.versions.find(first.record.cid) }, signal)
    assert.equal(world.versions.current(BASE, 'notes')?.cid, first.record.cid)
    // What goes on from what was left is kept, but not used by itself.
    await world.accept(third)
    assert.equal(world.versions.current(BASE, 'notes')?.cid, first.record.cid)
    await world.again()
    assert.equal(world.versions.current(BASE, 'notes')?.cid, first.record.cid)
    await world.accept(other)
    assert.equal(world.versions.current(BASE, 'notes')?.cid, other.record.cid)
    await world.versions.rollBack(LINE, signal)
    assert.equal(world.versions.current(BASE, 'notes'), null)
    await assert.rejects(world.versions.rollBack(LINE, signal), { code: 'ALREADY_CURRENT' })
    // By hand anything can be used again.
    await world.versions.rollBack({ version: world.versions.find(third.record.cid) }, signal)
    assert.equal(world.versions.current(BASE, 'notes')?.cid, third.record.cid)
    assert.deepEqual((await world.events()).filter(kind => kind === 'adapter.rolledBack').length, 3)
  })

  it('uses nothing by itself where it is not to', async () => {
    await world.close()
    await world.open({ autoload: false })
    await world.accept(learnedVersion())
    assert.equal(world.versions.current(BASE, 'notes'), null)
    assert.equal(world.versions.list().length, 1)
  })

  it('keeps several domains and bases apart', async () => {
    const notes = learnedVersion({ number: 1 })
    const legal = learnedVersion({ number: 2, domain: 'legal' })
    const mini = learnedVersion({ number: 3, base: `mini@sha256:${'c'.repeat(64)}` })
    for (const learned of [notes, legal, mini]) await world.accept(learned)
    assert.equal(world.versions.lines().length, 3)
    await world.versions.rollBack({ base: BASE, domain: 'legal' }, signal)
    assert.equal(world.versions.current(BASE, 'notes')?.cid, notes.record.cid)
    assert.equal(world.versions.current(mini.record.body.base, 'notes')?.cid, mini.record.cid)
  })

  it('loses and doubles nothing when the disk fails in between', async () => {
    const learned = learnedVersion()
    world.failing = true
    await assert.rejects(world.accept(learned), /disk is full/)
    assert.equal(world.versions.list().length, 0)
    assert.equal(world.versions.current(BASE, 'notes'), null)
    world.failing = false
    await world.again()
    assert.equal(world.versions.list().length, 0)
    await world.accept(learned)
    assert.deepEqual(await world.events(), ['adapter.accepted'])
    world.failing = true
    await assert.rejects(world.versions.rollBack(LINE, signal), /disk is full/)
    assert.equal(world.versions.current(BASE, 'notes')?.cid, learned.record.cid)
  })

  it('uses nothing that is not proven', async () => {
    const forged = learnedVersion({ number: 5, vote: member => (member === 0 ? {} : null) })
    await assert.rejects(world.accept(forged), { code: 'NO_QUORUM' })
    assert.deepEqual(world.versions.list(), [])
    assert.deepEqual(await world.events(), [])
  })

  it('lets go of old files that nothing in use goes on from', async () => {
    await world.close()
    await world.open({ keep: 2 })
    const left = learnedVersion({ number: 1 })
    await world.accept(left)
    await world.versions.rollBack(LINE, signal)
    const first = learnedVersion({ number: 2 })
    await world.accept(first)
    await world.accept(learnedVersion({ number: 3, parent: first.asParent }))
    assert.equal(world.blobs.path(left.record.body.blob), null)
    assert.notEqual(world.blobs.path(first.record.body.blob), null)
    assert.equal(world.versions.list().length, 3)
    // It can be had again.
    await world.versions.rollBack({ version: world.versions.find(left.record.body.adapter) }, signal)
    assert.equal(world.versions.current(BASE, 'notes')?.cid, left.record.cid)
  })
})
