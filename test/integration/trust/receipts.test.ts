import assert from 'node:assert/strict'
import { disputeHandlers } from '../../../node/gateway/dispute-handlers.ts'
import type { CheckedReceiptView } from '../../../node/gateway/dispute-views.ts'
import { decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import { type TaskEvidence, taskEvidenceMessage } from '../../../protocol/messages/evidence.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'

describe('a receipt of a task between two nodes', () => {
  const network = new TestNetwork()
  let provider: TestNode
  let requester: TestNode
  let receipt: string

  before(async () => {
    await network.start()
    provider = await network.node()
    requester = await network.node({
      ...{ 'models.serve': '', 'p2p.bootstrap': provider.address },
    })
    await requester.knows(provider)
    await requester.ask('What is Shoal?')
    for await (const { cid } of requester.node.parts.receipts.list({ limit: 1 })) receipt = cid
  })
  after(() => network.stop())

  const verify = async (
    { node }: TestNode,
    parameters: { receipt?: string; evidence?: string; export?: boolean },
  ) =>
    (await disputeHandlers(node).verifyReceipt(
      { receipt: null, evidence: null, export: false, ...parameters },
      () => {},
      AbortSignal.timeout(50_000),
    )) as CheckedReceiptView
  const resultsOf = ({ checks }: CheckedReceiptView) =>
    Object.fromEntries(checks.map(({ check, result }) => [check, result]))

  it('is shown to stand in the provider’s log, signed at once and anchored later', async () => {
    const { proofs } = requester.node.parts.verification.disputes!
    await proofs.askAll()
    const signed = proofs.held(receipt)
    assert.deepEqual([signed?.anchor, typeof signed?.signature], [null, 'string'])
    await provider.node.trade.economy.anchorer.anchorNow()
    const kept = await requester.node.parts.verification.archive.get(receipt)
    const anchored = await proofs.renew({ cid: receipt, body: kept!.receipt })
    assert.deepEqual([anchored?.anchor?.index, anchored?.signature], [0, null])
    assert.equal(anchored?.claim, signed?.claim)
  })

  it('is verified by who has the task: by name, by what lists show, and from a file elsewhere', async () => {
    const view = await verify(requester, { receipt, export: true })
    const { tokens, ...right } = resultsOf(view)
    assert.deepEqual(new Set(Object.values(right)), new Set(['right']))
    assert.notEqual(tokens, 'wrong')
    assert.ok(view.verdict === 'honest' || view.verdict === 'undecided')
    assert.equal(view.tokens?.matchRate, 1)
    const short = await verify(requester, { receipt: `${receipt.slice(0, 8)}…${receipt.slice(-6)}` })
    assert.equal(short.receipt, receipt)
    const elsewhere = await verify(provider, { evidence: view.evidence! })
    assert.deepEqual([elsewhere.verdict, elsewhere.tokens?.matchRate], [view.verdict, 1])
    // Providers keep no prompts and no answers.
    const alone = await verify(provider, { receipt })
    assert.deepEqual([alone.verdict, alone.reason, alone.tokens], ['undecided', 'no_evidence', null])
  })

  it('is found wrong when anything of it was changed', async () => {
    const whole = await verify(requester, { receipt, export: true })
    const evidence = decodeMessage(
      taskEvidenceMessage,
      new Uint8Array(Buffer.from(whole.evidence!, 'base64')),
    )
    const forged = async (change: Partial<TaskEvidence>) => {
      const bytes = encodeMessage(taskEvidenceMessage, { ...evidence, ...change })
      return await verify(provider, { evidence: Buffer.from(bytes).toString('base64') })
    }
    const text = await forged({ text: `${evidence.text}!` })
    assert.deepEqual([text.verdict, resultsOf(text).output], ['altered', 'wrong'])
    const tokens = await forged({ tokens: evidence.tokens.slice(1) })
    assert.equal(resultsOf(tokens).output, 'wrong')
    const signature = evidence.receipt.slice()
    signature[signature.length - 1]! ^= 1
    const unsigned = await forged({ receipt: signature })
    assert.deepEqual([unsigned.verdict, resultsOf(unsigned).provider_signature], ['altered', 'wrong'])
    await assert.rejects(verify(provider, { evidence: 'AAAA' }), error =>
      isShoalError(error, 'EVIDENCE_FOREIGN'),
    )
    await assert.rejects(verify(provider, { receipt: 'bafynone' }), error =>
      isShoalError(error, 'RECEIPT_UNKNOWN'),
    )
  })

  it('is not disputed without a bond that the owner allows', async () => {
    const open = () =>
      disputeHandlers(requester.node).openDispute({ receipt, reveal: false }, () => {}, AbortSignal.abort())
    await assert.rejects(
      async () => await open(),
      error => isShoalError(error, 'BOND_LIMIT'),
    )
  })
})
