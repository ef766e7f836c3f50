import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { z } from 'zod'
import { ChainError } from '../../../../node/chain/errors.ts'
import { createNativeNodeSigner } from '../../../../node/ed25519.ts'
import { Store } from '../../../../node/store/store.ts'
import type { Evidence } from '../../../../node/trust/evidence.ts'
import { OwnReports } from '../../../../node/trust/own-reports.ts'
import { PaidReceipts } from '../../../../node/trust/paid-receipts.ts'
import { PendingReports } from '../../../../node/trust/pending-reports.ts'
import { ReportExchange } from '../../../../node/trust/report-exchange.ts'
import { openReport } from '../../../../node/trust/reports.ts'
import type { ReportedTask } from '../../../../protocol/messages/reputation-report.ts'
import { silentLog } from '../../../helpers/hosts.ts'
import { ManualClock } from '../../../helpers/manual-clock.ts'
import { sampleReceipt } from '../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'
import { bundle, keyOf, NOW_MS, PaidChain, paidTask, provider, SCENE, witness } from './report-world.ts'

const stranger = createNativeNodeSigner(new Uint8Array(32).fill(3))
const HOUR_MS = 3_600_000
const DOOMED = fileURLToPath(new URL('./reports-until-killed.ts', import.meta.url))

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
  const folders = new TemporaryFolders()
  let path: string
  let store: Store
  let proof: 'paid' | 'unpaid' | 'false' | 'unknown'
  let taken: Evidence[]
  let checks: number
  let pending: PendingReports

  const signed = (index: number) => {
    const opened = openReport(bundle([paidTask(index).task]), SCENE)
    assert.ok(opened.verdict === 'accept')
    return opened.reports[0]!
  }

  async function open(): Promise<void> {
    store = await Store.open(path)
    pending = new PendingReports({
      ...{ store, clock, log: silentLog },
      check: () => {
        checks++
        return Promise.resolve(proof)
      },
      mayCount: receipt => !taken.some(one => one.kind === 'report' && one.receipt === receipt),
      take: evidence => {
        taken.push(evidence)
        return Promise.resolve()
      },
    })
    await pending.start()
  }
  async function close(): Promise<void> {
    await pending.stop()
    await store.close()
  }

  beforeEach(async () => {
    taken = []
    checks = 0
    proof = 'unpaid'
    path = join(await folders.make(), 'store')
    await open()
  })
  afterEach(async () => {
    await close()
    await folders.remove()
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

  it('count once when two looks at the chain overlap', async () => {
    pending.add(signed(1))
    proof = 'paid'
    await Promise.all([pending.checkDue(), pending.checkDue()])
    assert.equal(taken.length, 1)
  })

  it('are there after a restart as they were, but for those that have counted or were dropped', async () => {
    const reports = [1, 2, 3].map(signed)
    for (const report of reports) pending.add(report)
    await close()
    await open()
    assert.equal(pending.size, 3)
    assert.equal(pending.add(reports[0]!), false, 'it is the same')
    // Ended between counting and forgetting.
    taken.push(reports[1]!.evidence)
    await close()
    await open()
    assert.equal(pending.size, 2)
    proof = 'paid'
    await pending.checkDue()
    const byReceipt = (a: Evidence, b: Evidence) => JSON.stringify(a).localeCompare(JSON.stringify(b))
    assert.deepEqual(taken.toSorted(byReceipt), reports.map(({ evidence }) => evidence).sort(byReceipt))
    await close()
    await open()
    assert.equal(pending.size, 0)
  })

  it('are neither lost nor counted twice, whichever write is the last', async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: fc.nat(5) }) },
      fc.record({ proof: fc.constantFrom('paid' as const, 'unpaid' as const, 'unknown' as const) }),
    )
    const reports = [0, 1, 2, 3, 4, 5].map(signed)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.nat(10), async (steps, writes) => {
        const home = join(await folders.make(), 'store')
        const clock = new ManualClock(NOW_MS)
        const [onDisk, added] = [new Set<string>(), new Set<string>()]
        let counts = 0
        const live = async (limit: number, use: (waiting: PendingReports) => Promise<void>) => {
          const real = await Store.open(home)
          const counted = real.table('counted', z.boolean())
          const known = new Set<string>()
          for await (const [receipt] of counted.entries()) known.add(receipt)
          let left = limit
          // What would be written when the process is gone is not written.
          const mortal = {
            table: real.table.bind(real),
            batch: async (...args: Parameters<Store['batch']>) => {
              if (left-- <= 0) throw new Error('gone')
              await real.batch(...args)
            },
          } as Store
          let isPaid: typeof proof = 'unknown'
          const waiting = new PendingReports({
            ...{ store: mortal, clock, log: silentLog },
            check: () => Promise.resolve(isPaid),
            mayCount: receipt => !known.has(receipt),
            take: async ({ receipt }) => {
              if (known.has(receipt)) return
              await mortal.batch([counted.putOperation(receipt, true)])
              known.add(receipt)
              counts++
            },
          })
          await waiting.start()
          setProof = next => {
            isPaid = next
          }
          hasDied = () => left < 0
          await use(waiting)
          await waiting.stop()
          await real.close()
        }
        let setProof: (next: typeof proof) => void = () => {}
        let hasDied = () => false
        await live(writes, async waiting => {
          for (const next of steps) {
            if ('add' in next) {
              const report = reports[next.add]!
              if (waiting.add(report)) added.add(report.evidence.receipt)
              await waiting.stop()
              if (!hasDied()) for (const receipt of added) onDisk.add(receipt)
            } else {
              setProof(next.proof)
              await clock.advance(HOUR_MS)
              await waiting.checkDue().catch(() => {})
            }
          }
        })
        await live(Number.POSITIVE_INFINITY, async waiting => {
          setProof('paid')
          await waiting.checkDue()
          assert.equal(waiting.size, 0)
        })
        assert.ok(counts >= onDisk.size && counts <= added.size, `${counts} of ${onDisk.size}`)
      }),
      { numRuns: 40 },
    )
  })
})

