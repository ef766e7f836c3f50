import assert from 'node:assert/strict'
import { SpeedMeter } from '../../../../inference/models/speed-meter.ts'

describe('SpeedMeter', () => {
  it('measures the last seconds', () => {
    let clock = 0
    const meter = new SpeedMeter({ nowMs: () => clock })
    assert.equal(meter.bytesPerSecond, 0)
    for (; clock <= 20_000; clock += 1_000) meter.add(clock)
    assert.equal(meter.bytesPerSecond, 1_000)
    for (; clock <= 40_000; clock += 1_000) meter.add(20_000 + (clock - 20_000) * 5)
    assert.equal(meter.bytesPerSecond, 5_000)
  })

  it('does not fall below nothing when a download begins anew', () => {
    let clock = 0
    const meter = new SpeedMeter({ nowMs: () => clock })
    meter.add(1_000)
    clock = 1_000
    meter.add(0)
    assert.equal(meter.bytesPerSecond, 0)
  })
})
