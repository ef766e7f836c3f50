import assert from 'node:assert/strict'
import { measureThreads, threadCandidates } from '../../../../inference/llama/thread-measurement.ts'

/** Trials whose tokens take given times on a clock of their own. */
function simulation(msOfThreads: Readonly<Record<number, number | (() => number)>>) {
  let clock = 0
  const steps: number[] = []
  const trials = Object.entries(msOfThreads).map(([threads, ms]) => ({
    threads: Number(threads),
    step: async () => {
      await Promise.resolve()
      steps.push(Number(threads))
      clock += typeof ms === 'number' ? ms : ms()
    },
  }))
  return { trials, nowMs: () => clock, steps, elapsedMs: () => clock }
}

describe('threadCandidates', () => {
  it('tries few counts, the most important first', () => {
    assert.deepEqual(threadCandidates(1, 1e6), [1])
    assert.deepEqual(threadCandidates(2, 1e6), [1, 2])
    assert.deepEqual(threadCandidates(16, 1e9), [1, 16, 8, 15])
  })

  it('leaves out what a large model would take too long for', () => {
    assert.deepEqual(threadCandidates(16, 7e9), [16, 8, 15])
    assert.deepEqual(threadCandidates(2, 7e9), [2])
    assert.deepEqual(threadCandidates(1, 7e9), [1])
  })
})

describe('measureThreads', () => {
  it('finds the fastest count', async () => {
    const run = simulation({ 4: 3, 1: 1, 2: 2 })
    assert.deepEqual(await measureThreads({ budgetMs: 1_000 }, run), {
      threads: 1,
      tokensPerSecond: 1_000,
      isComplete: true,
    })
  })

  it('prefers fewer threads when more win nothing', async () => {
    const run = simulation({ 4: 0.98, 2: 1 })
    assert.equal((await measureThreads({ budgetMs: 1_000 }, run)).threads, 2)
  })

  it('is not misled by a busy moment', async () => {
    let tokens = 0
    const run = simulation({ 2: 3, 1: () => (tokens++ < 20 ? 50 : 2) })
    assert.equal((await measureThreads({ budgetMs: 4_000 }, run)).threads, 1)
  })

  it('keeps to its budget and one token', async () => {
    const run = simulation({ 2: 130, 1: 170 })
    await measureThreads({ budgetMs: 2_000 }, run)
    assert.ok(run.elapsedMs() < 2_000 + 170)
  })

  it('measures a slow model by a single token of the most important count', async () => {
    const run = simulation({ 8: 5_000, 1: 9_000 })
    const measured = await measureThreads(
      { budgetMs: 2_000 },
      {
        ...run,
        trials: run.trials.toSorted((a, b) => b.threads - a.threads),
      },
    )
    assert.deepEqual(measured, { threads: 8, tokensPerSecond: 0.2, isComplete: false })
    assert.deepEqual(run.steps, [8])
  })

  it('spends no time on more threads that are far slower', async () => {
    const run = simulation({ 1: 1, 2: 200 })
    const measured = await measureThreads({ budgetMs: 3_000 }, run)
    assert.deepEqual(measured, { threads: 1, tokensPerSecond: 1_000, isComplete: true })
    assert.ok(run.elapsedMs() < 1_000)
  })
})
