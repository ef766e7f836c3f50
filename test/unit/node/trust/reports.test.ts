import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { ChainError } from '../../../../node/chain/errors.ts'
import { createNativeNodeSigner } from '../../../../node/ed25519.ts'
import { Store } from '../../../../node/store/store.ts'
import type { Evidence } from '../../../../node/trust/evidence.ts'
import { OwnReports } from '../../../../node/trust/own-reports.ts'
import { PaidReceipts } from '../../../../node/trust/paid-receipts.ts'
import { PendingReports } from '../../../../node/trust/pending-reports.ts'
import { ReportExchange } from '../../../../node/trust/report-exchange.ts'
import { openReport } from '../../../../node/trust/reports.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { sampleReceipt } from '../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { bundle, keyOf, NOW_MS, PaidChain, paidTask, provider, SCENE, witness } from './report-world.ts'

const stranger = createNativeNodeSigner(new Uint8Array(32).fill(3))
const HOUR_MS = 3_600_000

describe('a report', () => {
  it('says what its witness and the receipts of both say', () => {
    const [one, two] = [paidTask(1), paidTask(2)]
    const opened = openReport(bundle([one.task, { ...two.task, result: 'failed' }]), SCENE)
    assert.ok(opened.verdict === 'accept')
    assert.equal(opened.witness, keyOf(witness))
    assert.deepEqual(
      opened.reports.map(({ evidence }) => evidence),
      [
        [one, 'completed'],
        [two, 'failed'],
      ].map(([task, result]) => ({
        kind: 'report',
        peer: keyOf(provider),
        witness: keyOf(witness),
        receipt: (task as typeof one).receipt.cid,
        result,
        atMs: sampleReceipt.endedAtMs,
      })),
    )
  })

  it('is refused when a receipt is not both theirs, or tells of nothing paid', () => {
    const wrong = {
      'of another requester': paidTask(0, { requester: keyOf(stranger) }),
      'signed by another than the provider': paidTask(0, {}, { receipt: stranger }),
      'countersigned by another': paidTask(0, {}, { countersignature: stranger }),
      'of a provider about itself': paidTask(0, { provider: keyOf(witness) }, { receipt: witness }),
      'between one wallet': paidTask(0, { payee: sampleReceipt.payer }),
      'of nothing paid': paidTask(0, { amount: 0n }),
      'that ends before it starts': paidTask(0, { endedAtMs: 1 }),
      'that ends after the report': paidTask(0, { endedAtMs: NOW_MS + 120_000 }),
    }
    for (const [what, { task }] of Object.entries(wrong))
      assert.equal(openReport(bundle([paidTask(9).task, task]), SCENE).verdict, 'reject', what)
    const other = paidTask(1)
    const swapped = { ...paidTask(2).task, countersignature: other.task.countersignature }
    assert.equal(
      openReport(bundle([swapped]), SCENE).verdict,
      'reject',
      'countersignature of another receipt',
    )
    assert.equal(
      openReport(bundle([paidTask().task], {}, stranger), SCENE).verdict,
      'reject',
      'another witness',
    )
    assert.equal(
      openReport(bundle([paidTask().task], { issuedAtMs: NOW_MS + 120_000 }), SCENE).verdict,
      'reject',
    )
  })

  it('is dropped without blame when it is late or of another chain', () => {
    const late = { ...SCENE, nowMs: NOW_MS + HOUR_MS }
    assert.equal(openReport(bundle([paidTask().task]), late).verdict, 'ignore')
    assert.equal(openReport(bundle([paidTask(0, { chainId: 1 }).task]), SCENE).verdict, 'ignore')
  })

  it('is opened or refused whatever the bytes, never thrown at', () => {
    const good = bundle([paidTask().task])
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bad = new Uint8Array(good)
        bad[at]! ^= flip
        assert.equal(openReport(bad, SCENE).verdict, 'reject')
      }),
      { numRuns: 150 },
    )
  })
})

