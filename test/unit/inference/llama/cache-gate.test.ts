import assert from 'node:assert/strict'
import { CacheGate } from '../../../../inference/llama/cache-gate.ts'

describe('cache gate', () => {
  /** Everything in the order in which it began and ended. */
  let order: string[]
  let gate: CacheGate
  beforeEach(() => {
    order = []
    gate = new CacheGate()
  })

  /** Work that lasts until it is let go. */
  function work(name: string) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const run = async () => {
      order.push(`${name} begins`)
      await promise
      order.push(`${name} ends`)
      return name
    }
    return { run, end: resolve, fail: reject }
  }
  const turn = () => new Promise(resolve => setImmediate(resolve))

  it('begins a computation at once while nothing is changed', async () => {
    const computation = work('computation')
    const done = gate.compute(computation.run)
    assert.deepEqual(order, ['computation begins'])
    computation.end()
    assert.equal(await done, 'computation')
  })

  it('begins a change at once beside running computations, and lets new ones wait for it', async () => {
    const [running, change, later] = [work('running'), work('change'), work('later')]
    const all = [
      gate.compute(running.run),
      gate.change(async () => void (await change.run())),
      gate.compute(later.run),
    ]
    await turn()
    assert.deepEqual(order, ['running begins', 'change begins'])
    change.end()
    await turn()
    assert.deepEqual(order.slice(2), ['change ends', 'later begins'])
    running.end()
    later.end()
    await Promise.all(all)
  })

  it('keeps computations waiting until the last of several changes is made', async () => {
    const [first, second, later] = [work('first'), work('second'), work('later')]
    const changes = [first, second].map(({ run }) => gate.change(async () => void (await run())))
    const computed = gate.compute(later.run)
    second.end()
    await changes[1]
    await turn()
    assert.ok(!order.includes('later begins'))
    first.end()
    await changes[0]
    later.end()
    assert.equal(await computed, 'later')
  })

  it('holds up the next in line when the first asks for another change', async () => {
    const [first, second] = [work('first change'), work('second change')]
    const changed = gate.change(async () => void (await first.run()))
    let again: Promise<void> | null = null
    const computed = [
      gate.compute(() => {
        again = gate.change(async () => void (await second.run()))
        return Promise.resolve()
      }),
      gate.compute(() => Promise.resolve(order.push('next in line'))),
    ]
    first.end()
    await changed
    await turn()
    assert.equal(order.at(-1), 'second change begins')
    second.end()
    await Promise.all([again, ...computed])
    assert.deepEqual(order.slice(-2), ['second change ends', 'next in line'])
  })

  it('opens again after a change that failed', async () => {
    const [change, later] = [work('change'), work('later')]
    const changed = gate.change(async () => void (await change.run()))
    const computed = gate.compute(later.run)
    change.fail(new Error('no such cell'))
    await assert.rejects(changed, /no such cell/)
    later.end()
    assert.equal(await computed, 'later')
    const next = gate.compute(() => Promise.resolve('next'))
    assert.equal(await next, 'next')
  })

  it('passes on what a computation throws', async () => {
    await assert.rejects(
      gate.compute(() => Promise.reject(new Error('no context'))),
      /no context/,
    )
  })
})
