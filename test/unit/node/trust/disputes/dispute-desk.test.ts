import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import type { ChainClient } from '../../../../../node/chain/client.ts'
import type { CourtReader, OnChainDispute } from '../../../../../node/chain/court.ts'
import type { Publisher, TransactionOutcome } from '../../../../../node/chain/publisher.ts'
import type { RecordedCall, RecordedCalls } from '../../../../../node/chain/recorded-calls.ts'
import { Store } from '../../../../../node/store/store.ts'
import type { ArchivedTask } from '../../../../../node/trust/audits/archived-task.ts'
import { bondsAtRisk } from '../../../../../node/trust/disputes/case.ts'
import type { CourtDriver } from '../../../../../node/trust/disputes/court-driver.ts'
import type { CourtPurse } from '../../../../../node/trust/disputes/court-purse.ts'
import { DisputeDesk } from '../../../../../node/trust/disputes/dispute-desk.ts'
import { evidenceOf } from '../../../../../node/trust/disputes/evidence.ts'
import type { DataClass } from '../../../../../protocol/data-class.ts'
import { isShoalError } from '../../../../../protocol/errors.ts'
import type { InclusionStatement } from '../../../../../protocol/messages/inclusion.ts'
import { receiptMessage } from '../../../../../protocol/messages/receipt.ts'
import { createRecord } from '../../../../../protocol/signed.ts'
import { receiptClaim } from '../../../../../protocol/typed-data.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { sampleReceipt, sampleRequest, sampleSigner } from '../../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const BOND = 10n
const HASH = `0x${'0'.repeat(64)}`

/** A court that takes challenges once each, and lets the test end disputes; it outlives the desk. */
class MemoryCourt {
  readonly disputes = new Map<number, OnChainDispute>()
  readonly opened = new Map<string, number>()
  /** What is in it of ours, base units. */
  bonds = 0n
  refusesAs: string | null = null
  isAway = false

  run({ id, data }: RecordedCall): TransactionOutcome {
    if (this.refusesAs !== null)
      return { status: 'rejected', reason: 'would_revert', errorName: this.refusesAs }
    if (this.opened.has(id)) return { status: 'confirmed', hash: HASH, blockNumber: 1 }
    assert.ok(data.startsWith('0x'))
    const disputeId = this.disputes.size + 1
    this.opened.set(id, disputeId)
    this.bonds += BOND
    this.disputes.set(disputeId, {
      ...{ disputeId, respondent: HASH, challenger: HASH, payer: HASH, fault: 'wrong_output', state: 'vote' },
      ...{ outcome: 'none', round: 0, openedAtMs: 0, bond: BOND, appealBond: 0n, penalty: 5n, version: 0 },
      ...{ deadlineMs: 1, subject: id.slice('court:open:'.length) },
    })
    return { status: 'confirmed', hash: HASH, blockNumber: 1 }
  }

  end(disputeId: number, outcome: OnChainDispute['outcome']): void {
    const dispute = this.disputes.get(disputeId)
    if (dispute === undefined || dispute.state === 'closed') return
    this.bonds -= BOND
    this.disputes.set(disputeId, { ...dispute, state: 'closed', outcome, deadlineMs: null })
  }
}

const statement: InclusionStatement = {
  ...{ sequence: 1, eventHash: new Uint8Array(64), claim: HASH, proof: [], root: HASH },
  ...{ firstSequence: 1, lastSequence: 1, anchor: { index: 0, anchoredAt: 1_700_000_000 }, signature: null },
}

function taskOf(index: number, dataClass: DataClass): ArchivedTask {
  const receipt = { ...sampleReceipt, taskId: index.toString(16).padStart(32, '0') }
  const record = createRecord(receiptMessage, receipt, sampleSigner)
  return {
    ...{ cid: record.cid, receipt, record: record.bytes, countersignature: new Uint8Array() },
    ...{ requestFrame: new Uint8Array(), request: { ...sampleRequest, dataClass }, tokens: [], text: '' },
    terms: { price: { inputPerMillion: 0n, outputPerMillion: 0n }, contextTokens: 0 },
  }
}

