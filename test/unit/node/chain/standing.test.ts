import assert from 'node:assert/strict'
import type { OnChainStanding } from '../../../../node/chain/client.ts'
import { ChainStanding, type ChainStandingOptions } from '../../../../node/chain/standing.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock, settle } from '../../../helpers/manual-clock.ts'

const KEY = 'aa'.repeat(32)
const wallet = (n: number) => `0x${n.toString(16).padStart(40, '0')}`

describe('standing on chain', () => {
  let clock: ManualClock
  let chain: Map<string, Partial<OnChainStanding>>
  let asked: string[]
  let fails: boolean
  let standing: ChainStanding

  function make(options: ChainStandingOptions = {}): ChainStanding {
    return new ChainStanding(options, {
      clock,
      log: silentLog,
      client: {
        standing: address => {
          asked.push(address)
          if (fails) return Promise.reject(new Error('away'))
          const nothing = { stake: 0n, nodeKey: null, level: 'anonymous', roles: [] } as const
          return Promise.resolve({ ...nothing, roles: [], ...chain.get(address) })
        },
      },
    })
  }

  beforeEach(() => {
    clock = new ManualClock()
    chain = new Map([[wallet(1), { stake: 5n, nodeKey: KEY, roles: ['compute' as const] }]])
    asked = []
    fails = false
    standing = make()
  })
  afterEach(() => standing.stop())

  it('is unknown until the chain was read, and counts for the declared node alone', async () => {
    const told: unknown[] = []
    standing.on('standing', (...args) => told.push(args))
    assert.equal(standing.of(wallet(1), KEY), null)
    assert.deepEqual(asked, [], 'a look asks nothing')
    standing.want(wallet(1))
    await settle()
    const known = standing.of(wallet(1), KEY)!
    assert.deepEqual([known.stake, known.bound, known.roles], [5n, true, ['compute']])
    assert.equal(known.atMs, clock.nowMs())
    assert.equal(standing.of(wallet(1), 'bb'.repeat(32))!.bound, false)
    assert.deepEqual(told, [[wallet(1), [KEY]]])
  })

  it('is read again when it is old and wanted, and told when it has changed', async () => {
    const told: unknown[] = []
    standing.on('standing', (_wallet, keys) => told.push(keys))
    standing.want(wallet(1))
    await settle()
    await clock.advance(9 * 60_000)
    standing.want(wallet(1))
    await clock.advance(59_999)
    assert.equal(asked.length, 1)
    await clock.advance(1)
    standing.want(wallet(1))
    await settle()
    assert.equal(asked.length, 2)
    assert.equal(told.length, 1)
    chain.set(wallet(1), { stake: 5n, nodeKey: 'cc'.repeat(32) })
    await clock.advance(10 * 60_000)
    standing.want(wallet(1))
    await settle()
    assert.equal(standing.of(wallet(1), KEY)!.bound, false)
    assert.deepEqual(told[1], [KEY, 'cc'.repeat(32)])
  })

  it('is read again soon where somebody waits for more than there was', async () => {
    standing.want(wallet(1), { urgent: true, expected: 9n })
    await settle()
    await clock.advance(10_000)
    for (const expected of [5n, 9n]) standing.want(wallet(1), { expected })
    standing.want(wallet(1), { urgent: true, expected: 5n })
    await settle()
    assert.equal(asked.length, 1)
    chain.set(wallet(1), { stake: 9n, nodeKey: KEY })
    standing.want(wallet(1), { urgent: true, expected: 9n })
    await settle()
    assert.equal(standing.of(wallet(1), KEY)!.stake, 9n)
  })

  it('keeps to its rate whatever is wanted, and reads first what somebody waits for', async () => {
    standing = make({ perSecond: 20, maxWaiting: 300 })
    for (let n = 100; n < 1_000; n++) standing.want(wallet(n))
    await settle()
    assert.equal(asked.length, 4)
    standing.want(wallet(1), { urgent: true })
    await clock.advance(1_000)
    assert.equal(asked[4], wallet(1))
    assert.ok(asked.length <= 24, String(asked.length))
    await clock.advance(60_000)
    assert.equal(new Set(asked).size, asked.length)
    assert.equal(asked.length, 305, 'what found no place was left out')
  })

  it('forgets first who has nothing to show', async () => {
    standing = make({ maxWallets: 10, perSecond: 10_000 })
    standing.want(wallet(1))
    for (let n = 100; n < 200; n++) {
      standing.want(wallet(n))
      await clock.advance(10)
    }
    assert.notEqual(standing.of(wallet(1), KEY), null)
    assert.equal(standing.of(wallet(100), KEY), null)
    assert.notEqual(standing.of(wallet(199), KEY), null)
  })

  it('keeps what it knew while the chain is away', async () => {
    standing.want(wallet(1))
    await settle()
    await clock.advance(10 * 60_000)
    fails = true
    standing.want(wallet(1))
    await settle()
    assert.equal(standing.of(wallet(1), KEY)!.stake, 5n)
    fails = false
    await clock.advance(1_000)
    standing.want(wallet(1))
    await settle()
    assert.equal(asked.length, 3)
  })

  it('leaves nothing behind when it stops', async () => {
    for (let n = 0; n < 50; n++) standing.want(wallet(n))
    await settle()
    standing.stop()
    standing.stop()
    standing.want(wallet(99))
    assert.deepEqual(clock.pendingMs(), [])
    await clock.advance(60_000)
    assert.equal(asked.length, 4)
  })
})
