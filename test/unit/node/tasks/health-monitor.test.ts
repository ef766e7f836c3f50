import assert from 'node:assert/strict'
import fc from 'fast-check'
import { HealthMonitor, type HealthMonitorOptions } from '../../../../node/tasks/health-monitor.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'

const STALL_MS = 4_000
/** An issue of the market: found within this, whoever stands still. */
const GOAL_MS = 5_000

function watch(expected: Partial<HealthMonitorOptions['expected']> = {}) {
  const clock = new ManualClock()
  let stalledAtMs: number | null = null
  const suspectedAtMs: number[] = []
  const monitor = new HealthMonitor(
    { stallTimeoutMs: STALL_MS, expected: { ttftMs: 100, tokensPerSecond: 50, ...expected } },
    {
      clock,
      onSuspected: () => {
        suspectedAtMs.push(clock.nowMs())
      },
      onStalled: () => {
        stalledAtMs = clock.nowMs()
      },
    },
  )
  monitor.start()
  return { clock, monitor, stalledAtMs: () => stalledAtMs, suspectedAtMs }
}

describe('HealthMonitor', () => {
  it('finds a provider that says nothing more, whenever it falls silent, within five seconds', async () => {
    const frames = fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 3_900 }), tokens: fc.integer({ min: 1, max: 9 }) }),
    )
    await fc.assert(
      fc.asyncProperty(frames, async all => {
        const { clock, monitor, stalledAtMs } = watch()
        for (const { afterMs, tokens } of all) {
          await clock.advance(afterMs)
          assert.equal(stalledAtMs(), null, 'it came on in time')
          monitor.heard()
          monitor.progressed(tokens)
        }
        const diedAtMs = clock.nowMs()
        await clock.advance(GOAL_MS)
        assert.ok(stalledAtMs() !== null && stalledAtMs()! - diedAtMs <= GOAL_MS)
      }),
      { numRuns: 30 },
    )
  })

  it('is not taken in by signs of life without tokens', async () => {
    const { clock, monitor, stalledAtMs } = watch()
    monitor.heard()
    monitor.progressed(3)
    const diedAtMs = clock.nowMs()
    for (let beat = 0; beat < 10 && stalledAtMs() === null; beat++) {
      await clock.advance(500)
      monitor.heard()
      monitor.promised(60_000)
    }
    assert.ok(stalledAtMs() !== null && stalledAtMs()! - diedAtMs <= GOAL_MS)
  })

  it('waits for a place in the queue as long as was promised, and no longer than twice that', async () => {
    const { clock, monitor, stalledAtMs } = watch()
    for (let second = 0; second < 60 && stalledAtMs() === null; second++) {
      monitor.heard()
      monitor.promised(10_000)
      await clock.advance(1_000)
      if (second < 19) assert.equal(stalledAtMs(), null, `after ${second} s`)
    }
    assert.ok(stalledAtMs() !== null)
  })

  it('waits longer for who is known to be slow, if it lives', async () => {
    const { clock, monitor, stalledAtMs } = watch({ tokensPerSecond: 1 })
    monitor.heard()
    monitor.progressed(1)
    for (let beat = 0; beat < 7; beat++) {
      await clock.advance(1_000)
      monitor.heard()
    }
    assert.equal(stalledAtMs(), null)
    await clock.advance(2_000)
    assert.ok(stalledAtMs() !== null)
  })

  it('blames nobody for the time this node itself stood still or was busy', async () => {
    const { clock, monitor, stalledAtMs } = watch()
    const { promise, resolve } = Promise.withResolvers<void>()
    const work = monitor.aside(() => promise)
    await clock.advance(20_000)
    resolve()
    await work
    await clock.advance(STALL_MS - 200)
    assert.equal(stalledAtMs(), null)
    await clock.advance(400)
    assert.ok(stalledAtMs() !== null)

    const suspended = watch()
    suspended.clock.jump(60_000)
    await suspended.clock.advance(STALL_MS - 200)
    assert.equal(suspended.stalledAtMs(), null)
    await suspended.clock.advance(400)
    assert.ok(suspended.stalledAtMs() !== null)
  })

  it('tells early that somebody may have to go on, once for each silence', async () => {
    const { clock, monitor, suspectedAtMs } = watch()
    await clock.advance(STALL_MS * 0.7)
    assert.equal(suspectedAtMs.length, 1)
    assert.ok(suspectedAtMs[0]! - 1_700_000_000_000 <= STALL_MS / 2 + 100)
    monitor.heard()
    monitor.progressed(1)
    await clock.advance(STALL_MS / 4)
    assert.equal(suspectedAtMs.length, 1)
    await clock.advance(STALL_MS)
    assert.equal(suspectedAtMs.length, 2)
  })

  it('keeps no timer once stopped', () => {
    const { clock, monitor } = watch()
    monitor.stop()
    monitor.stop()
    assert.deepEqual(clock.pendingMs(), [])
  })
})
