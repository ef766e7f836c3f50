import assert from 'node:assert/strict'
import type { ScoredOutput } from '../../../../../inference/engine.ts'
import { EngineError } from '../../../../../inference/engine.ts'
import { SyntheticWorld } from '../../../../helpers/synthetic-outputs.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'
import { AuditWorld, type AuditWorldOptions, doneTask, providerKey, ScriptedAuditor } from './audit-world.ts'

const synthetic = new SyntheticWorld(3)
const CALIBRATION = synthetic.calibration()
const honest = ({ outputTokens }: { outputTokens: number }) => synthetic.output({ tokens: outputTokens })
const cheat = ({ outputTokens }: { outputTokens: number }) =>
  synthetic.output({ tokens: outputTokens, disturbance: 1 })
/** Tokens that no model of the name would have thought of. */
const absurd = ({ outputTokens }: { outputTokens: number }): ScoredOutput => {
  const scored = synthetic.output({ tokens: outputTokens })
  return { ...scored, states: scored.states.fill(3), margins: scored.margins.fill(Number.POSITIVE_INFINITY) }
}

describe('the desk of audits', () => {
  const folders = new TemporaryFolders()
  const worlds: AuditWorld[] = []
  afterEach(async () => {
    await Promise.all(worlds.splice(0).map(world => world.close()))
  })
  after(() => folders.remove())

  const open = async (options: Partial<AuditWorldOptions> & Pick<AuditWorldOptions, 'auditors'>) => {
    const world = await AuditWorld.open({ folder: await folders.make(), ...options })
    await world.desk.start()
    worlds.push(world)
    return world
  }

  it('audits what was drawn, and proves who is honest', async () => {
    const auditor = new ScriptedAuditor(honest)
    const world = await open({ auditors: [auditor], calibration: CALIBRATION })
    await world.take(...[1, 2, 3].map(index => doneTask(index)))
    assert.deepEqual(
      world.verdicts.map(({ result, isCalibrated }) => [result, isCalibrated]),
      Array(3).fill(['passed', true]),
    )
    assert.equal(world.reputation.honesty(providerKey(0)).standing, 'proven')
    assert.equal(world.book.waiting, 0)
    assert.equal(world.verdicts[2]!.test?.receipts, 3)
    const audited = (await world.events()).filter(({ kind }) => kind === 'task.audited')
    assert.equal(audited.length, 3)
  })

  it('draws none where the chance is none', async () => {
    const world = await open({ auditors: [new ScriptedAuditor(honest)], probability: 0 })
    await world.take(doneTask(1, { receipt: { amount: 0n } }))
    assert.deepEqual([world.verdicts.length, world.book.waiting, world.archive.size.tasks], [0, 0, 1])
  })

  it('draws every task of class S', async () => {
    const world = await open({ auditors: [new ScriptedAuditor(honest)], probability: 0 })
    const taken = async (index: number, slaClass: 'A' | 'S') => {
      await world.take(doneTask(index, { receipt: { amount: 0n }, request: { slaClass } }))
      return world.verdicts.length
    }
    assert.deepEqual([await taken(1, 'A'), await taken(2, 'S')], [0, 1])
  })

  it('draws none where nothing may be spent on it', async () => {
    const world = await open({ auditors: [new ScriptedAuditor(honest)], share: 0 })
    await world.take(doneTask(1))
    assert.deepEqual([world.verdicts.length, world.book.waiting], [0, 0])
  })

  it('finds a cheat by pooling what no single task shows', async () => {
    const world = await open({ auditors: [new ScriptedAuditor(cheat)], calibration: CALIBRATION })
    const tasks = Array.from({ length: 40 }, (_, index) => doneTask(index, { tokens: 100 }))
    for (const task of tasks) {
      await world.take(task)
      if (world.verdicts.at(-1)?.result === 'cheating') break
    }
    const verdict = world.verdicts.at(-1)!
    assert.equal(verdict.result, 'cheating')
    assert.deepEqual(verdict.reasons.at(-1), 'pooled')
    assert.equal(verdict.test?.decision, 'cheating')
    assert.ok(verdict.test.pooled.includes(verdict.receipt))
    assert.equal(world.reputation.honesty(providerKey(0)).standing, 'caught')
    const [record] = [...world.book.records()]
    assert.deepEqual([record?.convictions, record?.pooled.length, record?.test.receipts], [1, 0, 0])
  })

  it('does not take for proof what the pooled test has doubts about', async () => {
    const world = await open({ auditors: [new ScriptedAuditor(cheat)], calibration: CALIBRATION })
    for (let index = 0; index < 40 && world.verdicts.at(-1)?.result !== 'cheating'; index++)
      await world.take(doneTask(index, { tokens: 20 }))
    const passed = world.verdicts.filter(({ result }) => result === 'passed').length
    assert.ok(passed > world.reputation.opinion(providerKey(0)).audits.passed)
  })

  it('finds without a calibration who claims another prompt, template, end, or makes tokens up', async () => {
    const auditor = new ScriptedAuditor(honest)
    const world = await open({ auditors: [auditor] })
    await world.take(doneTask(0))
    await world.take(doneTask(1, { receipt: { prompt: `0x${'2'.repeat(64)}` } }))
    await world.take(doneTask(2, { receipt: { reason: 'stop' } }))
    auditor.score = absurd
    await world.take(doneTask(3))
    auditor.score = honest
    auditor.chatTemplate = `0x${'3'.repeat(64)}`
    await world.take(doneTask(4))
    assert.deepEqual(
      world.verdicts.map(({ result, reasons, isCalibrated, test }) => [result, reasons, isCalibrated, test]),
      [
        ['passed', [], false, null],
        ['failed', ['prompt'], false, null],
        ['failed', ['stop'], false, null],
        ['failed', ['tokens'], false, null],
        ['failed', ['template'], false, null],
      ],
    )
    assert.deepEqual(world.reputation.opinion(providerKey(0)).audits, { passed: 1, failed: 4 })
    assert.equal(world.book.record(providerKey(0), doneTask(0).request.model)?.uncalibrated, 5)
  })

  it('proves nobody without a calibration by answers that are odd, and too short to tell', async () => {
    const auditor = new ScriptedAuditor(absurd)
    const world = await open({ auditors: [auditor] })
    await world.take(doneTask(1, { tokens: 3 }))
    assert.equal(world.verdicts[0]!.result, 'passed')
    assert.deepEqual(world.reputation.opinion(providerKey(0)).audits, { passed: 0, failed: 0 })
    auditor.score = honest
    await world.take(doneTask(2, { tokens: 3 }))
    assert.deepEqual(world.reputation.opinion(providerKey(0)).audits, { passed: 1, failed: 0 })
  })

  it('waits for capacity, and goes elsewhere only where the first never can', async () => {
    const [own, other] = [new ScriptedAuditor(honest), new ScriptedAuditor(honest)]
    own.available = 'later'
    const world = await open({ auditors: [own, other] })
    await world.take(doneTask(1))
    assert.deepEqual([own.audited.length, other.audited.length, world.book.waiting], [0, 0, 1])
    own.available = 'never'
    await world.settle()
    assert.deepEqual([own.audited.length, other.audited.length, world.book.waiting], [0, 1, 0])
    own.available = 'now'
    await world.take(doneTask(2))
    assert.deepEqual([own.audited.length, other.audited.length], [1, 1])
  })

  it('gives up what nobody can audit, and what fails each time', async () => {
    const auditor = new ScriptedAuditor(() => {
      throw new EngineError('ENGINE_CRASHED', 'it crashed')
    })
    const world = await open({ auditors: [auditor] })
    await world.take(doneTask(1))
    await world.settle()
    await world.settle()
    assert.deepEqual([auditor.audited.length, world.book.waiting, world.verdicts.length], [3, 0, 0])
    auditor.available = 'never'
    await world.take(doneTask(2))
    assert.equal(world.book.waiting, 1)
    world.clock.jump(11 * 60_000)
    await world.settle()
    assert.equal(world.book.waiting, 0)
  })

  it('spends no more on audits than its share, but for the last one', async () => {
    const auditor = new ScriptedAuditor(honest)
    const world = await open({ auditors: [auditor], share: 0.1 })
    for (let index = 0; index < 12; index++) await world.take(doneTask(index))
    const { spent, budget, waiting } = world.desk.view()
    const [verdict] = world.verdicts
    assert.equal(verdict!.price, 21_000_000_000_000n)
    const paid = world.archive.amount
    // The first four are made whatever they cost.
    assert.ok(spent > 0n && spent <= paid / 10n + 4n * verdict!.price)
    assert.equal(budget, paid / 10n - spent)
    assert.equal(waiting, 12 - auditor.audited.length)
    assert.ok(waiting > 0)
  })

  it('looks at the first tasks of a stranger whatever was spent on others', async () => {
    const auditor = new ScriptedAuditor(honest)
    const world = await open({ auditors: [auditor], share: 0.001 })
    for (let index = 0; index < 12; index++) await world.take(doneTask(index))
    assert.equal(auditor.audited.length, 4)
    assert.ok(world.desk.view().budget < 0n)
    const stranger = doneTask(12, { provider: 1 })
    await world.take(stranger)
    assert.deepEqual(auditor.audited.slice(4), [stranger.record.cid])
  })

  it('looks last at more tasks of whom it has caught', async () => {
    const auditor = new ScriptedAuditor(absurd)
    const world = await open({ auditors: [auditor] })
    await world.take(doneTask(1, { tokens: 100 }))
    assert.equal(world.verdicts[0]?.result, 'failed')
    auditor.available = 'later'
    const [caught, stranger] = [doneTask(2), doneTask(3, { provider: 1 })]
    await world.take(caught, stranger)
    auditor.available = 'now'
    await world.settle()
    assert.deepEqual(auditor.audited.slice(1), [stranger.record.cid, caught.record.cid])
  })

  it('looks first at who has shown it least', async () => {
    const auditor = new ScriptedAuditor(honest)
    const world = await open({ auditors: [auditor] })
    await world.take(doneTask(1))
    auditor.available = 'later'
    const [known, stranger] = [doneTask(2), doneTask(3, { provider: 1 })]
    await world.take(known, stranger)
    auditor.available = 'now'
    await world.settle()
    assert.deepEqual(auditor.audited.slice(1), [stranger.record.cid, known.record.cid])
  })

  it('holds who has too much work that nobody has looked at', async () => {
    const auditor = new ScriptedAuditor(honest)
    auditor.available = 'later'
    const { amount } = doneTask(0).record.body
    // The stake of the world stands for 42 % of 10⁶ credits; the limit beside it is nothing.
    const world = await open({ auditors: [auditor], unresolvedLimit: 0n })
    const dear = 500_000n * 10n ** 18n
    await world.take(doneTask(1))
    assert.equal(world.book.unresolved(providerKey(0)), amount)
    assert.equal(world.desk.isOverdrawn(providerKey(0)), false)
    await world.take(doneTask(2, { receipt: { amount: dear, cumulativeAmount: dear } }))
    assert.equal(world.desk.isOverdrawn(providerKey(0)), true)
    assert.equal(world.desk.isOverdrawn(providerKey(1)), false)
    auditor.available = 'now'
    await world.settle()
    assert.equal(world.desk.isOverdrawn(providerKey(0)), false)
  })

  it('leaves out the cheapest where too many wait', async () => {
    const auditor = new ScriptedAuditor(honest)
    auditor.available = 'later'
    const world = await open({ auditors: [auditor], book: { maxTickets: 2 } })
    const at = (index: number, amount: bigint) =>
      doneTask(index, { receipt: { amount, cumulativeAmount: amount } })
    const tasks = [at(1, 5n), at(2, 3n), at(3, 9n), at(4, 1n)]
    await world.take(...tasks)
    assert.deepEqual(
      [...world.book.tickets()].map(({ amount }) => amount),
      [5n, 9n],
    )
  })
})

