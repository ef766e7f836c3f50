import assert from 'node:assert/strict'
import { SharedLoads } from '../../../../inference/llama/shared-loads.ts'

const cancelled = { code: 'CANCELLED' }

/** A load that ends when the test says so. */
function controlled() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const signals: AbortSignal[] = []
  const work = (signal: AbortSignal) => {
    signals.push(signal)
    return promise
  }
  return { work, signals, resolve, reject }
}

describe('SharedLoads', () => {
  it('loads once for all who want the same', async () => {
    const loads = new SharedLoads<string>()
    const { work, signals, resolve } = controlled()
    const both = Promise.all([loads.run('a', undefined, work), loads.run('a', undefined, work)])
    resolve('loaded')
    assert.deepEqual(await both, ['loaded', 'loaded'])
    assert.equal(signals.length, 1)
    await loads.run('a', undefined, work)
    assert.equal(signals.length, 2, 'a later caller begins a new load')
  })

  it('goes on while one caller is left, and is aborted with the last', async () => {
    const loads = new SharedLoads<string>()
    const { work, signals } = controlled()
    const [first, second] = [new AbortController(), new AbortController()]
    const firstLoad = assert.rejects(loads.run('a', first.signal, work), cancelled)
    const secondLoad = assert.rejects(loads.run('a', second.signal, work), cancelled)
    first.abort()
    await firstLoad
    assert.equal(signals[0]?.aborted, false)
    second.abort()
    await secondLoad
    assert.equal(signals[0]?.aborted, true)
  })

  it('passes a failure on to all', async () => {
    const loads = new SharedLoads<string>()
    const { work, reject } = controlled()
    const both = [1, 2].map(() => assert.rejects(loads.run('a', undefined, work), /broken/))
    reject(new Error('broken'))
    await Promise.all(both)
    await loads.settled()
  })

  it('does not begin for a caller that has given up', async () => {
    const { work, signals } = controlled()
    await assert.rejects(new SharedLoads<string>().run('a', AbortSignal.abort(), work), cancelled)
    assert.equal(signals.length, 0)
  })
})
