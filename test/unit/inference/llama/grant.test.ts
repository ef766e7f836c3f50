import assert from 'node:assert/strict'
import { Grant } from '../../../../inference/llama/grant.ts'

/** Whether a promise has been resolved by now. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<boolean>(resolve => setImmediate(() => resolve(false))),
  ])
}

describe('Grant', () => {
  it('lets through what is granted and holds what is not', async () => {
    const grant = new Grant(3)
    await grant.covers(3)
    const more = grant.covers(5)
    assert.equal(await isSettled(more), false)
    assert.equal(grant.isWaiting, true)
    grant.raise(4)
    assert.equal(await isSettled(more), false)
    grant.raise(5)
    await more
    assert.equal(grant.isWaiting, false)
  })

  it('never falls', async () => {
    const grant = new Grant(3)
    grant.raise(1)
    grant.raise(Number.NaN)
    assert.equal(grant.total, 3)
    await grant.covers(3)
  })

  it('ends the wait when it is released, and every later one', async () => {
    const grant = new Grant(0)
    const wait = grant.covers(1)
    grant.release()
    await wait
    await grant.covers(100)
  })
})
