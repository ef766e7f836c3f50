import assert from 'node:assert/strict'
import { join } from 'node:path'
import { roundBlobs } from '../../../node/learning/rounds/parts/blobs.ts'
import { BlobExchange } from '../../../node/p2p/blobs/blob-exchange.ts'
import { BlobStore } from '../../../node/p2p/blobs/blob-store.ts'
import { connect, silentLog, TestHosts } from '../../helpers/hosts.ts'
import { manifestOf, memberSeed, RoundWorld } from '../../helpers/learning/round-world.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'

const MEMBERS = 4
/** Phases end as soon as everybody has done what is to be done. */
const PHASE_MS = 20_000

describe('rounds over sockets', () => {
  const folders = new TemporaryFolders()
  const hosts = new TestHosts()
  const stops: (() => Promise<void>)[] = []

  after(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
    await hosts.stop()
    await folders.remove()
  })

  it('come to one adapter by gossip and blobs, though the proposer goes right after its announcement', async () => {
    const world = new RoundWorld(await folders.make())
    stops.push(() => world.stop())
    const started = await Promise.all(
      Array.from({ length: MEMBERS }, (_, index) => hosts.start({ seed: memberSeed(index) })),
    )
    const members = []
    for (const [index, { host }] of started.entries()) {
      const folder = join(world.folder, `blobs-${index}`)
      const store = new BlobStore({ folder }, { clock: world.clock, log: silentLog })
      const exchange = new BlobExchange(
        {},
        {
          ...{ host, store, clock: world.clock, log: silentLog },
          isWelcome: () => true,
          onViolation: () => {},
          candidates: () => host.peers(),
        },
      )
      await store.start()
      await exchange.start()
      stops.push(async () => {
        await exchange.stop()
        await store.stop()
      })
      const blobs = roundBlobs({ store, exchange })
      members.push(await world.member(index, { host, parts: parts => ({ ...parts, blobs }) }))
    }
    for (const [index, { host }] of started.entries())
      for (const other of started.slice(index + 1)) await connect(host, other.host)
    const [proposer, ...others] = members
    const heard = Promise.all(
      others.map(({ changed }) => new Promise<void>(resolve => changed.once('phase', () => resolve()))),
    )
    const round = await proposer!.rounds.propose(
      manifestOf(world.clock.nowMs(), PHASE_MS, { maximumMembers: MEMBERS - 1 }),
      { join: false },
    )
    await heard
    await world.leave(proposer!)
    await started[0]!.host.stop()
    const states = await Promise.all(others.map(member => member.over(round)))
    assert.deepEqual(
      states.map(({ phase, failure }) => failure ?? phase),
      ['done', 'done', 'done'],
    )
    assert.equal(new Set(others.map(({ accepted }) => accepted[0]!.record.body.adapter)).size, 1)
  })
})