describe('audits across crashes', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  /** What is there in the end, after a process that was killed before a write, and one that went on. */
  async function lifeOf(dieBefore: number | null) {
    const folder = await folders.make()
    const task = doneTask(1)
    const options = { folder, calibration: CALIBRATION, auditors: [new ScriptedAuditor(honest)] }
    const first = await AuditWorld.open({ ...options, dieBefore })
    await first.desk.start().catch(() => {})
    await first.take(task).catch(() => {})
    await first.settle().catch(() => {})
    const { isDead, writes } = first
    await first.close()
    const second = await AuditWorld.open({ ...options, clock: first.clock })
    await second.desk.start()
    await second.settle()
    const provider = providerKey(0)
    const events = (await second.events()).map(({ kind }) => kind)
    const state = {
      audits: second.reputation.opinion(provider).audits,
      pooled: second.book.record(provider, task.request.model)?.test.receipts,
      waiting: second.book.waiting,
      uncounted: second.book.uncounted().length,
      spent: second.book.spent,
      verdicts: 0,
    }
    for await (const _ of second.book.verdicts()) state.verdicts++
    const isKept = second.archive.has(task.record.cid)
    await second.close()
    return { state, events, isDead, writes, isKept, told: [...first.verdicts, ...second.verdicts] }
  }

  it('loses nothing and counts nothing twice, whichever write the process is killed before', async () => {
    const whole = await lifeOf(null)
    assert.deepEqual(whole.state.audits, { passed: 1, failed: 0 })
    assert.deepEqual([whole.state.pooled, whole.state.verdicts, whole.isKept], [1, 1, true])
    assert.deepEqual(whole.events, ['receipt.countersigned', 'task.audited'])
    assert.ok(whole.writes >= 6, String(whole.writes))
    for (let write = 0; write < whole.writes; write++) {
      const life = await lifeOf(write)
      assert.ok(life.isDead)
      if (!life.isKept) {
        // Killed before the receipt was: nothing has happened at all.
        assert.equal(write, 0)
        assert.deepEqual([life.events, life.state.verdicts], [[], 0])
        continue
      }
      assert.deepEqual(life.state, whole.state, `killed before write ${write}`)
      assert.deepEqual(life.events, whole.events, `killed before write ${write}`)
      assert.ok(life.told.length >= 1)
    }
  })
})
