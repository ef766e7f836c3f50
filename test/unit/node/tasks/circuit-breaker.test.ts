import assert from 'node:assert/strict'
import fc from 'fast-check'
import { CircuitBreaker, type CircuitSignal } from '../../../../node/tasks/circuit-breaker.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'

const [PEER, MODEL, OTHER] = ['aa'.repeat(32), 'nano@sha256:00', 'mini@sha256:11']
const OPEN_MS = 5_000

function breaker() {
  const clock = new ManualClock()
  const circuits = new CircuitBreaker({ openMs: OPEN_MS, maxCircuits: 8 }, { clock, random: () => 0 })
  const observe = (...signals: CircuitSignal[]) => {
    for (const signal of signals) {
      circuits.begin(PEER, MODEL)
      circuits.observe(PEER, MODEL, signal)
    }
  }
  return { clock, circuits, observe, isOpen: (model = MODEL) => circuits.isOpen(PEER, model) }
}

describe('CircuitBreaker', () => {
  it('opens after failures in a row, for the model that fails', () => {
    const { observe, isOpen } = breaker()
    observe('failure', 'failure', 'success', 'failure', 'failure')
    assert.equal(isOpen(), false)
    observe('failure')
    assert.deepEqual([isOpen(), isOpen(OTHER)], [true, false])
  })

  it('opens for all of a provider that cannot be reached', () => {
    const { observe, isOpen } = breaker()
    observe('unreachable', 'unreachable', 'unreachable')
    assert.deepEqual([isOpen(), isOpen(OTHER)], [true, true])
  })

  it('lets one trial through after a while, and waits twice as long when that fails, too', async () => {
    const { clock, circuits, observe, isOpen } = breaker()
    observe('failure', 'failure', 'failure')
    for (const openMs of [OPEN_MS, 2 * OPEN_MS, 4 * OPEN_MS]) {
      await clock.advance(openMs - 1)
      assert.equal(isOpen(), true)
      await clock.advance(1)
      assert.equal(isOpen(), false)
      circuits.begin(PEER, MODEL)
      assert.equal(isOpen(), true, 'one trial at a time')
      circuits.observe(PEER, MODEL, 'failure')
    }
    await clock.advance(8 * OPEN_MS)
    observe('success')
    assert.deepEqual([isOpen(), circuits.list()], [false, []])
  })

  it('lets another try when the trial told nothing', async () => {
    const { clock, observe, isOpen } = breaker()
    observe('failure', 'failure', 'failure')
    await clock.advance(OPEN_MS)
    observe('neutral')
    assert.equal(isOpen(), false)
  })

  it('lets one trial through as soon as the provider has come back', async () => {
    const { circuits, observe, isOpen } = breaker()
    observe('unreachable', 'unreachable', 'unreachable')
    circuits.retry('bb'.repeat(32))
    assert.equal(isOpen(), true)
    circuits.retry(PEER)
    assert.equal(isOpen(), false)
    observe('unreachable')
    assert.equal(isOpen(), true)
  })

  it('leaves a busy provider alone for a moment, and holds that against nobody', async () => {
    const { clock, observe, isOpen } = breaker()
    observe('busy', 'busy', 'busy', 'busy')
    assert.equal(isOpen(), true)
    await clock.advance(1_000)
    assert.equal(isOpen(), false)
    observe('failure')
    assert.equal(isOpen(), false)
  })

  it('is always closed again in the end, and remembers no more than it may', async () => {
    const signals = fc.array(
      fc.record({
        peer: fc.nat(20),
        signal: fc.constantFrom<CircuitSignal>('success', 'failure', 'unreachable', 'busy', 'neutral'),
        afterMs: fc.nat(20_000),
      }),
      { maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(signals, async all => {
        const { clock, circuits } = breaker()
        for (const { peer, signal, afterMs } of all) {
          await clock.advance(afterMs)
          circuits.begin(`peer-${peer}`, MODEL)
          circuits.observe(`peer-${peer}`, MODEL, signal)
          assert.ok(circuits.list().length <= 8)
        }
        await clock.advance(300_000)
        for (let peer = 0; peer <= 20; peer++) assert.equal(circuits.isOpen(`peer-${peer}`, MODEL), false)
      }),
      { numRuns: 50 },
    )
  })
})
