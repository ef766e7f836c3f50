import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Violation } from '../../../../node/p2p/errors.ts'
import { Store } from '../../../../node/store/store.ts'
import { MAX_REPORT_AGE_MS, Reputation, type TaskEvidence } from '../../../../node/trust/reputation.ts'
import { cidOf, encodeCanonical } from '../../../../protocol/codec.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const DAY_MS = 24 * 3_600_000
const PENALTY_HALF_LIFE_MS = 10 * 60_000
const PEER = 'ab'.repeat(32)
const EVIDENCE: TaskEvidence[] = ['completed', 'failed', 'stalled', 'dishonest']
const VIOLATIONS: Violation[] = [
  'bad_frame',
  'oversize_frame',
  'bad_record',
  'over_quota',
  'silent',
  'bad_payment',
  'unpaid',
]

describe('reputation', () => {
  const folders = new TemporaryFolders()
  let clock: ManualClock
  let store: Store
  let path: string
  let counted: Violation[]
  let reputation: Reputation

  async function open(maxPeers?: number): Promise<void> {
    store = await Store.open(path)
    reputation = new Reputation(maxPeers === undefined ? {} : { maxPeers }, {
      store,
      clock,
      onViolation: violation => counted.push(violation),
    })
    await reputation.start()
  }

  async function restart(maxPeers?: number): Promise<void> {
    await store.close()
    await open(maxPeers)
  }

  beforeEach(async () => {
    clock = new ManualClock()
    counted = []
    path = join(await folders.make(), 'store')
    await open()
  })
  afterEach(async () => {
    await store.close()
    await folders.remove()
  })

  it('starts newcomers low, and rises and falls with how tasks go', async () => {
    const start = reputation.score(PEER)
    assert.deepEqual(start, {
      peer: PEER,
      score: 32,
      lowerBound: start.lowerBound,
      tasks: 0,
      violations: 0,
      firstSeenMs: clock.nowMs(),
      welcome: true,
    })
    // Beta(1, 2): mean 1/3, variance 2/(9·4); one-sided 90 %.
    assert.equal(start.lowerBound.toFixed(6), (1 / 3 - 1.2816 * Math.sqrt(2 / 36)).toFixed(6))
    let before = start
    for (let i = 0; i < 10; i++) {
      await reputation.observe(PEER, 'completed')
      const after = reputation.score(PEER)
      assert.ok(after.lowerBound > before.lowerBound && after.score >= before.score)
      before = after
    }
    const order: TaskEvidence[] = ['failed', 'stalled', 'dishonest']
    for (const evidence of order) {
      await reputation.observe(PEER, evidence)
      const after = reputation.score(PEER)
      assert.ok(after.lowerBound < before.lowerBound && after.score < before.score, evidence)
      before = after
    }
    assert.equal(before.tasks, 13)
  })

  it('has strangers prove that they are honest, by audits sooner than by answers nobody checked', async () => {
    assert.equal(reputation.honesty(PEER).standing, 'unproven')
    assert.equal(reputation.auditProbability(PEER, 0.05), 1)
    const [checked, unchecked, cheat] = ['cd', 'ef', '12'].map(byte => byte.repeat(32)) as [
      string,
      string,
      string,
    ]
    const risk = reputation.strangerRisk()
    for (let i = 0; i < 3; i++) {
      await reputation.observe(checked, { kind: 'audit', passed: true })
      await reputation.observe(unchecked, 'completed')
    }
    assert.deepEqual(
      [checked, unchecked].map(peer => reputation.honesty(peer).standing),
      ['proven', 'unproven'],
    )
    assert.ok(reputation.auditProbability(checked, 0.05) < 1)
    for (let i = 0; i < 2; i++) await reputation.observe(checked, { kind: 'audit', passed: true })
    assert.ok(reputation.strangerRisk() < risk)
    for (let i = 0; i < 30; i++) await reputation.observe(unchecked, 'completed')
    assert.equal(reputation.honesty(unchecked).standing, 'proven')
    const before = reputation.reliability(cheat)
    await reputation.observe(cheat, { kind: 'audit', passed: false })
    assert.equal(reputation.honesty(cheat).standing, 'caught')
    assert.ok(reputation.reliability(cheat) < before)
  })

  it('takes into account how quick a task was', async () => {
    const slow = 'cd'.repeat(32)
    await reputation.observe(PEER, { kind: 'task', result: 'completed', pace: 1 })
    await reputation.observe(slow, { kind: 'task', result: 'completed', pace: 0.2 })
    assert.ok(reputation.score(PEER).score > reputation.score(slow).score)
  })

  it('is unwelcome above 30 points, and welcome again when they have faded', async () => {
    for (let i = 0; i < 3; i++) assert.equal(await reputation.penalise(PEER, 'bad_frame'), true)
    assert.equal(await reputation.penalise(PEER, 'over_quota'), false)
    assert.equal(reputation.isWelcome(PEER), false)
    assert.equal(reputation.score(PEER).welcome, false)
    assert.deepEqual(counted, ['bad_frame', 'bad_frame', 'bad_frame', 'over_quota'])
    const untilMs = Math.ceil(PENALTY_HALF_LIFE_MS * Math.log2(31 / 30))
    await clock.advance(untilMs - 1)
    assert.equal(reputation.isWelcome(PEER), false)
    await clock.advance(1)
    assert.equal(reputation.isWelcome(PEER), true)
    assert.equal(reputation.isWelcome('cd'.repeat(32)), true)
  })

  it('does not talk to a cheat for ten minutes', async () => {
    await reputation.observe(PEER, 'dishonest')
    await clock.advance(PENALTY_HALF_LIFE_MS - 1)
    assert.equal(reputation.isWelcome(PEER), false)
    await clock.advance(1)
    assert.equal(reputation.isWelcome(PEER), true)
  })

  it('bears with single debts and not with a habit of them', async () => {
    for (let i = 0; i < 30; i++) assert.equal(await reputation.penalise(PEER, 'unpaid'), true)
    assert.equal(await reputation.penalise(PEER, 'unpaid'), false)
  })

  it('is rebuilt to the last bit from what is on disk', async () => {
    const witness = (index: number) => index.toString(16).padStart(64, '7')
    for (let i = 0; i < 150; i++) {
      await clock.advance(3_600_000 * (i % 5))
      const peer = i % 3 === 0 ? 'cd'.repeat(32) : PEER
      await reputation.observe(peer, EVIDENCE[i % 7] ?? 'completed')
      if (i % 10 === 0) await reputation.penalise(peer, VIOLATIONS[i % VIOLATIONS.length]!)
      if (i % 4 === 0) await reputation.observe(peer, { kind: 'contact', reached: i % 8 === 0 })
      if (i % 9 === 0) await reputation.observe(peer, { kind: 'audit', passed: i % 27 !== 0 })
      const atMs = clock.nowMs()
      const receipt = receiptOf(i)
      const result = i % 8 === 0 ? 'verified' : 'completed'
      await reputation.takeReport({
        kind: 'report',
        peer,
        witness: witness(i % 6),
        receipt,
        result,
        atMs,
      })
    }
    const peers = [PEER, 'cd'.repeat(32)]
    const all = () => [
      reputation.strangerRisk(),
      ...peers.map(peer => [reputation.opinion(peer), reputation.honesty(peer)]),
    ]
    const before = all()
    const recent = await reputation.recentEvidence(PEER)
    assert.ok(recent.length >= 10 && recent.length <= 12)
    assert.ok(recent.every(({ peer }) => peer === PEER))
    assert.deepEqual(
      recent.map(({ atMs }) => atMs),
      recent.map(({ atMs }) => atMs).toSorted((a, b) => b - a),
    )
    for (let i = 0; i < 2; i++) {
      await restart()
      assert.deepEqual(all(), before)
      assert.deepEqual(await reputation.recentEvidence(PEER), recent)
    }
  })

  it('counts a receipt once, over restarts too, and none that is too old', async () => {
    const report = {
      kind: 'report',
      peer: PEER,
      witness: 'ef'.repeat(32),
      receipt: receiptOf(0),
      result: 'completed',
      atMs: clock.nowMs(),
    } as const
    assert.equal(await reputation.takeReport(report), true)
    assert.equal(await reputation.takeReport(report), false)
    await restart()
    assert.equal(await reputation.takeReport(report), false)
    assert.equal(reputation.opinion(PEER).witnesses[0]?.reports, 1)
    await clock.advance(MAX_REPORT_AGE_MS + 1)
    assert.equal(await reputation.takeReport({ ...report, receipt: receiptOf(1) }), false)
    // What is too old to count need not be remembered.
    await restart()
    assert.equal(await reputation.takeReport(report), false)
    assert.equal(reputation.opinion(PEER).witnesses[0]?.reports, 1)
  })

  it('remembers over restarts, bans too', async () => {
    await reputation.observe(PEER, 'completed')
    for (let i = 0; i < 4; i++) await reputation.penalise(PEER, 'bad_payment')
    const before = reputation.score(PEER)
    await restart()
    assert.deepEqual(reputation.score(PEER), before)
    await clock.advance(7 * DAY_MS)
    await restart()
    assert.equal(reputation.isWelcome(PEER), true)
    assert.equal(reputation.score(PEER).firstSeenMs, before.firstSeenMs)
    assert.equal(reputation.score(PEER).tasks, 1)
  })

  it('is not moved by a clock that goes back', async () => {
    await reputation.observe(PEER, 'dishonest')
    const before = reputation.score(PEER)
    await clock.advance(-DAY_MS)
    assert.deepEqual(reputation.score(PEER), before)
  })

  it('remembers no more peers than it may, in memory and on disk, and strangers least', async () => {
    await restart(100)
    const peers = Array.from({ length: 250 }, (_, index) => index.toString(16).padStart(64, '0'))
    for (const [index, peer] of peers.entries()) {
      await clock.advance(1)
      if (index < 50) await reputation.observe(peer, 'completed')
      else await reputation.penalise(peer, 'over_quota')
    }
    const known = () =>
      peers.filter(peer => reputation.score(peer).tasks + reputation.score(peer).violations > 0)
    assert.ok(known().length <= 100 && known().length >= 97)
    assert.deepEqual(known().slice(0, 50), peers.slice(0, 50), 'who worked for us stays')
    assert.equal(known().at(-1), peers.at(-1))
    const before = known()
    await restart()
    assert.deepEqual(known(), before)
  })

  it('tells gossip of answers a little, of broken rules a lot', async () => {
    assert.equal(reputation.gossipScore(PEER), 0)
    for (let i = 0; i < 20; i++) await reputation.observe(PEER, 'failed')
    const badAnswers = reputation.gossipScore(PEER)
    assert.ok(badAnswers < 0 && badAnswers >= -5, 'above -10, where gossip with it would end')
    const [good, rude] = ['cd'.repeat(32), 'ef'.repeat(32)]
    for (let i = 0; i < 20; i++) await reputation.observe(good, 'completed')
    assert.ok(reputation.gossipScore(good) > 0 && reputation.gossipScore(good) <= 5)
    for (let i = 0; i < 3; i++) await reputation.penalise(rude, 'bad_frame')
    assert.ok(reputation.gossipScore(rude) <= -80, 'nothing from it is listened to')
    await clock.advance(DAY_MS)
    assert.ok(reputation.gossipScore(rude) > -1)
  })
})

function receiptOf(index: number): string {
  return cidOf(encodeCanonical({ index })).toString()
}