describe('the desk of disputes', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  /** A desk on a folder; a new one on the same folder is the same node after a crash. */
  async function openDesk(
    folder: string,
    court: MemoryCourt,
    maxBond: bigint,
    held: InclusionStatement | null = statement,
  ) {
    const store = await Store.open(join(folder, 'store'))
    const clock = new ManualClock()
    const tasks = Array.from({ length: 6 }, (_, index) =>
      taskOf(index, index === 4 ? 'CONFIDENTIAL' : index === 5 ? 'PRIVATE' : 'SHARED'),
    )
    const calls = {
      isKnown: async (id: string) => court.opened.has(id),
      run: async (call: RecordedCall) => {
        if (court.isAway) return await new Promise<never>(() => {})
        return court.run(call)
      },
    } as unknown as RecordedCalls
    const desk = new DisputeDesk(
      { wallet: `0x${'12'.repeat(20)}`, maxBond, automatic: true },
      {
        calls,
        client: { isAnchored: async () => true } as unknown as ChainClient,
        court: {
          terms: async () => ({ bond: BOND, challengeWindowMs: 3_600_000 }),
          head: async () => ({ number: 1, timeMs: 1_700_000_000_000 }),
          dispute: async (id: number) => court.disputes.get(id) ?? null,
          openedBy: async (_hash: string, claim: string) => court.opened.get(`court:open:${claim}`) ?? null,
        } as unknown as CourtReader,
        driver: { moveOn: async (id: number) => court.disputes.get(id) ?? null } as unknown as CourtDriver,
        purse: {
          pledge: async (_bond: bigint, pull: () => unknown) => pull(),
          withdraw: async () => null,
        } as unknown as CourtPurse,
        publisher: {} as Publisher,
        proofs: { held: () => held, renew: async () => held, isWithheld: () => false },
        archive: { get: async cid => tasks.find(task => task.cid === cid) ?? null, hold() {}, release() {} },
        ...{ store, clock, log: silentLog },
      },
    )
    await desk.start()
    const open = (index: number, reveal = false) =>
      desk.open({ receipt: tasks[index]!.cid, reason: 'owner', isAutomatic: true, reveal })
    const settled = async () => {
      await desk.tick()
      await desk.tick()
    }
    return { desk, store, clock, tasks, open, settled }
  }

  it('never has more bonds in court than allowed, and never two for one receipt, whatever happens when', async () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant('open' as const), index: fc.nat(3) }),
      fc.record({ kind: fc.constant('end' as const), index: fc.nat(3), isGuilty: fc.boolean() }),
      fc.record({ kind: fc.constant('crash' as const) }),
      fc.record({ kind: fc.constant('tick' as const) }),
      fc.record({
        kind: fc.constant('refuse' as const),
        error: fc.constantFrom(null, 'TooOld', 'ERC20InsufficientBalance'),
      }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 14 }),
        fc.integer({ min: 0, max: 3 }),
        async (commands, bonds) => {
          const folder = await folders.make()
          const court = new MemoryCourt()
          const maxBond = BigInt(bonds) * BOND + 5n
          let at = await openDesk(folder, court, maxBond)
          for (const one of commands) {
            if (one.kind === 'open')
              await at
                .open(one.index)
                .catch((error: unknown) => assert.ok(isShoalError(error, 'BOND_LIMIT', 'ALREADY_DISPUTED')))
            else if (one.kind === 'end') court.end(one.index + 1, one.isGuilty ? 'guilty' : 'innocent')
            else if (one.kind === 'refuse') court.refusesAs = one.error
            else if (one.kind === 'tick') await at.settled()
            else {
              await at.desk.stop()
              await at.store.close()
              at = await openDesk(folder, court, maxBond)
            }
            assert.ok(at.desk.bonds.atRisk <= maxBond)
            assert.ok(court.bonds <= maxBond)
            assert.ok(court.bonds <= at.desk.bonds.atRisk, 'what is in court is counted')
            assert.equal(new Set(court.opened.keys()).size, court.disputes.size)
          }
          await at.desk.stop()
          await at.store.close()
        },
      ),
      { numRuns: 12 },
    )
  })

  it('goes on with a case whose challenge was on its way when it died', async () => {
    const folder = await folders.make()
    const court = new MemoryCourt()
    court.isAway = true
    const first = await openDesk(folder, court, BOND)
    await first.open(0)
    assert.equal(first.desk.bonds.atRisk, BOND)
    await first.store.close()
    court.isAway = false
    const again = await openDesk(folder, court, BOND)
    await again.settled()
    const [one] = again.desk.list()
    assert.deepEqual([one?.state, one?.disputeId, court.disputes.size], ['open', 1, 1])
    await assert.rejects(again.open(1), error => isShoalError(error, 'BOND_LIMIT'))
    court.end(1, 'guilty')
    await again.settled()
    assert.equal(bondsAtRisk(again.desk.list()), 0n)
    await assert.rejects(again.open(0), error => isShoalError(error, 'ALREADY_DISPUTED'))
    await again.desk.stop()
    await again.store.close()
  })

  it('keeps guarded tasks from jurors, and stops by itself after a loss', async () => {
    const court = new MemoryCourt()
    const at = await openDesk(await folders.make(), court, 100n)
    await assert.rejects(at.open(4), error => isShoalError(error, 'DATA_GUARDED'))
    await assert.rejects(at.open(5, true), error => isShoalError(error, 'DATA_GUARDED'))
    await at.open(4, true)
    assert.equal(at.desk.automaticPause, null)
    await at.settled()
    court.end(1, 'innocent')
    await at.settled()
    assert.equal(at.desk.automaticPause, 'lost')
    await at.clock.advance(8 * 24 * 3_600_000)
    assert.equal(at.desk.automaticPause, null)
    await at.desk.stop()
    await at.store.close()
  })

  it('gives up, and frees the bond, when the provider never shows where the receipt stands', async () => {
    const at = await openDesk(await folders.make(), new MemoryCourt(), BOND, null)
    await at.open(0)
    await at.settled()
    assert.deepEqual([at.desk.list()[0]?.state, at.desk.bonds.atRisk], ['proving', BOND])
    await at.clock.advance(25 * 3_600_000)
    await at.settled()
    const [one] = at.desk.list()
    assert.deepEqual([one?.state, one?.giveUp, at.desk.bonds.atRisk], ['given_up', 'not_proven', 0n])
    assert.equal(one?.claim, receiptClaim(at.tasks[0]!.receipt))
    assert.deepEqual(evidenceOf(at.tasks[0]!).tokens, [])
    await at.desk.stop()
    await at.store.close()
  })
})
