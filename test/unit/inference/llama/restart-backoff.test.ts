import assert from 'node:assert/strict'
import { RestartBackoff } from '../../../../inference/llama/restart-backoff.ts'

describe('RestartBackoff', () => {
  it('doubles up to ten seconds', () => {
    const backoff = new RestartBackoff()
    const delays = Array.from({ length: 9 }, () => backoff.nextDelayMs(50))
    assert.deepEqual(delays, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
  })

  it('begins anew after a process that lived', () => {
    const backoff = new RestartBackoff()
    backoff.nextDelayMs(50)
    backoff.nextDelayMs(50)
    assert.equal(backoff.nextDelayMs(60_000), 100)
  })
})
