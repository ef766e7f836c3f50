import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import type { Violation } from '../../../../node/p2p/errors.ts'
import { Store } from '../../../../node/store/store.ts'
import { Reputation, type TaskEvidence } from '../../../../node/trust/reputation.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const DAY_MS = 24 * 3_600_000
const HALF_LIFE_MS = 7 * DAY_MS
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
      score: 33,
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

  it('weighs a lie far more than a failure, and a stall more than that', async () => {
    const lowerBounds: number[] = []
    for (const [index, evidence] of EVIDENCE.entries()) {
      const peer = String(index).repeat(64)
      for (let i = 0; i < 5; i++) await reputation.observe(peer, 'completed')
      await reputation.observe(peer, evidence)
      lowerBounds.push(reputation.score(peer).lowerBound)
    }
    assert.deepEqual(
      lowerBounds,
      lowerBounds.toSorted((a, b) => b - a),
    )
  })

  it('does not depend on the order of what is seen at the same time', async () => {
    const seen = fc.array(fc.constantFrom(...EVIDENCE, ...VIOLATIONS), { maxLength: 12 })
    let next = 0
    await fc.assert(
      fc.asyncProperty(
        seen.chain(all =>
          fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
          ),
        ),
        async orders => {
          const scores = []
          for (const order of orders) {
            const peer = (next++).toString(16).padStart(64, '0')
            for (const what of order) {
              if (EVIDENCE.includes(what as TaskEvidence))
                await reputation.observe(peer, what as TaskEvidence)
              else await reputation.penalise(peer, what as Violation)
            }
            scores.push({ ...reputation.score(peer), peer: '' })
          }
          assert.deepEqual(scores[0], scores[1])
        },
      ),
      { numRuns: 40 },
    )
  })

  it('stays within its bounds whatever happens, and counts all of it', async () => {
    const move = fc.oneof(fc.constantFrom(...EVIDENCE), fc.constantFrom(...VIOLATIONS), fc.nat(HALF_LIFE_MS))
    let next = 0
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 30 }), async moves => {
        const peer = (next++).toString(16).padStart(64, 'f')
        for (const what of moves) {
          const before = reputation.score(peer)
          if (typeof what === 'number') {
            await clock.advance(what)
            assert.ok(reputation.score(peer).welcome || !before.welcome, 'time alone makes nobody unwelcome')
          } else if (EVIDENCE.includes(what as TaskEvidence))
            await reputation.observe(peer, what as TaskEvidence)
          else {
            const welcome = await reputation.penalise(peer, what as Violation)
            assert.equal(welcome, reputation.isWelcome(peer))
            assert.ok(before.welcome || !welcome)
          }
          const { score, lowerBound, welcome } = reputation.score(peer)
          assert.ok(Number.isInteger(score) && score >= 0 && score <= 100)
          assert.ok(lowerBound >= 0 && lowerBound * 100 <= score + 0.5)
          assert.equal(welcome, reputation.isWelcome(peer))
        }
        const { tasks, violations } = reputation.score(peer)
        assert.equal(tasks, moves.filter(move => EVIDENCE.includes(move as TaskEvidence)).length)
        assert.equal(violations, moves.filter(move => VIOLATIONS.includes(move as Violation)).length)
      }),
      { numRuns: 60 },
    )
  })

  it('halves evidence in a week', async () => {
    for (let i = 0; i < 8; i++) await reputation.observe(PEER, 'completed')
    await reputation.observe(PEER, 'dishonest')
    await clock.advance(HALF_LIFE_MS)
    // Beta(1 + 4, 2 + 10).
    assert.equal(reputation.score(PEER).score, Math.round((100 * 5) / 17))
    await clock.advance(HALF_LIFE_MS)
    assert.equal(reputation.score(PEER).score, Math.round((100 * 3) / 10))
    await clock.advance(100 * HALF_LIFE_MS)
    assert.equal(reputation.score(PEER).score, 33)
  })

  it('lets old evidence fade no slower for a peer that is always busy', async () => {
    await reputation.observe(PEER, 'dishonest')
    const everyMs = 5_000
    const times = 500
    const fade = 2 ** (-everyMs / HALF_LIFE_MS)
    let good = 0
    for (let i = 0; i < times; i++) {
      await clock.advance(everyMs)
      await reputation.observe(PEER, 'completed')
      good = good * fade + 1
    }
    const penalty = 60 * 2 ** ((-everyMs * times) / PENALTY_HALF_LIFE_MS)
    const [a, b] = [1 + good, 2 + 20 * fade ** times + penalty]
    const deviation = Math.sqrt((a * b) / ((a + b) ** 2 * (a + b + 1)))
    assert.equal(reputation.score(PEER).lowerBound.toFixed(9), (a / (a + b) - 1.2816 * deviation).toFixed(9))
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

  it('remembers over restarts, bans too', async () => {
    await reputation.observe(PEER, 'completed')
    for (let i = 0; i < 4; i++) await reputation.penalise(PEER, 'bad_payment')
    const before = reputation.score(PEER)
    await restart()
    assert.deepEqual(reputation.score(PEER), before)
    await clock.advance(HALF_LIFE_MS)
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

  it('remembers no more peers than it may, in memory and on disk', async () => {
    await restart(10)
    const peers = Array.from({ length: 25 }, (_, index) => index.toString(16).padStart(64, '0'))
    for (const peer of peers) await reputation.observe(peer, 'dishonest')
    const known = () => peers.filter(peer => reputation.score(peer).tasks > 0)
    assert.deepEqual(known(), peers.slice(15))
    await restart()
    assert.deepEqual(known(), peers.slice(15))
  })
})
