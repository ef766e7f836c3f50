import assert from 'node:assert/strict'
import fc from 'fast-check'
import { LatencyPredictor, p95, promptFactor } from '../../../../../node/market/routing/latency-predictor.ts'

const MODEL = `m@sha256:${'ab'.repeat(32)}`
const claim = { ttftMs: 100, tokensPerSecond: 50 }

/** A task with a prompt of the reference length, measured where it was done. */
function measured(ttftMs: number | null, msPerToken = 20, tokens = 101) {
  const totalMs = (ttftMs ?? 30_000) + msPerToken * (tokens - 1)
  return { ttftMs, totalMs, promptTokens: 256, outputTokens: tokens, elsewhereMs: 0, warmShare: 0 }
}

describe('predicted speed', () => {
  it('is the claim as long as nothing was measured', () => {
    const speed = new LatencyPredictor().predict('a', MODEL, claim, 0)
    assert.ok(Math.abs(speed.ttftMs - 100) < 1e-9)
    assert.ok(Math.abs(speed.msPerToken - 20) < 1e-9)
    assert.equal(speed.measured, 0)
  })

  it('comes close to what is measured again and again, within 95 of 100 cases of it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 2, max: 20_000, noNaN: true }),
        fc.double({ min: 0.1, max: 2_000, noNaN: true }),
        (ttftMs, msPerToken) => {
          const predictor = new LatencyPredictor()
          for (let task = 0; task < 20; task++)
            predictor.observe('a', MODEL, claim, measured(ttftMs, msPerToken), 0)
          const speed = predictor.predict('a', MODEL, claim, 0)
          assert.ok(Math.abs(Math.log(speed.ttftMs / ttftMs)) < 0.4, `${speed.ttftMs} for ${ttftMs}`)
          assert.ok(Math.abs(Math.log(speed.msPerToken / msPerToken)) < 0.4)
          assert.ok(speed.measured > 0.7)
          assert.ok(p95(speed.ttftMs, speed.spread) > ttftMs)
        },
      ),
    )
  })

  it('goes with a change within a few tasks, and back to the claim when nothing is heard', () => {
    const predictor = new LatencyPredictor()
    for (let task = 0; task < 20; task++) predictor.observe('a', MODEL, claim, measured(100), 0)
    for (let task = 0; task < 10; task++) predictor.observe('a', MODEL, claim, measured(1_000), 0)
    const slower = predictor.predict('a', MODEL, claim, 0)
    assert.ok(slower.ttftMs > 350, `${slower.ttftMs}`)
    const later = predictor.predict('a', MODEL, claim, 12 * 3_600_000)
    assert.ok(later.measured < 0.01 && later.ttftMs < slower.ttftMs)
  })

  it('takes account of the length of the prompt, what of it was warm, and what was not the listing', () => {
    const predictor = new LatencyPredictor()
    const longMs = 100 * promptFactor(4_096, 0.25) + 500
    const task = { ...measured(longMs), promptTokens: 4_096, warmShare: 0.25, elsewhereMs: 500 }
    for (let count = 0; count < 20; count++) predictor.observe('a', MODEL, claim, task, 0)
    assert.ok(Math.abs(predictor.predict('a', MODEL, claim, 0).ttftMs - 100) < 1)
    assert.equal(promptFactor(256, 0), 1)
    assert.ok(promptFactor(4_096, 1) < promptFactor(4_096, 0.5))
  })

  it('learns of a stall only that it was slower than that', () => {
    const predictor = new LatencyPredictor()
    for (let task = 0; task < 5; task++) predictor.observe('a', MODEL, claim, measured(50_000), 0)
    const before = predictor.predict('a', MODEL, claim, 0).ttftMs
    predictor.observe('a', MODEL, claim, { ...measured(null, 0), totalMs: 5_000 }, 0)
    assert.equal(predictor.predict('a', MODEL, claim, 0).ttftMs, before)
    predictor.observe('b', MODEL, claim, { ...measured(null, 0), totalMs: 20_000 }, 0)
    assert.ok(predictor.predict('b', MODEL, claim, 0).ttftMs > 200)
  })

  it('doubts the claims of all when those it checked were too good, and within bounds', () => {
    const predictor = new LatencyPredictor()
    for (let task = 0; task < 400; task++)
      predictor.observe(`p${task}`, MODEL, claim, measured(10_000, 2_000), 0)
    const stranger = predictor.predict('new', MODEL, claim, 0)
    assert.ok(stranger.ttftMs > 300 && stranger.ttftMs <= 401, `${stranger.ttftMs}`)
    const nonsense = predictor.predict('new', MODEL, { ttftMs: 0, tokensPerSecond: 0 }, 0)
    assert.ok(nonsense.ttftMs > 0 && Number.isFinite(nonsense.msPerToken))
  })
})
