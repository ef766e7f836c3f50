import assert from 'node:assert/strict'
import { join } from 'node:path'
import fc from 'fast-check'
import { EventLog } from '../../../../../node/auditlog/event-log.ts'
import { LogIndex } from '../../../../../node/auditlog/log-index.ts'
import type { ChainClient } from '../../../../../node/chain/client.ts'
import { createNativeNodeSigner } from '../../../../../node/ed25519.ts'
import { Wallet } from '../../../../../node/payments/wallet.ts'
import { Store } from '../../../../../node/store/store.ts'
import { isStatementSound } from '../../../../../node/trust/disputes/inclusion.ts'
import { ProofCollector } from '../../../../../node/trust/disputes/proof-collector.ts'
import { ProofService } from '../../../../../node/trust/disputes/proof-service.ts'
import type { CidString } from '../../../../../protocol/ids.ts'
import type { InclusionStatement, ProofAnswer } from '../../../../../protocol/messages/inclusion.ts'
import { receiptMessage } from '../../../../../protocol/messages/receipt.ts'
import { createRecord } from '../../../../../protocol/signed.ts'
import { receiptClaim } from '../../../../../protocol/typed-data.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { sampleReceipt, seedOf } from '../../../../helpers/samples.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const DOMAIN = { chainId: 31_337, auditAnchor: `0x${'44'.repeat(20)}` }
const wallet = new Wallet(`0x${'17'.repeat(32)}`)
const signer = createNativeNodeSigner(seedOf(2))

const recordOf = (index: number) =>
  createRecord(
    receiptMessage,
    { ...sampleReceipt, taskId: index.toString(16).padStart(32, '0'), payee: wallet.address },
    signer,
  )

/** A chain that has anchored the log up to an event. */
const chainUpTo = (anchored: number) =>
  ({
    ...{ chainId: DOMAIN.chainId, addresses: { auditAnchor: DOMAIN.auditAnchor } },
    nextAnchorSequence: async () => anchored + 1,
    anchoredAt: async () => 1_800_000_000,
    isAnchored: async () => true,
  }) as unknown as ChainClient