describe('payment of a receipt', () => {
  const folders = new TemporaryFolders()
  let clock: ManualClock
  let store: Store
  let path: string
  let chain: PaidChain | null
  let paid: PaidReceipts

  async function open(): Promise<void> {
    store = await Store.open(path)
    paid = new PaidReceipts({ reader: () => chain, store, clock })
    await paid.start()
  }

  beforeEach(async () => {
    clock = new ManualClock(NOW_MS)
    chain = new PaidChain(sampleReceipt.cumulativeAmount)
    path = join(await folders.make(), 'store')
    await open()
  })
  afterEach(async () => {
    await store.close()
    await folders.remove()
  })

  const check = (changes: Parameters<typeof paidTask>[1] = {}) =>
    paid.check(paidTask(0, changes).receipt.body)
  const later = () => clock.advance(61_000)

  it('is proven by a claim on a channel between wallets that declare both nodes', async () => {
    assert.equal(await check(), 'paid')
    const channel = chain!.channels.get(sampleReceipt.channelId)!
    chain!.channels.set(channel.channelId, { ...channel, claimed: sampleReceipt.cumulativeAmount - 1n })
    assert.equal(await check(), 'paid', 'remembered for a minute')
    await later()
    assert.equal(await check(), 'unpaid')
  })

  it("is not proven by others' channels or nodes", async () => {
    assert.equal(await check({ channelId: `0x${'ee'.repeat(32)}` }), 'false')
    assert.equal(await check({ payer: `0x${'ee'.repeat(20)}` }), 'false')
    assert.equal(await check({ payee: `0x${'ee'.repeat(20)}` }), 'false')
    chain!.keys.set(sampleReceipt.payer, keyOf(stranger))
    assert.equal(await check(), 'false', "somebody else's wallet")
    chain!.keys.delete(sampleReceipt.payer)
    await later()
    assert.equal(await check(), 'unpaid', 'not declared yet')
  })

  it('vouches for no more than was paid, over restarts too', async () => {
    const third = sampleReceipt.cumulativeAmount / 3n
    for (let i = 0; i < 3; i++) {
      assert.equal(await check({ amount: third }), 'paid')
      await paid.count(paidTask(i, { amount: third }).receipt.body)
      if (i === 1) {
        await store.close()
        await open()
      }
    }
    assert.equal(await check({ amount: third }), 'unpaid')
    await paid.forgetBefore(NOW_MS)
    assert.equal(await check({ amount: third }), 'paid', 'what is too old to count is forgotten')
  })

  it('is not known while the chain does not answer', async () => {
    const there = chain
    chain = null
    assert.equal(await check(), 'unknown')
    chain = there
    chain!.channel = () => Promise.reject(new ChainError('CHAIN_UNREACHABLE', 'away'))
    assert.equal(await check(), 'unknown')
  })
})

describe('reports that wait', () => {
  const clock = new ManualClock(NOW_MS)
  let proof: 'paid' | 'unpaid' | 'false' | 'unknown'
  let taken: Evidence[]
  let checks: number
  let pending: PendingReports

  const signed = (index: number) => {
    const opened = openReport(bundle([paidTask(index).task]), SCENE)
    assert.ok(opened.verdict === 'accept')
    return opened.reports[0]!
  }

  beforeEach(() => {
    taken = []
    checks = 0
    proof = 'unpaid'
    pending = new PendingReports({
      clock,
      check: () => {
        checks++
        return Promise.resolve(proof)
      },
      mayCount: () => true,
      take: evidence => {
        taken.push(evidence)
        return Promise.resolve()
      },
    })
  })

  it('count once they are paid, and are asked about less and less often', async () => {
    assert.equal(pending.add(signed(1)), true)
    assert.equal(pending.add(signed(1)), false)
    await pending.checkDue()
    await pending.checkDue()
    assert.equal(checks, 1)
    await clock.advance(10 * 60_000)
    await pending.checkDue()
    await clock.advance(10 * 60_000)
    await pending.checkDue()
    assert.equal(checks, 2, 'the second wait is longer')
    proof = 'paid'
    await clock.advance(10 * 60_000)
    await pending.checkDue()
    assert.equal(taken.length, 1)
    assert.equal(pending.size, 0)
  })

  it('are dropped when they are false, or not paid for days', async () => {
    pending.add(signed(1))
    proof = 'false'
    await pending.checkDue()
    assert.equal(pending.size, 0)
    proof = 'unknown'
    pending.add(signed(2))
    await pending.checkDue()
    await clock.advance(60_000)
    await pending.checkDue()
    assert.equal(pending.size, 1, 'the chain may come back')
    await clock.advance(4 * 24 * HOUR_MS)
    await pending.checkDue()
    assert.equal(pending.size, 0)
    assert.equal(taken.length, 0)
  })

  it('are of bounded number for each witness', () => {
    const one = signed(0)
    const add = (index: number) =>
      pending.add({ ...one, evidence: { ...one.evidence, receipt: `receipt-${index}` } })
    for (let i = 0; i < 128; i++) assert.equal(add(i), true)
    assert.equal(add(128), false)
  })
})

