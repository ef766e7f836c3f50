import assert from 'node:assert/strict'
import { TimeSlices } from '../../../node/time-slices.ts'

describe('time slices', () => {
  /** Turns are given by hand; each piece of work takes a millisecond. */
  function make(maxWaiting = 1_000) {
    let nowMs = 0
    const turns: (() => void)[] = []
    const slices = new TimeSlices(
      { sliceMs: 3, maxWaiting },
      { nowMs: () => nowMs, nextTurn: work => turns.push(work) },
    )
    const done: number[] = []
    const piece = (n: number) =>
      slices.run(() => {
        nowMs++
        done.push(n)
        return n
      })
    return { slices, turns, done, piece }
  }

  it('does so much at a turn and no more, in order', async () => {
    const { turns, done, piece, slices } = make()
    const results = Promise.all([0, 1, 2, 3, 4, 5, 6].map(piece))
    assert.deepEqual(done, [], 'nothing before its turn')
    const after: number[] = []
    while (turns.length > 0) {
      assert.equal(turns.length, 1)
      turns.shift()!()
      after.push(done.length)
    }
    assert.deepEqual(after, [3, 6, 7])
    assert.equal(slices.waiting, 0)
    assert.deepEqual(await results, [0, 1, 2, 3, 4, 5, 6])
    const again = piece(7)
    turns.shift()!()
    assert.equal(await again, 7)
  })

  it('takes no more than may wait', async () => {
    const { turns, piece, done } = make(2)
    const results = [piece(0), piece(1), piece(2)]
    assert.equal(await results[2], null)
    turns.shift()!()
    assert.deepEqual(await Promise.all(results), [0, 1, null])
    assert.deepEqual(done, [0, 1])
  })

  it('hands on what work throws, and goes on', async () => {
    const { turns, slices, piece } = make()
    const failed = slices.run(() => {
      throw new Error('no')
    })
    const next = piece(1)
    turns.shift()!()
    await assert.rejects(failed, /no/)
    assert.equal(await next, 1)
  })

  it('answers what waits when it stops, and does nothing more', async () => {
    const { turns, slices, piece, done } = make()
    const waiting = piece(0)
    slices.stop()
    slices.stop()
    assert.equal(await waiting, null)
    turns.shift()!()
    assert.equal(await piece(1), null)
    assert.deepEqual(done, [])
  })
})
