import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DemandLog } from '../../../../node/market/demand-log.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'

const HOUR = 3_600_000

describe('demand log', () => {
  let clock: ManualClock
  let log: DemandLog

  beforeEach(() => {
    clock = new ManualClock()
    log = new DemandLog({ clock })
  })

  it('counts what was asked and what became of it', () => {
    log.announced({ model: 'shoal-mini', slaClass: 'B' })
    log.announced({ model: `shoal-mini@sha256:${'ab'.repeat(32)}`, slaClass: 'S' })
    log.announced({ model: null, slaClass: 'B' })
    for (const why of ['busy', 'busy', 'other_model']) log.declined(why)
    log.bid()
    log.won()
    log.lost()
    for (const share of [0.4, 0.1, 0.2]) log.lostBy(share)
    log.refused('busy')
    log.ended({ requester: 'aa', reason: 'stop', amount: 5n })
    log.ended({ requester: 'aa', reason: 'failed', amount: 2n })
    assert.deepEqual(log.snapshot(), {
      sinceMs: clock.nowMs(),
      announced: { 'shoal-mini': 2, any: 1 },
      slaClasses: { B: 2, S: 1 },
      declined: { busy: 2, other_model: 1 },
      bids: 1,
      won: 1,
      lost: 1,
      medianLostBy: 0.2,
      refused: { busy: 1 },
      ended: { stop: 1, failed: 1 },
      earned: 7n,
      requesters: 1,
    })
  })

  it('forgets after a day, by the hour', async () => {
    log.refused('busy')
    log.lostBy(0.5)
    await clock.advance(23 * HOUR)
    log.refused('busy')
    assert.equal(log.snapshot().refused.busy, 2)
    await clock.advance(2 * HOUR)
    assert.equal(log.snapshot().refused.busy, 1)
    assert.equal(log.snapshot().medianLostBy, null)
    assert.equal(log.snapshot().sinceMs, clock.nowMs() - 24 * HOUR)
    await clock.advance(48 * HOUR)
    assert.deepEqual(log.snapshot().refused, {})
  })

  it('holds a bounded number of names, and loses no count over it', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 600 }), names => {
        const bounded = new DemandLog({ clock })
        for (const model of names) bounded.announced({ model, slaClass: 'B' })
        const { announced } = bounded.snapshot()
        assert.ok(Object.keys(announced).length <= 129)
        assert.equal(
          Object.values(announced).reduce((sum, count) => sum + count, 0),
          names.length,
        )
      }),
      { numRuns: 20 },
    )
  })
})