describe('own reports', () => {
  const take = (
    own: OwnReports,
    index: number,
    changes = {},
    dataClass: 'SHARED' | 'CONFIDENTIAL' = 'SHARED',
  ) => {
    const { receipt, countersignature } = paidTask(index, changes)
    own.receiptTaken(receipt, countersignature, dataClass)
  }

  it('go in bundles, once each', () => {
    const own = new OwnReports()
    for (let i = 0; i < 12; i++)
      take(own, i, { provider: keyOf(createNativeNodeSigner(new Uint8Array(32).fill(i))) })
    assert.deepEqual([own.takeBundle().length, own.takeBundle().length, own.takeBundle().length], [8, 4, 0])
  })

  it('tell nothing of confidential tasks, of answers that could be guessed, or of what was free', () => {
    const own = new OwnReports()
    take(own, 1, {}, 'CONFIDENTIAL')
    take(own, 2, { outputTokens: 15 })
    take(own, 3, { amount: 0n })
    assert.deepEqual(own.takeBundle(), [])
  })

  it('tell of a task that went badly with the last receipt of the same provider', () => {
    const own = new OwnReports()
    take(own, 1)
    take(own, 2)
    own.learned(keyOf(stranger), 'failed')
    own.learned(keyOf(provider), 'stalled')
    own.learned(keyOf(provider), 'dishonest')
    assert.deepEqual(
      own.takeBundle().map(({ result }) => result),
      ['dishonest', 'stalled'],
    )
    own.learned(keyOf(provider), 'failed')
    assert.deepEqual(own.takeBundle(), [])
  })
})

describe('exchange of reports', () => {
  it('takes from each witness what its quota allows, and nothing from the unwelcome or from itself', async () => {
    const clock = new ManualClock(NOW_MS)
    const published: Uint8Array[] = []
    const unwelcome = new Set<string>()
    const pending = new PendingReports({
      clock,
      check: () => Promise.resolve('unknown'),
      mayCount: () => true,
      take: () => Promise.resolve(),
    })
    const own = new OwnReports()
    const make = (nodeKey: string) =>
      new ReportExchange(
        { ...SCENE, share: true },
        {
          host: {
            nodeKey,
            subscribe: () => {},
            publish: (_topic, data) => {
              published.push(data)
              return Promise.resolve()
            },
          },
          signer: witness,
          clock,
          log: silentLog,
          own,
          pending,
          isWelcome: peer => !unwelcome.has(peer),
          isKnown: peer => peer === keyOf(witness),
          forgetOld: () => Promise.resolve(),
        },
      )
    const exchange = make(keyOf(stranger))
    exchange.start()
    const { receipt, countersignature } = paidTask(0)
    own.receiptTaken(receipt, countersignature, 'PUBLIC')
    await clock.advance(5 * 60_000)
    assert.equal(published.length, 1)
    assert.equal(exchange.take(published[0]!), 'accept')
    assert.equal(pending.size, 1)
    assert.equal(make(keyOf(witness)).take(published[0]!), 'ignore', 'our own comes back')
    assert.equal(make(keyOf(provider)).take(published[0]!), 'accept', 'is passed on')
    assert.equal(pending.size, 1, 'but not believed by whom it is about')
    const issuedAtMs = clock.nowMs()
    const verdicts = [1, 2, 3, 4].map(i => exchange.take(bundle([paidTask(i).task], { issuedAtMs })))
    assert.deepEqual(verdicts, ['accept', 'accept', 'accept', 'ignore'])
    // However many strangers there are, those we know are heard.
    const strangers = Array.from({ length: 30 }, (_, i) =>
      createNativeNodeSigner(new Uint8Array(32).fill(100 + i)),
    )
    const heard = strangers.map(signer =>
      exchange.take(
        bundle(
          [paidTask(6, { requester: keyOf(signer) }, { countersignature: signer }).task],
          { issuedAtMs },
          signer,
        ),
      ),
    )
    assert.equal(heard.filter(verdict => verdict === 'accept').length, 20)
    await clock.advance(60_000)
    assert.equal(exchange.take(bundle([paidTask(7).task], { issuedAtMs })), 'accept')
    unwelcome.add(keyOf(witness))
    assert.equal(exchange.take(bundle([paidTask(5).task], { issuedAtMs })), 'ignore')
    assert.equal(exchange.take(Uint8Array.of(1, 2, 3)), 'reject')
    exchange.stop()
    exchange.stop()
    assert.deepEqual(clock.pendingMs(), [])
  })
})
