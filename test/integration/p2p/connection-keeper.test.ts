import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { systemClock } from '../../../node/clock.ts'
import { ConnectionKeeper } from '../../../node/p2p/connection-keeper.ts'
import type { P2PHost } from '../../../node/p2p/host.ts'
import { peerSeen, silentLog, TestHosts } from '../../helpers/hosts.ts'
import { waitUntil } from '../../helpers/wait.ts'

describe('connection keeper', () => {
  const hosts = new TestHosts()
  const keepers: ConnectionKeeper[] = []
  afterEach(async () => {
    for (const keeper of keepers.splice(0)) keeper.stop()
    await hosts.stop()
  })

  async function keep(host: P2PHost, bootstrap: string[], targetPeers = 8): Promise<ConnectionKeeper> {
    const keeper = new ConnectionKeeper(
      { bootstrap, targetPeers },
      { host, clock: systemClock, log: silentLog, random: () => 0 },
    )
    keepers.push(keeper)
    await keeper.start()
    return keeper
  }

  it('joins when a bootstrap that was down comes up', async () => {
    const port = await freePort()
    const a = await hosts.start()
    const keeper = await keep(a.host, [`/ip4/127.0.0.1/tcp/${port}`])
    assert.deepEqual(keeper.unreachable(), [`/ip4/127.0.0.1/tcp/${port}`])
    const joined = new Promise<string>(resolve => a.host.once('peer', resolve))
    const boot = await hosts.start({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })
    assert.equal(await joined, boot.host.nodeKey)
    await waitUntil('the bootstrap counts as reachable', () => keeper.unreachable().length === 0)
  })

  it('dials a lost bootstrap and a kept peer again', async () => {
    const [bootSeed, friendSeed] = [randomBytes(32), randomBytes(32)]
    const boot = await hosts.start({ seed: bootSeed })
    const friend = await hosts.start({ seed: friendSeed })
    const a = await hosts.start()
    const met = [peerSeen(a.host, boot.host.nodeKey), peerSeen(a.host, friend.host.nodeKey)]
    const keeper = await keep(a.host, boot.host.addresses())
    await a.host.addAddresses(friend.host.nodeKey, friend.host.addresses())
    keeper.keep(friend.host.nodeKey)
    await Promise.all(met)

    const [bootAddress, friendAddress] = [boot.host.addresses()[0]!, friend.host.addresses()[0]!]
    await Promise.all([boot.host.stop(), friend.host.stop()])
    await waitUntil('both are gone', () => a.host.peers().length === 0)
    const again = [peerSeen(a.host, boot.host.nodeKey), peerSeen(a.host, friend.host.nodeKey)]
    const listenOf = (address: string) => [address.replace(/\/p2p\/.*/, '')]
    await hosts.start({ seed: bootSeed, listen: listenOf(bootAddress) })
    await hosts.start({ seed: friendSeed, listen: listenOf(friendAddress) })
    await Promise.all(again)
  })
})

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
