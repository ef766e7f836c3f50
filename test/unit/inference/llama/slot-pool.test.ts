import assert from 'node:assert/strict'
import { chooseSlot, type Slot, SlotPool } from '../../../../inference/llama/slot-pool.ts'

class WarmSlot implements Slot {
  readonly name: string
  readonly tokens: readonly number[]

  constructor(name: string, tokens: readonly number[]) {
    this.name = name
    this.tokens = tokens
  }

  get cachedTokens(): number {
    return this.tokens.length
  }

  commonPrefix(tokens: readonly number[]): number {
    const different = this.tokens.findIndex((token, i) => token !== tokens[i])
    return different === -1 ? this.tokens.length : different
  }
}

const range = (length: number, from = 0) => Array.from({ length }, (_, i) => from + i)
const slots = (...names: string[]) => names.map(name => new WarmSlot(name, []))
const busy = { name: 'EngineError', code: 'ENGINE_BUSY' }
const cancelled = { name: 'EngineError', code: 'CANCELLED' }

describe('chooseSlot', () => {
  it('takes the longest common prefix', () => {
    const short = new WarmSlot('short', range(10))
    const long = new WarmSlot('long', range(50))
    assert.equal(chooseSlot([short, long], range(80)).name, 'long')
    assert.equal(chooseSlot([long, short], range(80)).name, 'long')
  })

  it('goes on in a conversation whose last turn was changed', () => {
    const other = new WarmSlot('other', range(100, 500))
    const conversation = new WarmSlot('conversation', range(100))
    assert.equal(chooseSlot([other, conversation], [...range(60), 7, 7]).name, 'conversation')
  })

  it('spares a long conversation that shares only its beginning', () => {
    const conversation = new WarmSlot('conversation', range(1_000))
    const empty = new WarmSlot('empty', [])
    assert.equal(chooseSlot([empty, conversation], [...range(20), ...range(200, 5_000)]).name, 'empty')
  })

  it('takes the one idle the longest when nothing is shared', () => {
    const first = new WarmSlot('first', range(5, 100))
    const second = new WarmSlot('second', range(5, 200))
    assert.equal(chooseSlot([first, second], range(9)).name, 'first')
  })
})

describe('SlotPool', () => {
  it('serves first come, first served', async () => {
    const pool = new SlotPool({ maxQueued: 2 }, { slots: slots('a'), onChange: () => {} })
    const first = pool.enter([1])
    const second = pool.enter([2])
    const third = pool.enter([3])
    assert.equal((await first.slot).name, 'a')
    assert.deepEqual([pool.active, pool.queued, pool.free], [1, 2, 0])
    assert.equal(second.isQueued, true)
    first.leave()
    await second.slot
    assert.equal(second.isQueued, false)
    assert.equal(third.isQueued, true)
    second.leave()
    await third.slot
    third.leave()
    assert.deepEqual([pool.active, pool.queued, pool.free], [0, 0, 1])
  })

  it('refuses whoever finds the queue full', () => {
    const pool = new SlotPool({ maxQueued: 1 }, { slots: slots('a'), onChange: () => {} })
    pool.enter([])
    pool.enter([])
    assert.throws(() => pool.enter([]), busy)
  })

  it('has no queue when none is wanted', () => {
    const pool = new SlotPool({ maxQueued: 0 }, { slots: slots('a', 'b'), onChange: () => {} })
    pool.enter([])
    pool.enter([])
    assert.throws(() => pool.enter([]), busy)
  })

  it('lets someone leave the queue', async () => {
    const pool = new SlotPool({ maxQueued: 2 }, { slots: slots('a'), onChange: () => {} })
    const first = pool.enter([])
    const second = pool.enter([])
    const third = pool.enter([])
    second.leave()
    second.leave()
    await assert.rejects(second.slot, cancelled)
    first.leave()
    await third.slot
  })

  it('has whoever is patient wait behind all others', async () => {
    const pool = new SlotPool({ maxQueued: 1 }, { slots: slots('a'), onChange: () => {} })
    const first = pool.enter([], { isPatient: true })
    await first.slot
    const patient = pool.enter([], { isPatient: true })
    assert.throws(() => pool.enter([], { isPatient: true }), busy)
    const other = pool.enter([])
    assert.equal(pool.queued, 1)
    first.leave()
    await other.slot
    assert.deepEqual([patient.isQueued, pool.queued], [true, 0])
    other.leave()
    await patient.slot
    patient.leave()
    assert.equal(pool.free, 1)
    const last = pool.enter([])
    const leaving = pool.enter([], { isPatient: true })
    leaving.leave()
    await assert.rejects(leaving.slot, cancelled)
    last.leave()
    assert.deepEqual([pool.active, pool.free], [0, 1])
  })

  it('gives a slot back once, however often its holder leaves', () => {
    const pool = new SlotPool({ maxQueued: 1 }, { slots: slots('a', 'b'), onChange: () => {} })
    const seat = pool.enter([])
    seat.leave()
    seat.leave()
    assert.equal(pool.free, 2)
  })

  it('drains when the last one has left', async () => {
    const pool = new SlotPool({ maxQueued: 1 }, { slots: slots('a'), onChange: () => {} })
    await pool.drain()
    const first = pool.enter([])
    const second = pool.enter([])
    let isDrained = false
    const drained = pool.drain().then(() => {
      isDrained = true
    })
    first.leave()
    await second.slot
    assert.equal(isDrained, false)
    second.leave()
    await drained
  })

  it('tells of each change', () => {
    let changes = 0
    const onChange = () => {
      changes += 1
    }
    const pool = new SlotPool({ maxQueued: 1 }, { slots: slots('a'), onChange })
    pool.enter([]).leave()
    assert.equal(changes, 2)
  })
})
