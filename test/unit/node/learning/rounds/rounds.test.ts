import assert from 'node:assert/strict'
import { systemClock } from '../../../../../node/clock.ts'
import type { Address } from '../../../../../protocol/ids.ts'
import { CREDIT } from '../../../../../protocol/money.ts'
import {
  Bus,
  Member,
  type MemberOptions,
  manifestOf,
  memberKey,
  memberWallet,
  SharedBlobs,
} from '../../../../helpers/learning/round-world.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const folders = new TemporaryFolders()
const PHASE_MS = 400

class World {
  readonly bus = new Bus()
  readonly clock = systemClock
  readonly stakes = new Map<Address, bigint>()
  readonly members: Member[] = []
  readonly folder: string
  readonly blobs: SharedBlobs

  constructor(folder: string) {
    this.folder = folder
    this.blobs = new SharedBlobs(folder)
  }

  async member(index: number, options: MemberOptions = {}): Promise<Member> {
    this.stakes.set(memberWallet(index), options.stake ?? 10n * CREDIT)
    const member = await Member.start(index, this, options)
    this.members.push(member)
    return member
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.splice(0).map(member => member.stop()))
  }
}

describe('rounds', () => {
  let world: World

  beforeEach(async () => {
    world = new World(await folders.make())
  })

  afterEach(() => world.stop())
  after(() => folders.remove())

  it('come to one adapter with all members', async () => {
    for (let index = 0; index < 4; index++) await world.member(index)
    const round = await world.members[0]!.rounds.propose(manifestOf(world.clock.nowMs(), PHASE_MS))
    const states = await Promise.all(world.members.map(member => member.over(round)))
    assert.deepEqual(
      states.map(({ phase, failure }) => [phase, failure]),
      states.map(() => ['done', null]),
    )
    const adapters = new Set(world.members.map(({ accepted }) => accepted[0]!.record.body.adapter))
    assert.equal(adapters.size, 1)
    assert.deepEqual(
      (await world.members[1]!.events()).map(({ kind }) => kind),
      ['round.joined', 'round.committed', 'round.revealed', 'round.voted'],
    )
    assert.ok(memberKey(0))
  })
})
