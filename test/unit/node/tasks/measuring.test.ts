import assert from 'node:assert/strict'
import { HedgeBudget } from '../../../../node/tasks/hedge.ts'
import { ServiceMeter, type ServiceSample } from '../../../../node/tasks/service-meter.ts'
import { TaskTiming } from '../../../../node/tasks/task-timing.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'

const MODEL = 'nano@sha256:00'
const sample: ServiceSample = {
  ...{ model: MODEL, ttftMs: 100, serviceMs: 1_000, promptTokens: 50, prefillMs: 100 },
  ...{ outputTokens: 91, streamingMs: 900 },
}

describe('ServiceMeter', () => {
  it('says what a model does a second, and the median wait for its first token', () => {
    const meter = new ServiceMeter()
    assert.deepEqual(
      [meter.speed(MODEL), meter.serviceMs(MODEL), meter.prefillMs(MODEL, 10)],
      [null, null, null],
    )
    for (const ttftMs of [100, 90, 5_000]) meter.record({ ...sample, ttftMs })
    assert.deepEqual(meter.speed(MODEL), { tokensPerSecond: 100, ttftMs: 100 })
    assert.equal(meter.serviceMs(MODEL), 1_000)
    assert.equal(meter.prefillMs(MODEL, 100), 200)
  })

  it('follows what changes, and believes no stream that is too short to tell', () => {
    const meter = new ServiceMeter()
    meter.record(sample)
    for (let task = 0; task < 40; task++) meter.record({ ...sample, ttftMs: 10, streamingMs: 1_800 })
    assert.ok(Math.abs(meter.speed(MODEL)!.tokensPerSecond - 50) < 1)
    assert.equal(meter.speed(MODEL)!.ttftMs, 10)
    meter.record({ ...sample, outputTokens: 2, streamingMs: 1 })
    assert.ok(meter.speed(MODEL)!.tokensPerSecond < 51)
  })

  it('says nothing of a model whose tasks made nothing', () => {
    const meter = new ServiceMeter()
    meter.record({ ...sample, ttftMs: null, outputTokens: 0, streamingMs: 0 })
    assert.equal(meter.speed(MODEL), null)
  })
})

describe('TaskTiming', () => {
  it('counts the time of the task, and not that of waiting for payment', async () => {
    const clock = new ManualClock()
    const timing = new TaskTiming({ clock })
    await clock.advance(300)
    timing.slotted()
    await clock.advance(100)
    timing.blocked()
    await clock.advance(500)
    assert.equal(timing.blockedMs, 500)
    timing.unblocked()
    timing.made(1)
    await clock.advance(200)
    timing.blocked()
    await clock.advance(1_000)
    timing.made(9)
    assert.deepEqual(timing.sample(MODEL, 50), {
      ...{ model: MODEL, promptTokens: 50, outputTokens: 10 },
      ...{ ttftMs: 400, serviceMs: 300, prefillMs: 100, streamingMs: 200 },
    })
  })
})

describe('HedgeBudget', () => {
  it('hedges a share of all tasks, and a few at once', () => {
    const budget = new HedgeBudget({ share: 0.1, burst: 4 })
    let hedged = 0
    for (let task = 0; task < 1_000; task++) {
      budget.earn()
      if (budget.spend()) hedged++
    }
    assert.ok(hedged >= 100 && hedged <= 104)
    const none = new HedgeBudget({ share: 0 })
    none.earn()
    assert.equal(none.spend(), false)
  })
})
