import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { AuditLogError } from '../../../../node/auditlog/errors.ts'
import { EventLog } from '../../../../node/auditlog/event-log.ts'
import { type AuditEntry, auditEntry, auditTree, verifyInclusion } from '../../../../node/auditlog/merkle.ts'
import { AuditOutbox } from '../../../../node/auditlog/outbox.ts'
import { proveEvent, readEvent, verifyAuditLog } from '../../../../node/auditlog/verify.ts'
import { Store } from '../../../../node/store/store.ts'
import { createNodeSigner } from '../../../../protocol/identity.ts'
import type { AuditEventDetails } from '../../../../protocol/messages/audit-event.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { seedOf } from '../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const signer = createNodeSigner(seedOf(9))
const started = (software: string): AuditEventDetails => ({ kind: 'node.started', v: 1, software })
const code = (expected: string) => (error: unknown) =>
  error instanceof AuditLogError && error.code === expected

describe('audit log', () => {
  const folders = new TemporaryFolders()
  const clock = new ManualClock()
  let path: string

  const open = (knownSequence = 0) => EventLog.open({ path, knownSequence }, { signer, clock })
  const writeEvents = async (count: number) => {
    const log = await open()
    const sequences = await Promise.all(
      Array.from({ length: count }, (_, i) => log.append(started(`event ${i}`))),
    )
    await log.close()
    return sequences
  }

  beforeEach(async () => {
    path = join(await folders.make(), 'audit.log')
  })
  after(() => folders.remove())

  it('keeps events in order, over restarts', async () => {
    assert.deepEqual(await writeEvents(3), [1, 2, 3])
    const log = await open()
    assert.equal(log.lastSequence, 3)
    assert.equal(await log.append(started('later')), 4)
    await log.close()
    const verdict = await verifyAuditLog({ path })
    assert.deepEqual([verdict.events, verdict.problem], [4, null])
    assert.equal(verdict.nodeKey, Buffer.from(signer.publicKey).toString('hex'))
    assert.deepEqual((await readEvent(path, 2))?.body.event, started('event 1'))
  })

  it('cuts what a crash in the middle of an append left, at any byte', async () => {
    await writeEvents(3)
    const whole = await readFile(path)
    await writeEvents(1)
    const longer = await readFile(path)
    for (let size = whole.length; size < longer.length; size += 7) {
      await writeFile(path, longer.subarray(0, size))
      const log = await open()
      assert.equal(log.lastSequence, 3, `cut at ${size}`)
      assert.equal(await log.append(started('next')), 4)
      await log.close()
      assert.equal((await verifyAuditLog({ path })).problem, null)
    }
    await writeFile(path, Buffer.concat([whole, Buffer.alloc(300)]))
    const log = await open()
    assert.equal(log.lastSequence, 3)
    await log.close()
  })

  it('does not cut what is damage and not a crash', async () => {
    await writeEvents(100)
    const whole = await readFile(path)
    const damaged = Buffer.from(whole)
    damaged.writeUInt32BE(0xffffffff, 0)
    await writeFile(path, damaged)
    await assert.rejects(open(), code('AUDIT_LOG_CORRUPT'))
    assert.deepEqual(await readFile(path), damaged)
    await writeFile(path, whole)
    await assert.rejects(open(101), code('AUDIT_LOG_CORRUPT'))
    const other = createNodeSigner(seedOf(8))
    await assert.rejects(EventLog.open({ path }, { signer: other, clock }), code('AUDIT_LOG_CORRUPT'))
  })

  it('names the first bad entry after any change of one byte', async () => {
    await writeEvents(12)
    const whole = await readFile(path)
    const ends: number[] = []
    for (let at = 0; at < whole.length; ) {
      at += 4 + whole.readUInt32BE(at)
      ends.push(at)
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const tampered = Buffer.from(whole)
        tampered[at]! ^= change
        await writeFile(path, tampered)
        const { problem } = await verifyAuditLog({ path })
        assert.equal(problem?.sequence, ends.findIndex(end => at < end) + 1)
      }),
      { numRuns: 200 },
    )
  })

  it('notices entries that were removed, swapped or taken from another log', async () => {
    await writeEvents(6)
    const whole = await readFile(path)
    const frames: Buffer[] = []
    for (let at = 0; at < whole.length; ) {
      const end = at + 4 + whole.readUInt32BE(at)
      frames.push(whole.subarray(at, end))
      at = end
    }
    const problemOf = async (order: Buffer[]) => {
      await writeFile(path, Buffer.concat(order))
      return (await verifyAuditLog({ path })).problem
    }
    const [a, b, c, d, e, f] = frames as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer]
    assert.deepEqual(await problemOf([a, b, d, e, f]), { sequence: 3, reason: 'wrong_sequence' })
    assert.deepEqual(await problemOf([a, c, b, d, e, f]), { sequence: 2, reason: 'wrong_sequence' })
    const otherPath = join(await folders.make(), 'audit.log')
    const other = await EventLog.open({ path: otherPath }, { signer, clock })
    for (let i = 0; i < 3; i++) await other.append(started('other'))
    await other.close()
    const foreign = await readFile(otherPath)
    const second = 4 + foreign.readUInt32BE(0)
    const secondEnd = second + 4 + foreign.readUInt32BE(second)
    assert.deepEqual(await problemOf([a, foreign.subarray(second, secondEnd), c]), {
      sequence: 2,
      reason: 'broken_chain',
    })
  })

  it('says that the disk is full, loses nothing, and goes on when there is room', async function () {
    // A real full disk: a file system of 64 KiB, mounted for this test.
    const mount = await folders.make()
    if (
      process.getuid?.() !== 0 ||
      spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount]).status !== 0
    ) {
      console.log(
        '      skipped: mounting a small file system needs root (owner: test/unit/node/auditlog/event-log.test.ts)',
      )
      return this.skip()
    }
    try {
      path = join(mount, 'audit.log')
      const log = await open()
      let written = 0
      let failure: unknown
      while (failure === undefined) {
        await log.append(started('x'.repeat(32))).then(
          () => written++,
          error => {
            failure = error
          },
        )
      }
      assert.ok(code('AUDIT_LOG_FULL_DISK')(failure))
      assert.match((failure as AuditLogError).fix ?? '', /Free some space/)
      assert.equal((await verifyAuditLog({ path })).events, written)
      assert.equal((await verifyAuditLog({ path })).problem, null)
      assert.equal(spawnSync('mount', ['-o', 'remount,size=1m', mount]).status, 0)
      assert.equal(await log.append(started('room again')), written + 1)
      await log.close()
      assert.equal((await verifyAuditLog({ path })).problem, null)
    } finally {
      spawnSync('umount', [mount])
    }
  })

  it('proves the inclusion of every event of an anchored range', async () => {
    await writeEvents(9)
    const entries: AuditEntry[] = []
    const log = await open()
    for await (const { record } of log.read(1, 9)) entries.push(auditEntry(record))
    const { root } = auditTree(1, entries)
    await log.append({
      kind: 'anchor.confirmed',
      v: 1,
      transaction: `0x${'ab'.repeat(32)}`,
      root,
      firstSequence: 1,
      lastSequence: 9,
    })
    await log.close()
    const verdict = await verifyAuditLog({ path })
    assert.equal(verdict.problem, null)
    for (let sequence = 1; sequence <= 9; sequence++) {
      const proof = await proveEvent(path, verdict, sequence)
      assert.ok(proof && verifyInclusion(proof))
      assert.ok(!verifyInclusion({ ...proof, sequence: proof.sequence === 9 ? 8 : proof.sequence + 1 }))
      assert.ok(!verifyInclusion({ ...proof, eventHash: `0x${'00'.repeat(64)}` }))
    }
    assert.equal(await proveEvent(path, verdict, 10), null)
    const denied = await verifyAuditLog({ path }, { checkAnchor: () => Promise.resolve(null) })
    assert.deepEqual(denied.problem, { sequence: 1, reason: 'not_anchored_so' })
  })

  it('notices an anchor event with another root than its range has', async () => {
    const log = await open()
    await log.append(started('one'))
    await log.append({
      kind: 'anchor.confirmed',
      v: 1,
      transaction: `0x${'ab'.repeat(32)}`,
      root: `0x${'cd'.repeat(32)}`,
      firstSequence: 1,
      lastSequence: 1,
    })
    await log.close()
    assert.deepEqual((await verifyAuditLog({ path })).problem, { sequence: 1, reason: 'root_mismatch' })
  })

  describe('with the outbox', () => {
    it('logs each change once, whatever the moment of a crash', async () => {
      for (const crash of ['before the append', 'after the append', 'never'] as const) {
        const root = await folders.make()
        path = join(root, 'audit.log')
        let store = await Store.open(join(root, 'store'))
        let log = await open()
        const crashed = Promise.withResolvers<void>()
        const frozen = {
          lastSequence: 0,
          append: () => {
            crashed.resolve()
            return new Promise<number>(() => {})
          },
        }
        const outbox = new AuditOutbox({
          store,
          log: crash === 'before the append' ? (frozen as unknown as EventLog) : log,
        })
        if (crash === 'after the append') {
          const batch = store.batch.bind(store)
          let calls = 0
          store.batch = (...args) => {
            if (++calls === 1) return batch(...args)
            crashed.resolve()
            return new Promise(() => {})
          }
        }
        const recorded = outbox.record([], [started('a'), started('b')])
        await (crash === 'never' ? recorded : crashed.promise)
        await store.close()
        await log.close()

        store = await Store.open(join(root, 'store'))
        log = await open(await AuditOutbox.knownSequence(store))
        const again = new AuditOutbox({ store, log })
        await again.recover()
        await again.recover()
        await again.record([], [started('c')])
        await store.close()
        await log.close()
        const events: unknown[] = []
        for (let sequence = 1; sequence <= 4; sequence++)
          events.push((await readEvent(path, sequence))?.body.event)
        assert.deepEqual(events, [started('a'), started('b'), started('c'), undefined], crash)
        assert.equal((await verifyAuditLog({ path })).problem, null)
      }
    })

    it('logs each event once when one of several does not reach the log', async () => {
      const root = await folders.make()
      path = join(root, 'audit.log')
      const store = await Store.open(join(root, 'store'))
      const log = await open()
      const append = log.append.bind(log)
      const full = new AuditLogError('AUDIT_LOG_FULL_DISK', 'the disk is full')
      let isFull = true
      log.append = event =>
        isFull && event.kind === 'node.started' && event.software === 'b'
          ? Promise.reject(full)
          : append(event)
      const health: boolean[] = []
      const outbox = new AuditOutbox({ store, log, onHealth: healthy => health.push(healthy) })
      await assert.rejects(outbox.record([], [started('a'), started('b')]), code('AUDIT_LOG_FULL_DISK'))
      isFull = false
      await outbox.record([], [started('c')])
      await store.close()
      await log.close()
      const events: unknown[] = []
      for (let sequence = 1; sequence <= 4; sequence++)
        events.push((await readEvent(path, sequence))?.body.event)
      assert.deepEqual(events, [started('a'), started('b'), started('c'), undefined])
      assert.deepEqual(health, [false, true])
    })

    it('refuses a log that is shorter than the database knows', async () => {
      const root = await folders.make()
      path = join(root, 'audit.log')
      const store = await Store.open(join(root, 'store'))
      const log = await open()
      const outbox = new AuditOutbox({ store, log })
      await outbox.record([], [started('a')])
      const { size } = await stat(path)
      await outbox.record([], [started('b')])
      await log.close()
      await truncate(path, size)
      await assert.rejects(open(await AuditOutbox.knownSequence(store)), code('AUDIT_LOG_CORRUPT'))
      await store.close()
    })
  })
})
