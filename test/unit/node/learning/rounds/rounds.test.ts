import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../../../../node/clock.ts'
import type { Store } from '../../../../../node/store/store.ts'
import { roundManifestMessage } from '../../../../../protocol/messages/learning/round-manifest.ts'
import { createRecord } from '../../../../../protocol/signed.ts'
import {
  type Member,
  manifestOf,
  memberKey,
  memberSigner,
  memberWallet,
  RoundWorld,
} from '../../../../helpers/learning/round-world.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'
import { waitUntil } from '../../../../helpers/wait.ts'

const folders = new TemporaryFolders()
/** Phases end as soon as everybody has done what is to be done. */
const PHASE_MS = 20_000

/** A store that dies at its nth write, before it or right after it, and stays dead. */
function dyingStore(store: Store, at: number, when: 'before' | 'after', onDeath: () => void): Store {
  let writes = 0
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name !== 'batch') return value.bind(target)
      return async (...args: Parameters<Store['batch']>) => {
        writes++
        if (writes < at) return target.batch(...args)
        if (writes === at && when === 'after') await target.batch(...args)
        onDeath()
        throw new Error('the process has died')
      }
    },
  })
}

async function outcomes(members: readonly Member[], round: string) {
  const states = await Promise.all(members.map(member => member.over(round)))
  return states.map(({ phase, failure }) => failure ?? phase)
}

const manifestFor = (members: number) =>
  manifestOf(systemClock.nowMs(), PHASE_MS, { maximumMembers: members })

describe('rounds', () => {
  let world: RoundWorld

  beforeEach(async () => {
    world = new RoundWorld(await folders.make())
  })

  afterEach(() => world.stop())
  after(() => folders.remove())

  it('come to one adapter with all members', async () => {
    for (let index = 0; index < 4; index++) await world.member(index)
    const round = await world.members[0]!.rounds.propose(manifestFor(4))
    assert.deepEqual(await outcomes(world.members, round), ['done', 'done', 'done', 'done'])
    assert.equal(new Set(world.members.map(({ accepted }) => accepted[0]!.record.body.adapter)).size, 1)
    assert.deepEqual(
      (await world.members[1]!.events()).map(({ kind }) => kind),
      ['round.joined', 'round.committed', 'round.revealed', 'round.voted'],
    )
    const { contributors } = world.members[0]!.accepted[0]!.record.body
    assert.equal(contributors.length, 4)
    assert.ok(contributors.every(({ weight }) => weight === 250_000))
  })

  it('count a member in of whose stake the chain tells later than the member', async () => {
    let isTold = false
    const sees = (wallet: string) => (wallet === memberWallet(1) && !isTold ? 0n : undefined)
    const proposer = await world.member(0, { sees })
    await world.member(1)
    const round = await proposer.rounds.propose(manifestFor(2))
    await waitUntil('the join is found to have no stake', () =>
      proposer.rounds.list().some(({ state }) => state.members.get(memberKey(1))?.isStaked === false),
    )
    isTold = true
    assert.deepEqual(await outcomes(world.members, round), ['done', 'done'])
  })

  it('go on without their proposer', async () => {
    for (let index = 0; index < 4; index++) await world.member(index)
    const [proposer, ...others] = world.members
    const round = await proposer!.rounds.propose(manifestFor(3), { join: false })
    await world.leave(proposer!)
    assert.deepEqual(await outcomes(others, round), ['done', 'done', 'done'])
  })

  it('tell who was away all there is to know', async () => {
    for (let index = 0; index < 3; index++) await world.member(index)
    const round = await world.members[0]!.rounds.propose(manifestFor(3))
    assert.deepEqual(await outcomes(world.members, round), ['done', 'done', 'done'])
    const late = await world.member(3)
    assert.deepEqual(await outcomes([late], round), ['done'])
    assert.equal(late.accepted[0]!.record.body.contributors.length, 3)
  })

  it('do not hear of who has no stake', async () => {
    await world.member(0, { stake: 0n })
    const member = await world.member(1)
    const manifest = manifestFor(2)
    await assert.rejects(world.members[0]!.rounds.propose(manifest), { code: 'STAKE_TOO_LOW' })
    const record = createRecord(roundManifestMessage, manifest, memberSigner(0))
    assert.equal(member.rounds.take(record.bytes, memberKey(0)), 'accept')
    assert.deepEqual(member.rounds.list(), [])
    assert.equal(member.rounds.take(record.bytes.subarray(1), memberKey(0)), 'reject')
    assert.ok(memberWallet(0))
  })

  it('go on from any step at which a member dies, and it never contradicts itself', async () => {
    const cases = [1, 2, 4, 6, 8, 10, 12, 14].map((at, index) => ({
      at,
      when: index % 2 === 0 ? ('after' as const) : ('before' as const),
    }))
    await Promise.all(
      cases.map(async ({ at, when }) => {
        const folder = join(world.folder, `${when}-${at}`)
        await mkdir(folder)
        const small = new RoundWorld(folder)
        try {
          for (const index of [0, 1, 2]) await small.member(index)
          const died = Promise.withResolvers<void>()
          const mortal = await small.member(3, { store: store => dyingStore(store, at, when, died.resolve) })
          const round = await small.members[0]!.rounds.propose(manifestFor(4))
          const survivors = small.members.filter(member => member !== mortal)
          const ended = outcomes(survivors, round)
          await Promise.race([died.promise, ended])
          await small.leave(mortal)
          const again = await small.member(3)
          assert.deepEqual(await ended, ['done', 'done', 'done'], `${when} write ${at}`)
          assert.deepEqual(await outcomes([again], round), ['done'], `${when} write ${at}`)
          assert.deepEqual(
            small.members.flatMap(({ faults }) => faults),
            [],
            `${when} write ${at}`,
          )
        } finally {
          await small.stop()
        }
      }),
    )
  })
})