describe('own reports', () => {
  const folders = new TemporaryFolders()
  let path: string
  let store: Store
  let own: OwnReports

  async function open(): Promise<void> {
    store = await Store.open(path)
    own = new OwnReports({ store, log: silentLog })
    await own.start()
  }
  async function restart(): Promise<void> {
    await own.stop()
    await store.close()
    await open()
  }
  beforeEach(async () => {
    path = join(await folders.make(), 'store')
    await open()
  })
  afterEach(async () => {
    await own.stop()
    await store.close()
    await folders.remove()
  })

  const take = (index: number, changes = {}, dataClass: 'SHARED' | 'CONFIDENTIAL' = 'SHARED') => {
    const { receipt, countersignature } = paidTask(index, changes)
    own.receiptTaken(receipt, countersignature, dataClass)
  }
  const others = (count: number) => {
    for (let i = 0; i < count; i++)
      take(i, { provider: keyOf(createNativeNodeSigner(new Uint8Array(32).fill(i))) })
  }
  async function told(): Promise<ReportedTask[]> {
    let bundled: ReportedTask[] = []
    await own.report(async tasks => {
      bundled = tasks
    })
    return bundled
  }
  const results = (tasks: readonly ReportedTask[]) => tasks.map(({ result }) => result)

  it('go in bundles, once each', async () => {
    others(12)
    assert.deepEqual([(await told()).length, (await told()).length, (await told()).length], [8, 4, 0])
    await restart()
    assert.deepEqual(await told(), [])
  })

  it('tell nothing of confidential tasks, of answers that could be guessed, or of what was free', async () => {
    take(1, {}, 'CONFIDENTIAL')
    take(2, { outputTokens: 15 })
    take(3, { amount: 0n })
    assert.deepEqual(await told(), [])
  })

  it('tell of a task that went badly with the last receipt of the same provider', async () => {
    take(1)
    take(2)
    own.learned(keyOf(stranger), 'failed')
    own.learned(keyOf(provider), 'stalled')
    own.learned(keyOf(provider), 'dishonest')
    assert.deepEqual(results(await told()), ['dishonest', 'stalled'])
    own.learned(keyOf(provider), 'failed')
    assert.deepEqual(await told(), [])
  })

  it('wait over a restart, in their order and with what was learned since', async () => {
    take(1)
    take(2)
    await restart()
    own.learned(keyOf(provider), 'stalled')
    take(3)
    await restart()
    const tasks = await told()
    assert.deepEqual(results(tasks), ['completed', 'stalled', 'completed'])
    assert.deepEqual(
      tasks.map(({ receipt }) => Buffer.from(receipt)),
      [1, 2, 3].map(index => Buffer.from(paidTask(index).task.receipt)),
    )
  })

  it('keep to a few of each provider over a restart', async () => {
    for (let i = 0; i < 10; i++) take(i)
    await restart()
    const [first, ...rest] = await told()
    assert.deepEqual(Buffer.from(first!.receipt), Buffer.from(paidTask(2).task.receipt))
    assert.equal(rest.length, 7)
    assert.deepEqual(await told(), [])
  })

  it('are told again when their bundle did not go, or when all ended before that was noted', async () => {
    take(1)
    await assert.rejects(own.report(() => Promise.reject(new Error('no network'))))
    assert.equal((await told()).length, 1)
    take(2)
    await own.stop()
    await own.report(async () => {
      // Dies here: what is on disk still waits.
      await store.close()
      await open()
    })
    assert.equal((await told()).length, 1)
  })

  it('are not changed while they are on their way', async () => {
    take(1)
    await own.report(async tasks => {
      own.learned(keyOf(provider), 'stalled')
      assert.deepEqual(results(tasks), ['completed'])
      await own.report(() => assert.fail('one at a time'))
    })
    assert.deepEqual(await told(), [])
  })

  it('and those of others outlive a process that is killed', async () => {
    const child = fork(DOOMED, [path], { stdio: 'inherit' })
    await own.stop()
    await store.close()
    child.send('go')
    await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
    await open()
    assert.deepEqual(results(await told()), ['completed', 'stalled'])
    const pending = new PendingReports({
      ...{ store, clock: new ManualClock(NOW_MS), log: silentLog },
      check: () => assert.fail('nothing is looked at'),
      mayCount: () => true,
      take: () => assert.fail('nothing counts'),
    })
    await pending.start()
    assert.equal(pending.size, 1)
  })
})

describe('exchange of reports', () => {
  it('takes from each witness what its quota allows, and nothing from the unwelcome or from itself', async () => {
    const clock = new ManualClock(NOW_MS)
    const published: Uint8Array[] = []
    const unwelcome = new Set<string>()
    const folders = new TemporaryFolders()
    const store = await Store.open(join(await folders.make(), 'store'))
    const pending = new PendingReports({
      ...{ store, clock, log: silentLog },
      check: () => Promise.resolve('unknown'),
      mayCount: () => true,
      take: () => Promise.resolve(),
    })
    const own = new OwnReports({ store, log: silentLog })
    let peers: string[] = []
    const make = (nodeKey: string) =>
      new ReportExchange(
        { ...SCENE, share: true },
        {
          host: {
            nodeKey,
            peers: () => peers,
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
    assert.equal(published.length, 0, 'nobody would hear it')
    peers = [keyOf(witness)]
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
    await pending.stop()
    await own.stop()
    await store.close()
    await folders.remove()
  })
})
