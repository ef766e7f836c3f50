import assert from 'node:assert/strict'
import { join } from 'node:path'
import { contractInterfaces } from '../../../../../node/chain/client.ts'
import type { CourtReader, OnChainDispute, OnChainJury } from '../../../../../node/chain/court.ts'
import type { RecordedCall, RecordedCalls } from '../../../../../node/chain/recorded-calls.ts'
import { P2PError } from '../../../../../node/p2p/errors.ts'
import { Store } from '../../../../../node/store/store.ts'
import type { CourtDriver } from '../../../../../node/trust/disputes/court-driver.ts'
import type { CourtPurse } from '../../../../../node/trust/disputes/court-purse.ts'
import { type Examination, undecided } from '../../../../../node/trust/disputes/examination.ts'
import { JurorService } from '../../../../../node/trust/disputes/juror-service.ts'
import { cidOf, encodeMessage } from '../../../../../protocol/codec.ts'
import type { EvidenceResponse } from '../../../../../protocol/messages/evidence.ts'
import { outputDigest, receiptMessage } from '../../../../../protocol/messages/receipt.ts'
import { requesterFrameMessage } from '../../../../../protocol/messages/requester-frame.ts'
import { createRecord } from '../../../../../protocol/signed.ts'
import { juryCommitment, receiptClaim } from '../../../../../protocol/typed-data.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { sampleReceipt, sampleRequest, sampleSigner } from '../../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const JUROR = `0x${'11'.repeat(20)}`
const CHALLENGER = `0x${'22'.repeat(20)}`
const SALT = `0x${'5a'.repeat(32)}`
const PERIOD_MS = 600_000

const request = encodeMessage(requesterFrameMessage, sampleRequest)
const receipt = createRecord(
  receiptMessage,
  {
    ...{
      ...sampleReceipt,
      model: sampleRequest.model,
      provider: Buffer.from(sampleSigner.publicKey).toString('hex'),
    },
    ...{ request: cidOf(request).toString(), output: outputDigest([1, 2], 'Hi') },
  },
  sampleSigner,
)
const evidence = { receipt: receipt.bytes, request, tokens: [1, 2], text: 'Hi' }

describe('a juror', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  async function serve(options: {
    answer: () => EvidenceResponse | null
    finding: () => Examination | null
  }) {
    const clock = new ManualClock()
    const startMs = clock.nowMs()
    const seat: OnChainJury['seats'][number] = { juror: JUROR, vote: 'none', commitment: null }
    const [commitUntilMs, revealUntilMs] = [startMs + PERIOD_MS, startMs + 2 * PERIOD_MS]
    const sent: string[] = []
    let examined = 0
    const court = {
      dispute: async () =>
        ({
          state: 'vote',
          round: 0,
          challenger: CHALLENGER,
          payer: CHALLENGER,
          respondent: `0x${'33'.repeat(20)}`,
          subject: receiptClaim(receipt.body),
        }) as OnChainDispute,
      jury: async () => ({ commitUntilMs, revealUntilMs, seats: [seat] }) as unknown as OnChainJury,
      head: async () => ({ number: 1, timeMs: startMs }),
    } as unknown as CourtReader
    const calls = {
      run: async ({ data }: RecordedCall) => {
        const { name, args } = contractInterfaces.jury.parseTransaction({ data })!
        sent.push(name)
        if (name === 'commit') seat.commitment = args.commitment as string
        else seat.vote = (['none', 'guilty', 'innocent', 'abstain'] as const)[Number(args.vote)]!
        return { status: 'confirmed', hash: '', blockNumber: 1 }
      },
    } as unknown as RecordedCalls
    const store = await Store.open(join(await folders.make(), 'store'))
    const service = new JurorService(
      { wallet: JUROR },
      {
        ...{ court, calls, store, clock, log: silentLog },
        driver: { moveOn: async () => null } as unknown as CourtDriver,
        purse: { withdraw: async () => null } as unknown as CourtPurse,
        examiner: {
          examine: async () => {
            examined++
            return options.finding()
          },
        },
        host: {
          isConnected: () => true,
          dialPeer: async () => {},
          request: async () => {
            const answer = options.answer()
            if (answer === null) throw new P2PError('PEER_UNREACHABLE', 'nobody')
            return answer as never
          },
        },
        nodeKeyOf: async () => 'aa'.repeat(32),
        randomSalt: () => SALT,
      },
    )
    await service.start()
    await service.onCourtEvents([{ kind: 'drawn', disputeId: 7, round: 0, juror: JUROR, blockNumber: 1 }])
    const turnAt = async (sinceMs: number) => {
      clock.jump(startMs + sinceMs - clock.nowMs())
      await service.tick()
    }
    const close = async () => {
      await service.stop()
      await store.close()
    }
    return { service, seat, sent, turnAt, close, examined: () => examined, duty: () => service.list()[0]! }
  }

  const commitmentTo = (vote: number) =>
    juryCommitment({ disputeId: 7, round: 0, juror: JUROR, vote, salt: SALT })

  it('abstains when nobody gives it the task, late enough to have asked and early enough to be heard', async () => {
    const at = await serve({ answer: () => null, finding: () => undecided('no_model') })
    await at.turnAt(0)
    await at.turnAt(PERIOD_MS / 2)
    assert.deepEqual([at.duty().state, at.sent], ['drawn', []])
    await at.turnAt(0.9 * PERIOD_MS)
    assert.deepEqual([at.duty().vote, at.duty().reason, at.sent], ['abstain', 'no_evidence', ['commit']])
    assert.equal(at.seat.commitment, commitmentTo(3))
    await at.turnAt(PERIOD_MS)
    assert.deepEqual([at.duty().state, at.seat.vote, at.examined()], ['revealed', 'abstain', 0])
    await at.close()
  })

  it('looks at no task but the one that is tried, and abstains when it cannot run its model', async () => {
    let answer: EvidenceResponse = { kind: 'evidence', evidence: { ...evidence, text: 'Ho' } }
    const at = await serve({ answer: () => answer, finding: () => undecided('no_model') })
    await at.turnAt(0)
    assert.deepEqual([at.examined(), at.sent], [0, []], 'another answer than the receipt names')
    answer = { kind: 'evidence', evidence }
    await at.turnAt(1_000)
    assert.deepEqual([at.examined(), at.duty().vote, at.duty().reason], [1, 'abstain', 'no_model'])
    await at.close()
  })

  it('waits for a busy engine, votes once, and never after its time', async () => {
    let finding: Examination | null = null
    const at = await serve({ answer: () => ({ kind: 'evidence', evidence }), finding: () => finding })
    await at.turnAt(0)
    assert.deepEqual([at.examined(), at.duty().state], [1, 'drawn'])
    finding = { ...undecided('contradiction'), finding: 'guilty' }
    await at.turnAt(1_000)
    finding = { ...undecided('explained'), finding: 'innocent' }
    await at.turnAt(2_000)
    await at.turnAt(PERIOD_MS - 1)
    assert.deepEqual([at.seat.commitment, at.sent, at.examined()], [commitmentTo(1), ['commit'], 2])
    await at.turnAt(2 * PERIOD_MS)
    assert.deepEqual([at.duty().state, at.sent], ['missed', ['commit']])
    await at.close()
  })
})
