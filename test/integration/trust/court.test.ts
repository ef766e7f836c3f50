import assert from 'node:assert/strict'
import type { Engine, ModelSource } from '../../../inference/engine.ts'
import { ProcessEngine } from '../../../inference/llama/process-engine.ts'
import { adoptAnchors } from '../../../node/auditlog/adopt-anchors.ts'
import type { ChainClient } from '../../../node/chain/client.ts'
import type { RecordedCalls } from '../../../node/chain/recorded-calls.ts'
import type { Duty } from '../../../node/trust/disputes/duty.ts'
import type { Examiner } from '../../../node/trust/disputes/examination.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { juryCommitment } from '../../../protocol/typed-data.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'
import { SyntheticWorld } from '../../helpers/synthetic-outputs.ts'
import { TemporaryFolders } from '../../helpers/temporary.ts'
import { nano } from '../inference/nano.ts'
import {
  AccusedProvider,
  Challenger,
  doTask,
  examinerOn,
  Juror,
  Party,
  pass,
  stakeOf,
  Wire,
} from './court-world.ts'

/** As the contracts are deployed here; see contracts/ignition/parameters/local.json. */
const PERIOD_SECONDS = 600
const BOND = 10n * CREDIT
const SEATS = 5
const PENALTY_BPS = 500n