describe('where receipts stand in a log', () => {
  const folders = new TemporaryFolders()
  after(() => folders.remove())

  /**
   * A log with a receipt at every second place, the first `anchored` events of which are anchored: by its owner, or by
   * others, of which its owner knows nothing yet.
   */
  async function serve(receipts: number, anchored: number, isByOthers = false) {
    const folder = await folders.make()
    const store = await Store.open(join(folder, 'store'))
    const log = await EventLog.open({ path: join(folder, 'log') }, { signer, clock: new ManualClock() })
    for (let index = 0; index < receipts; index++) {
      const { cid, body } = recordOf(index)
      const { taskId, amount, reason } = body
      await log.append({ kind: 'node.started', v: 1, software: 'shoal/0' })
      await log.append({
        kind: 'receipt.issued',
        v: 1,
        receipt: cid,
        claim: receiptClaim(body),
        taskId,
        amount,
        reason,
      })
    }
    const index = new LogIndex({ log, store })
    const client = chainUpTo(anchored)
    const adopt = async () => {
      if (anchored === 0 || (await index.anchors()).length > 0) return
      const { auditEntry, auditTree } = await import('../../../../../node/auditlog/merkle.ts')
      const entries = []
      for await (const { record } of log.read(1, anchored)) entries.push(auditEntry(record))
      const { root } = auditTree(1, entries)
      const transaction = `0x${'9'.repeat(64)}`
      await log.append({
        kind: 'anchor.confirmed',
        v: 1,
        root,
        firstSequence: 1,
        lastSequence: anchored,
        transaction,
      })
    }
    if (!isByOthers) await adopt()
    const service = new ProofService({ host: { serve: async () => {} }, log, index, client, wallet, adopt })
    const close = async () => {
      await log.close()
      await store.close()
    }
    return { service, store, close }
  }

  it('is stated for every receipt, by the anchor or by a signature, and for nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.nat(18),
        fc.boolean(),
        async (receipts, part, other) => {
          const anchored = Math.min(part, 2 * receipts)
          const { service, close } = await serve(receipts, anchored, other)
          const answers = await service.answer(
            Array.from({ length: receipts + 1 }, (_, i) => recordOf(i).cid),
          )
          assert.equal(answers.pop()?.kind, 'unknown', 'a receipt it never issued')
          for (const [i, answer] of answers.entries()) {
            assert.ok(answer.kind === 'stated')
            const { statement } = answer
            const expected = { wallet: wallet.address, claim: receiptClaim(recordOf(i).body), domain: DOMAIN }
            assert.ok(isStatementSound(statement, expected))
            assert.equal(statement.anchor !== null, 2 * i + 2 <= anchored)
            const lies: Partial<InclusionStatement>[] = [
              { claim: receiptClaim(recordOf(i + 1).body) },
              { sequence: statement.sequence + 1 },
              { root: `0x${'0'.repeat(64)}` },
              { lastSequence: statement.sequence - 1 },
              { eventHash: new Uint8Array(64) },
              ...(statement.anchor === null ? [{ signature: null }, { firstSequence: 0 }] : []),
            ]
            for (const lie of lies) assert.ok(!isStatementSound({ ...statement, ...lie }, expected))
            assert.ok(!isStatementSound(statement, { ...expected, claim: `0x${'1'.repeat(64)}` }))
            if (statement.anchor === null)
              assert.ok(!isStatementSound(statement, { ...expected, wallet: `0x${'5'.repeat(40)}` }))
          }
          await close()
        },
      ),
      { numRuns: 12 },
    )
  })

  it('is asked for of all receipts; who denies, or says nothing for a day, withholds it', async () => {
    const { service, store, close } = await serve(2, 0)
    const clock = new ManualClock()
    const withheld: CidString[] = []
    let answer: (receipts: readonly CidString[]) => Promise<ProofAnswer[]> = receipts =>
      service.answer(receipts)
    let isConnected = true
    const asked: number[] = []
    const collector = new ProofCollector({
      host: {
        isConnected: () => isConnected,
        request: async (_peer: string, _protocol: unknown, request: unknown) => {
          const { receipts } = request as { receipts: CidString[] }
          asked.push(receipts.length)
          return { answers: await answer(receipts) } as never
        },
      },
      client: chainUpTo(0),
      ...{ store, clock, log: silentLog, onWithheld: (_provider, receipt) => withheld.push(receipt) },
    })
    await collector.start()
    const [first, second, lost, silent] = [0, 1, 2, 3].map(recordOf)
    collector.want(first!)
    collector.want(second!)
    await collector.askAll()
    assert.deepEqual(asked, [2], 'together')
    assert.equal(collector.held(first!.cid)?.anchor, null)
    // Nobody is blamed for being away.
    isConnected = false
    collector.want(lost!)
    for (let hour = 0; hour < 48; hour++) {
      await clock.advance(3_600_000)
      await collector.askAll()
    }
    assert.deepEqual(withheld, [])
    isConnected = true
    for (let tries = 0; tries < 4; tries++) {
      await collector.askAll()
      await clock.advance(3_600_000)
    }
    assert.deepEqual(withheld, [lost!.cid])
    assert.equal(collector.isWithheld(lost!.cid), true)
    answer = async () => {
      throw new Error('no answer')
    }
    collector.want(silent!)
    for (let hour = 0; hour < 20; hour++) {
      await collector.askAll()
      await clock.advance(3_600_000)
    }
    assert.equal(withheld.length, 1, 'its chain may be away for some hours')
    for (let hour = 0; hour < 8; hour++) {
      await collector.askAll()
      await clock.advance(3_600_000)
    }
    assert.deepEqual(withheld, [lost!.cid, silent!.cid])
    collector.stop()
    await close()
  })
})
