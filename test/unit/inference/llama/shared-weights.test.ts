import assert from 'node:assert/strict'
import { type LoadedWeights, SharedWeights } from '../../../../inference/llama/shared-weights.ts'

describe('SharedWeights', () => {
  let shared: SharedWeights
  let events: string[]
  let finish: (() => void)[]

  beforeEach(() => {
    shared = new SharedWeights()
    events = []
    finish = []
  })

  /** A load that ends when it is told to, and says what becomes of it. */
  const load = (name: string) => async (signal: AbortSignal) => {
    events.push(`load ${name}`)
    await new Promise<void>((resolve, reject) => {
      finish.push(resolve)
      signal.addEventListener('abort', () => reject(new Error(`${name} was aborted`)))
    })
    const model = { dispose: async () => void events.push(`free ${name}`) }
    return { model, name } as unknown as LoadedWeights
  }
  const finishAll = () => {
    for (const resolve of finish.splice(0)) resolve()
  }

  it('loads a file once for all, and frees it after the last', async () => {
    const holding = [shared.hold('a', load('a'), undefined), shared.hold('a', load('again'), undefined)]
    finishAll()
    const [first, second] = await Promise.all(holding)
    const third = await shared.hold('a', load('again'), undefined)
    await first!.release()
    await first!.release()
    await second!.release()
    assert.deepEqual([events, shared.size], [['load a'], 1])
    await third.release()
    assert.deepEqual([events, shared.size], [['load a', 'free a'], 0])
    const anew = shared.hold('a', load('anew'), undefined)
    finishAll()
    await (await anew).release()
    assert.deepEqual(events.slice(2), ['load anew', 'free anew'])
  })

  it('goes on loading for others when one gives up, and frees what came too late', async () => {
    const abort = new AbortController()
    const impatient = shared.hold('a', load('a'), abort.signal)
    const patient = shared.hold('a', load('a'), undefined)
    abort.abort()
    await assert.rejects(impatient, { code: 'CANCELLED' })
    finishAll()
    await (await patient).release()
    assert.deepEqual(events, ['load a', 'free a'])
  })

  it('aborts a load that nobody waits for any more', async () => {
    const abort = new AbortController()
    const only = shared.hold('a', load('a'), abort.signal)
    abort.abort()
    await assert.rejects(only, { code: 'CANCELLED' })
    assert.deepEqual([events, shared.size], [['load a'], 0])
  })

  it('keeps nothing of a load that failed', async () => {
    const failing = async () => {
      throw new Error('no such file')
    }
    await assert.rejects(shared.hold('a', failing, undefined), /no such file/)
    const again = shared.hold('a', load('a'), undefined)
    finishAll()
    await (await again).release()
    assert.deepEqual(events, ['load a', 'free a'])
  })
})
