import assert from 'node:assert/strict'
import { HeapKeeper } from '../../../cli/heap-keeper.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'

describe('the keeper of the heap', () => {
  const begun = () => {
    const clock = new ManualClock()
    const said: string[] = []
    const seen = { share: 0, newBytes: 0 }
    const options = { workFrom: 0.1, quietBelow: 0.05, quietAfterMs: 5_000, startMs: 3_000, maxNewBytes: 100 }
    new HeapKeeper(options, {
      clock,
      utilization: () => seen.share,
      newBytes: () => seen.newBytes,
      setFlags: flags => void said.push(flags),
    }).start()
    return { clock, said, seen }
  }

  it('is thrifty at first, and while a node starts', async () => {
    const { clock, said, seen } = begun()
    seen.share = 0.9
    await clock.advance(3_000)
    assert.deepEqual(said, ['--optimize-for-size'])
  })

  it('is not while there is work, and is again when it has been quiet for long enough', async () => {
    const { clock, said, seen } = begun()
    await clock.advance(10_000)
    seen.share = 0.1
    await clock.advance(1_000)
    assert.deepEqual(said, ['--optimize-for-size', '--no-optimize-for-size'])
    seen.share = 0.01
    await clock.advance(4_000)
    seen.share = 0.06
    await clock.advance(250)
    seen.share = 0.01
    await clock.advance(4_750)
    assert.equal(said.length, 2, 'a little work begins the wait anew')
    await clock.advance(250)
    assert.deepEqual(said.slice(2), ['--optimize-for-size'])
  })

  it('lets what is new grow up to its bound, and again when it has shrunk', async () => {
    const { clock, said, seen } = begun()
    await clock.advance(5_000)
    seen.newBytes = 100
    await clock.advance(1_000)
    seen.newBytes = 99
    await clock.advance(1_000)
    assert.deepEqual(said.slice(1), ['--semi-space-growth-factor=1', '--semi-space-growth-factor=2'])
  })
})
