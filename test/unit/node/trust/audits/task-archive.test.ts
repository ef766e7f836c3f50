import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../../../../../node/store/errors.ts'
import { Store } from '../../../../../node/store/store.ts'
import type { AcceptedTask } from '../../../../../node/trust/audits/archived-task.ts'
import { SealedBox } from '../../../../../node/trust/audits/sealed-box.ts'
import { TaskArchive, type TaskArchiveOptions } from '../../../../../node/trust/audits/task-archive.ts'
import { cidOf } from '../../../../../protocol/codec.ts'
import { outputDigest } from '../../../../../protocol/messages/receipt.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { seedOf } from '../../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'
import { doneTask, providerKey } from './audit-world.ts'

const DAY_MS = 24 * 3_600_000
const SECRET = 'a secret that nobody may find on the disk'

describe('the archive of tasks', () => {
  const folders = new TemporaryFolders()
  const clock = new ManualClock()
  let path: string
  let store: Store
  beforeEach(async () => {
    path = await folders.make()
    store = await Store.open(path)
  })
  afterEach(() => store.close())
  after(() => folders.remove())

  const open = async (options: Partial<TaskArchiveOptions> = {}) => {
    const archive = new TaskArchive({ seed: seedOf(1), ...options }, { store, clock, log: silentLog })
    await archive.start()
    return archive
  }
  const keep = (archive: TaskArchive, task: AcceptedTask) => store.batch(archive.keep(task))

  it('keeps all a receipt commits to, across a restart', async () => {
    const task = doneTask(1)
    await keep(await open(), task)
    const archive = await open()
    const kept = (await archive.get(task.record.cid))!
    assert.deepEqual(kept.receipt, task.record.body)
    assert.deepEqual(kept.request, task.request)
    assert.deepEqual(kept.terms, task.terms)
    assert.equal(cidOf(kept.requestFrame).toString(), kept.receipt.request)
    assert.equal(outputDigest(kept.tokens, kept.text), kept.receipt.output)
    assert.deepEqual([kept.record, kept.countersignature], [task.record.bytes, task.countersignature.bytes])
    assert.equal(archive.amount, task.record.body.amount)
    assert.equal(archive.paidTo(providerKey(0)), task.record.body.amount)
    assert.equal(await archive.get(doneTask(2).record.cid), null)
  })

  it('writes no prompt to the disk as it is, and opens it with the node key alone', async () => {
    const input = { kind: 'completion', prompt: SECRET } as const
    const task = doneTask(1, { request: { input, dataClass: 'CONFIDENTIAL' } })
    await keep(await open(), task)
    await store.close()
    const files = (await readdir(path)).map(name => readFile(join(path, name)))
    assert.ok((await Promise.all(files)).every(bytes => !bytes.includes(SECRET)))
    store = await Store.open(path)
    await assert.rejects((await open({ seed: seedOf(2) })).get(task.record.cid), StoreError)
    assert.deepEqual((await (await open()).get(task.record.cid))?.request.input, input)
  })

  it('forgets the oldest for want of room, but not what is held', async () => {
    const first = await open()
    await keep(first, doneTask(0))
    const room = first.size.bytes * 3 + 100
    const archive = await open({ maxBytes: room })
    const tasks = [1, 2, 3, 4].map(index => doneTask(index))
    archive.hold(doneTask(0).record.cid, 'a')
    for (const task of tasks) await keep(archive, task)
    const kept = [doneTask(0), ...tasks].map(({ record }) => archive.has(record.cid))
    assert.deepEqual(kept, [true, false, false, true, true])
    assert.equal(await archive.get(tasks[0]!.record.cid), null)
    assert.ok(archive.size.bytes <= room)
    for (const { cid } of archive.entries()) archive.hold(cid, 'b')
    assert.deepEqual(archive.keep(doneTask(9)), [])
    archive.release(tasks[3]!.record.cid, 'b')
    assert.notDeepEqual(archive.keep(doneTask(9)), [])
    assert.equal(archive.has(tasks[3]!.record.cid), false)
    assert.equal((await open()).size.tasks, 3)
  })

  it('forgets what is too old, once nobody holds it', async () => {
    const archive = await open({ maxAgeMs: DAY_MS })
    const [held, free] = [doneTask(1), doneTask(2)]
    await keep(archive, held)
    await keep(archive, free)
    archive.hold(held.record.cid, 'a')
    clock.jump(DAY_MS + 1)
    await archive.forgetOld()
    assert.deepEqual([archive.has(held.record.cid), archive.has(free.record.cid)], [true, false])
    archive.release(held.record.cid, 'a')
    await archive.forgetOld()
    assert.deepEqual([archive.size, archive.amount], [{ tasks: 0, bytes: 0 }, 0n])
    assert.equal(await archive.get(held.record.cid), null)
  })
})

describe('a sealed box', () => {
  it('opens what it sealed, under its name, unchanged', () => {
    const box = new SealedBox('test', seedOf(1))
    const content = Uint8Array.of(1, 2, 3)
    const sealed = box.seal('a', content)
    assert.deepEqual(box.open('a', sealed), content)
    assert.notDeepEqual(box.seal('a', content), sealed)
    assert.throws(() => box.open('b', sealed))
    assert.throws(() => new SealedBox('other', seedOf(1)).open('a', sealed))
    for (const at of sealed.keys()) {
      const changed = sealed.with(at, sealed[at]! ^ 1)
      assert.throws(() => box.open('a', changed), `byte ${at}`)
    }
    assert.throws(() => box.open('a', sealed.subarray(0, 10)))
  })
})
