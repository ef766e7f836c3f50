import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { ConnectionKeeper, type ConnectionKeeperModules } from '../../../../node/p2p/connection-keeper.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock, settle } from '../../../helpers/manual-clock.ts'

class FakeHost extends EventEmitter {
  readonly dials: string[] = []
  readonly connected = new Set<string>()
  up = new Set<string>()
  remembered: string[] = []

  peers = () => [...this.connected]
  isConnected = (peer: string) => this.connected.has(peer)
  protect = () => Promise.resolve()
  rememberedPeers = () => Promise.resolve(this.remembered)
  dialAddress = (address: string) => this.#dial(address, `peer-of-${address}`)
  dialPeer = async (peer: string) => void (await this.#dial(peer, peer))

  #dial(name: string, peer: string): Promise<string> {
    this.dials.push(name)
    if (!this.up.has(name)) return Promise.reject(new Error('down'))
    this.connected.add(peer)
    return Promise.resolve(peer)
  }

  lose(peer: string): void {
    this.connected.delete(peer)
    this.emit('disconnect', peer)
  }
}

describe('connection keeper', () => {
  let host: FakeHost
  let clock: ManualClock
  let keeper: ConnectionKeeper

  async function start(bootstrap: string[], random = 0.5): Promise<void> {
    keeper = new ConnectionKeeper(
      { bootstrap, targetPeers: 2 },
      {
        host: host as unknown as ConnectionKeeperModules['host'],
        clock,
        log: silentLog,
        random: () => random,
      },
    )
    await keeper.start()
    await settle()
  }

  beforeEach(() => {
    host = new FakeHost()
    clock = new ManualClock()
  })
  afterEach(() => keeper.stop())

  it('backs off exponentially up to a bound, for ever', async () => {
    await start(['boot'])
    const delays: number[] = []
    for (let i = 0; i < 10; i++) {
      delays.push(clock.pendingMs()[0]!)
      await clock.advance(delays.at(-1)!)
    }
    assert.deepEqual(delays, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
    assert.equal(host.dials.length, 11)
  })

  it('spreads retries by a quarter to either side', async () => {
    await start(['boot'], 0)
    assert.deepEqual(clock.pendingMs(), [375])
  })

  it('starts again from the shortest wait after a success', async () => {
    await start(['boot'])
    await clock.advance(500)
    host.up.add('boot')
    await clock.advance(1_000)
    assert.deepEqual(keeper.unreachable(), [])
    assert.deepEqual(clock.pendingMs(), [])
    host.lose('peer-of-boot')
    assert.deepEqual(keeper.unreachable(), ['boot'])
    assert.deepEqual(clock.pendingMs(), [500])
  })

  it('dials a kept peer until released', async () => {
    await start([])
    keeper.keep('friend')
    keeper.keep('friend')
    await settle()
    assert.deepEqual(host.dials, ['friend'])
    keeper.release('friend')
    await clock.advance(60_000)
    assert.deepEqual(host.dials, ['friend'])
  })

  it('notices a peer lost while its dial was still being finished', async () => {
    host.up.add('friend')
    host.protect = () => {
      host.lose('friend')
      host.protect = () => Promise.resolve()
      return Promise.resolve()
    }
    await start([])
    keeper.keep('friend')
    await settle()
    await clock.advance(500)
    assert.ok(host.isConnected('friend'))
    assert.deepEqual(host.dials, ['friend', 'friend'])
  })

  it('tries remembered peers once, and discovered ones while there are few', async () => {
    host.remembered = ['old']
    host.up = new Set(['a', 'b', 'c'])
    await start([])
    for (const peer of ['a', 'b', 'c']) {
      host.emit('discovered', peer)
      await settle()
    }
    assert.deepEqual(host.dials, ['old', 'a', 'b'])
    assert.deepEqual(clock.pendingMs(), [])
  })

  it('dials nobody after stop', async () => {
    await start(['boot'])
    keeper.stop()
    host.emit('discovered', 'a')
    host.lose('peer-of-boot')
    await clock.advance(60_000)
    assert.deepEqual(host.dials, ['boot'])
  })
})
