import assert from 'node:assert/strict'
import fc from 'fast-check'
import { auditJobOf, drawAuditors } from '../../../../../protocol/auditor-draw.ts'
import { encodeMessage } from '../../../../../protocol/codec.ts'
import { auditJobMessage } from '../../../../../protocol/messages/audit-job.ts'
import { SyntheticWorld } from '../../../../helpers/synthetic-outputs.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'
import { doneTask, providerKey } from './audit-world.ts'
import {
  auditorKey,
  type Behaviour,
  failsAll,
  honest,
  passesAll,
  RemoteWorld,
  type RemoteWorldOptions,
  replyOf,
} from './remote-world.ts'

const CALIBRATION = new SyntheticWorld(3).calibration()
const HASH = `0x${'be'.repeat(32)}`
describe('remote auditors', () => {
  const folders = new TemporaryFolders()
  const worlds: RemoteWorld[] = []
  afterEach(async () => {
    await Promise.all(worlds.splice(0).map(({ books }) => books.close()))
  })
  after(() => folders.remove())

  const open = async (options: Partial<RemoteWorldOptions> & Pick<RemoteWorldOptions, 'behaviours'>) => {
    const world = await RemoteWorld.open({
      folder: await folders.make(),
      calibration: CALIBRATION,
      ...options,
    })
    worlds.push(world)
    return world
  }

  it('are asked in the order drawn, told nothing of the provider, and count by their record', async () => {
    const world = await open({ behaviours: [honest, honest, honest], proven: true })
    const task = doneTask(1)
    await world.books.take(task)
    const [[auditor, job]] = world.jobs as [[string, (typeof world.jobs)[0][1]]]
    const keys = [0, 1, 2].map(auditorKey)
    assert.equal(auditor, drawAuditors(HASH, auditJobOf(task.record.cid), keys)[0])
    assert.deepEqual([job.job, job.block], [auditJobOf(task.record.cid), 5])
    const { provider, payer, payee, channelId, offer } = task.record.body
    const bytes = Buffer.from(encodeMessage(auditJobMessage, job)).toString('hex')
    for (const secret of [provider, payer.slice(2), payee.slice(2), channelId.slice(2), task.request.taskId])
      assert.ok(!bytes.includes(secret))
    assert.ok(!bytes.includes(Buffer.from(offer).toString('hex')))
    const [verdict] = world.books.verdicts
    assert.deepEqual([verdict?.result, verdict?.auditor, verdict?.price], ['passed', auditor, 0n])
    assert.equal(verdict?.backing, world.auditors.of(auditor).weight)
    const { proof } = world.books.reputation.honesty(providerKey(0))
    assert.ok(proof > 0.8 && proof < 1, String(proof))
  })

  it('prove nobody while nothing is known of them', async () => {
    const world = await open({ behaviours: [passesAll] })
    // Too short for canaries.
    await world.books.take(...[1, 2, 3].map(index => doneTask(index, { tokens: 20 })))
    assert.equal(world.books.verdicts.length, 3)
    assert.equal(world.books.reputation.honesty(providerKey(0)).standing, 'unproven')
    assert.ok(world.books.book.test(providerKey(0), doneTask(1).request.model).state.tokens > 0)
  })

  it('wait for a block, and not for ever', async () => {
    const world = await open({ behaviours: [honest], proven: true })
    world.hasBlock = false
    await world.books.take(doneTask(1))
    await world.settle()
    assert.deepEqual([world.jobs.length, world.books.book.waiting], [0, 1])
    world.hasBlock = true
    await world.settle()
    assert.deepEqual([world.jobs.length, world.books.book.waiting], [1, 0])
    world.hasBlock = false
    await world.books.take(doneTask(2))
    world.books.clock.jump(6 * 3_600_000)
    await world.settle()
    assert.equal(world.books.book.waiting, 0)
  })

  it('are compared with a second where they speak against the provider, and a third decides', async () => {
    const world = await open({ behaviours: [honest, honest, honest], proven: true })
    const task = doneTask(1)
    const [first] = drawAuditors(HASH, auditJobOf(task.record.cid), [0, 1, 2].map(auditorKey))
    const place = [0, 1, 2].findIndex(index => auditorKey(index) === first)
    world.behaviours[place] = failsAll
    await world.books.take(task)
    assert.equal(world.jobs.length, 3)
    const [verdict] = world.books.verdicts
    assert.equal(verdict?.result, 'passed')
    assert.notEqual(verdict?.auditor, first)
    assert.ok(verdict!.backing! > 1.5)
    assert.equal(world.auditors.of(first!).faults.outvoted, 1)
    assert.equal(world.auditors.base(task.record.cid).isConfirmed, true)
  })

  it('find a forger, two of them agreeing', async () => {
    const world = await open({ behaviours: [failsAll, failsAll, failsAll], proven: true })
    await world.books.take(doneTask(1))
    assert.equal(world.jobs.length, 2)
    const [verdict] = world.books.verdicts
    assert.deepEqual([verdict?.result, verdict?.reasons], ['failed', ['tokens']])
    assert.ok(verdict!.backing! > 1.5)
    assert.equal(world.books.reputation.honesty(providerKey(0)).standing, 'caught')
  })

  it('are one where they are one operator', async () => {
    const world = await open({ behaviours: [failsAll, failsAll, honest], kin: [0, 1], proven: true })
    // Whom the draw asks first goes by the task: of this one, two of the same operator.
    await world.books.take(doneTask(2))
    assert.equal(world.jobs.length, 2)
    assert.deepEqual([world.books.verdicts.length, world.books.book.waiting], [0, 1])
    await world.settle()
    await world.settle()
    assert.deepEqual([world.books.verdicts.length, world.books.book.waiting], [0, 0])
  })

  it('are passed over while busy, away or of another mind about what they were sent', async () => {
    const wrongJob: Behaviour = job => replyOf(1, doneTask(9).record.cid, honest(job) as never)
    const world = await open({
      behaviours: [() => ({ kind: 'refused', code: 'busy' }), wrongJob, () => null],
      proven: true,
    })
    await world.books.take(doneTask(1))
    assert.deepEqual([world.jobs.length, world.books.verdicts.length, world.books.book.waiting], [3, 0, 1])
    assert.deepEqual(world.violations, [auditorKey(1)])
    world.behaviours[0] = honest
    await world.books.settle()
    assert.equal(world.jobs.length, 3)
    await world.settle()
    assert.deepEqual([world.jobs.length, world.books.verdicts.length], [4, 1])
  })

  it('find out who never looks by canaries that look like any other job, and take its word back', async () => {
    const world = await open({ behaviours: [passesAll, honest, honest], canaryShare: 0.3, seed: 9 })
    for (let index = 0; index < 60 && world.excluded.length === 0; index++) {
      await world.books.take(doneTask(index))
      for (let again = 0; again < 3; again++) await world.settle()
    }
    assert.deepEqual(world.excluded, [auditorKey(0)])
    assert.ok(world.auditors.of(auditorKey(0)).faults.passed_bad >= 2)
    assert.deepEqual(
      [1, 2].map(index => world.auditors.of(auditorKey(index)).wrong),
      [0, 0],
    )
    const tasks = world.jobs.length
    await world.books.take(...Array.from({ length: 6 }, (_, index) => doneTask(500 + index)))
    assert.ok(world.jobs.slice(tasks).every(([auditor]) => auditor !== auditorKey(0)))
    const test = world.books.book.test(providerKey(0), doneTask(1).request.model)
    const { verdicts } = world.books
    const kept = verdicts.filter(({ auditor }) => auditor !== auditorKey(0)).length
    assert.equal(test.state.receipts, kept)
  })

  it('come to the same verdict on honest work whichever single one of three lies', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 2 }), fc.nat({ max: 1_000 }), async (lies, index) => {
        const behaviours = [0, 1, 2].map(auditor => (auditor === lies ? failsAll : honest))
        const world = await open({ behaviours, proven: true, seed: index })
        await world.books.take(doneTask(index))
        assert.equal(world.books.verdicts[0]?.result, 'passed')
      }),
      { numRuns: 12, seed: 4 },
    )
  })
})