describe('the court, with real jurors', () => {
  const folders = new TemporaryFolders()
  const wire = new Wire()
  let chain: HardhatChain
  let client: ChainClient
  let engine: Engine
  let model: ModelSource
  let provider: AccusedProvider
  let challenger: Challenger
  let jurors: Juror[] = []
  let examiner: Examiner

  before(async function () {
    this.timeout(60_000)
    chain = await HardhatChain.start()
    client = await chain.client()
    const folder = await folders.make()
    engine = new ProcessEngine({ gpu: false, cacheFolder: folder, threads: 1, slots: 8 }, { log: () => {} })
    await engine.start()
    model = await nano(folder)
    await engine.load(model)
    const party = async (credits: bigint) =>
      await new Party({ wallet: await chain.wallet(credits), folder: await folders.make(), client }).open()
    const accused = await party(1_000n * CREDIT)
    const accuser = await party(100n * CREDIT)
    const validators: Party[] = []
    for (let seat = 0; seat <= SEATS; seat++) validators.push(await party(1_000n * CREDIT))
    await Promise.all([
      accused.stake(1_000n * CREDIT, 'compute'),
      accuser.bind(),
      ...validators.map(validator => validator.stake(1_000n * CREDIT, 'validator')),
    ])
    provider = await new AccusedProvider(accused, wire, client).start()
    challenger = await new Challenger(accuser, wire, client).start()
    examiner = examinerOn(engine, model, new SyntheticWorld(1).calibration())
    for (const validator of validators)
      jurors.push(await new Juror(validator, { wire, client, examiner }).start())
    await pass(chain, 60)
  })
  after(async () => {
    await Promise.all(jurors.map(juror => juror.close()))
    await challenger.close()
    await provider.party.close()
    await engine.stop()
    client.stop()
    await chain.stop()
    await folders.remove()
  })

  const dutyOf = ({ service }: Juror) => service.list().find(duty => duty.disputeId === disputeId)
  const seated = () => jurors.filter(juror => dutyOf(juror) !== undefined)
  /** An engine that is busy is asked again later, as a node would. */
  const turns = async (state: Duty['state']) => {
    for (let turn = 0; turn < 100; turn++) {
      await Promise.all(jurors.map(juror => juror.turn()))
      if (seated().every(juror => dutyOf(juror)!.state === state)) return
    }
  }
  let disputeId = 0

  /** Does a task, has it disputed, and draws the jury. */
  async function dispute(lie: { cutAfter?: number } = {}): Promise<void> {
    const task = await doTask(engine, {
      ...{ model, provider: provider.party, requester: challenger.party, chain, ...lie },
    })
    await provider.receipts.issue(task.record)
    await challenger.keep(task)
    await challenger.desk.open({ receipt: task.record.cid, reason: 'owner', isAutomatic: false })
    await challenger.desk.tick()
    disputeId = challenger.desk.find(task.record.cid)!.disputeId!
    for (let draws = 0; challenger.desk.find(disputeId)!.courtState === 'draw' && draws < 8; draws++) {
      await chain.send('evm_mine')
      await challenger.desk.tick()
    }
  }

  it('finds a cheat guilty by a jury that runs the model again, and takes its stake', async () => {
    const stakeBefore = await stakeOf(client, provider.party.wallet.address)
    await dispute({ cutAfter: 20 })
    assert.equal(challenger.desk.find(disputeId)!.courtState, 'vote')
    assert.equal(challenger.desk.bonds.atRisk, BOND)
    await turns('committed')
    await pass(chain, PERIOD_SECONDS)
    await turns('revealed')
    assert.deepEqual(
      seated().map(juror => [dutyOf(juror)?.vote, dutyOf(juror)?.reason, dutyOf(juror)?.state]),
      Array(SEATS).fill(['guilty', 'contradiction', 'revealed']),
    )
    await challenger.desk.tick()
    assert.deepEqual(
      [challenger.desk.find(disputeId)!.courtState, challenger.desk.find(disputeId)!.outcome],
      ['appealable', 'guilty'],
    )
    const balance = async () => (await client.balances(challenger.party.wallet.address)).credits
    const before = await balance()
    await pass(chain, PERIOD_SECONDS)
    await challenger.desk.tick()
    assert.equal(challenger.desk.find(disputeId)!.state, 'closed')
    const taken = stakeBefore - (await stakeOf(client, provider.party.wallet.address))
    assert.equal(taken, (stakeBefore * PENALTY_BPS) / 10_000n)
    assert.ok((await balance()) > before + BOND, 'the bond is back, with a bounty')
    assert.equal(challenger.desk.bonds.atRisk, 0n)
    const credits = await Promise.all(
      seated().map(async ({ party }) => (await client.balances(party.wallet.address)).credits),
    )
    await Promise.all(seated().map(({ service }) => service.tick()))
    for (const [i, { party }] of seated().entries())
      assert.ok((await client.balances(party.wallet.address)).credits > credits[i]!, 'a juror has its fee')
    // The challenger has brought the provider's root to the chain: the provider's log takes note of it.
    const { index, party } = provider
    assert.deepEqual(await index.anchors(), [])
    const wallet = party.wallet.address
    assert.equal(await adoptAnchors({ client, index, outbox: party.outbox, wallet }), 1)
    assert.equal((await index.anchors()).length, 1)
    assert.equal(await adoptAnchors({ client, index, outbox: party.outbox, wallet }), 0)
    const kinds = (await challenger.party.events()).map(({ kind }) => kind)
    assert.deepEqual(
      kinds.filter(kind => kind !== 'wallet.bound'),
      ['dispute.opened', ...Array(SEATS).fill('evidence.given'), 'court.withdrawn'],
    )
  })

  it('lets an honest provider go, and jurors that die go on as the same jurors', async () => {
    const stakeBefore = await stakeOf(client, provider.party.wallet.address)
    await dispute()
    // The first is killed when its vote is on disk and before anything was sent.
    await Promise.all(jurors.map(({ watcher }) => watcher.poll()))
    const dying = seated()[0]!
    const dead = { run: () => new Promise(() => {}) } as unknown as RecordedCalls
    await dying.watcher.stop()
    await dying.service.stop()
    const doomed = await new Juror(dying.party, { wire, client, examiner, calls: dead }).start()
    await doomed.watcher.poll()
    const decided = new Promise(resolve => {
      doomed.service.on('duty', duty => duty.state === 'decided' && resolve(duty))
    })
    void doomed.service.tick()
    await decided
    const kept = dutyOf(doomed)
    await doomed.party.close()
    const again = async (party: Party) => {
      await party.open()
      return await new Juror(party, { wire, client, examiner }).start()
    }
    jurors[jurors.indexOf(dying)] = await again(dying.party)
    await turns('committed')
    const { vote, salt, round } = kept!
    assert.equal(vote, 'innocent')
    const juror = dying.party.wallet.address
    const seat = (await dying.party.court.jury(disputeId, 0))!.seats.find(one => one.juror === juror)
    assert.equal(seat!.commitment, juryCommitment({ disputeId, round, juror, vote: 2, salt: salt! }))
    // All are killed between committing and revealing.
    await Promise.all(jurors.map(juror => juror.close()))
    jurors = await Promise.all(jurors.map(({ party }) => again(party)))
    await pass(chain, PERIOD_SECONDS)
    await turns('revealed')
    assert.deepEqual(
      seated().map(juror => [dutyOf(juror)?.vote, dutyOf(juror)?.state]),
      Array(SEATS).fill(['innocent', 'revealed']),
    )
    await challenger.desk.tick()
    // The court takes no appeal where a larger jury cannot be found, and the bond for it is free again.
    await assert.rejects(challenger.desk.appeal(disputeId), error => isShoalError(error, 'COURT_REFUSED'))
    assert.equal(challenger.desk.bonds.atRisk, BOND)
    await pass(chain, PERIOD_SECONDS)
    await challenger.desk.tick()
    const closed = challenger.desk.find(disputeId)!
    assert.deepEqual([closed.state, closed.outcome], ['closed', 'innocent'])
    assert.equal(await stakeOf(client, provider.party.wallet.address), stakeBefore)
  })
})
