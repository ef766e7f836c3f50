import assert from 'node:assert/strict'
import { Watchdog } from '../../../../inference/llama/watchdog.ts'

const options = { pingIntervalMs: 1_000, pingTimeoutMs: 5_000, stallTimeoutMs: 20_000 }

/** Checks each half second from `fromMs` on and answers each ping with what `pong` says, if anything. */
function run(
  watchdog: Watchdog,
  untilMs: number,
  pong: (atMs: number) => { computedTokens: number; isComputing: boolean } | null,
): { atMs: number; reason: string } | null {
  for (let atMs = 500; atMs <= untilMs; atMs += 500) {
    const verdict = watchdog.check(atMs)
    if (verdict.kind === 'hung') return { atMs, reason: verdict.reason }
    if (verdict.kind !== 'ping') continue
    const answer = pong(atMs)
    if (answer !== null) watchdog.answered({ ping: verdict.ping, ...answer }, atMs)
  }
  return null
}

describe('Watchdog', () => {
  it('is content with answers and progress', () => {
    const watchdog = new Watchdog(options, 0)
    assert.equal(
      run(watchdog, 100_000, atMs => ({ computedTokens: atMs, isComputing: true })),
      null,
    )
  })

  it('is content with an idle process', () => {
    const watchdog = new Watchdog(options, 0)
    assert.equal(
      run(watchdog, 100_000, () => ({ computedTokens: 5, isComputing: false })),
      null,
    )
  })

  it('finds a process that does not answer', () => {
    const watchdog = new Watchdog(options, 0)
    const found = run(watchdog, 100_000, atMs =>
      atMs < 10_000 ? { computedTokens: atMs, isComputing: true } : null,
    )
    assert.equal(found?.reason, 'unanswered')
    assert.ok(found.atMs >= 15_000 && found.atMs <= 16_000)
  })

  it('finds a process that answers but does not get on', () => {
    const watchdog = new Watchdog(options, 0)
    const found = run(watchdog, 100_000, atMs => ({
      computedTokens: Math.min(atMs, 10_000),
      isComputing: true,
    }))
    assert.equal(found?.reason, 'stalled')
    assert.ok(found.atMs >= 30_000 && found.atMs <= 32_000)
  })

  it('forgives when it was itself that stood still', () => {
    const watchdog = new Watchdog(options, 0)
    const verdict = watchdog.check(1_000)
    assert.equal(verdict.kind, 'ping')
    assert.equal(watchdog.check(60_000).kind, 'fine')
    assert.ok(verdict.kind === 'ping')
    watchdog.answered({ ping: verdict.ping, computedTokens: 0, isComputing: false }, 60_000)
    assert.equal(watchdog.check(60_500).kind, 'fine')
  })

  it('ignores answers to other pings', () => {
    const watchdog = new Watchdog(options, 0)
    assert.equal(watchdog.check(1_000).kind, 'ping')
    watchdog.answered({ ping: 99, computedTokens: 1, isComputing: false }, 1_100)
    assert.equal(run(watchdog, 20_000, () => null)?.reason, 'unanswered')
  })
})
