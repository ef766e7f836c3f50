import assert from 'node:assert/strict'
import { ContractFactory } from 'ethers/contract'
import { Wallet as Account } from 'ethers/wallet'
import { chainCheck } from '../../../node/auditlog/chain-check.ts'
import type { InclusionProof } from '../../../node/auditlog/merkle.ts'
import { proveEvent, readEvent, verifyAuditLog } from '../../../node/auditlog/verify.ts'
import { receiptVerifierBytecode } from '../../../node/chain/abi/bytecode/receipt-verifier.ts'
import { receiptVerifierAbi } from '../../../node/chain/abi/receipt-verifier.ts'
import { disputeHandlers } from '../../../node/gateway/dispute-handlers.ts'
import type { CheckedReceiptView } from '../../../node/gateway/dispute-views.ts'
import type { BookedReceipt } from '../../../node/tasks/receipt-book.ts'
import { decodeMessage, encodeMessage } from '../../../protocol/codec.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { AuditEventKind } from '../../../protocol/messages/audit-event.ts'
import { type TaskEvidence, taskEvidenceMessage } from '../../../protocol/messages/evidence.ts'
import type { Receipt } from '../../../protocol/messages/receipt.ts'
import { type ContractReceipt, contractReceipt, receiptClaim } from '../../../protocol/typed-data.ts'
import { TestNetwork, type TestNode } from '../../helpers/nodes.ts'

/** As `AnchoredReceipts.sol` takes it. */
const proofOf = ({ index, root, firstSequence, lastSequence, anchoredAt, ...event }: InclusionProof) => [
  [index, [root, firstSequence, lastSequence], anchoredAt],
  event.sequence,
  event.eventHash,
  event.proof,
]

describe('a receipt between two nodes', () => {
  const network = new TestNetwork()
  let provider: TestNode
  let requester: TestNode

  before(async () => {
    await network.start()
    provider = await network.node()
    requester = await network.node({ 'models.serve': '', 'p2p.bootstrap': provider.address })
    await requester.knows(provider)
  })
  after(() => network.stop())

  async function latest({ node }: TestNode): Promise<BookedReceipt> {
    for await (const booked of node.parts.receipts.list({ limit: 1 })) return booked
    throw new Error('there is no receipt')
  }
  const receiptAt = async (at: TestNode): Promise<Receipt> => (await latest(at)).receipt

  /** Anchors a node's log and proves its one event of a kind. */
  async function proveKind({ node, wallet }: TestNode, kind: AuditEventKind): Promise<InclusionProof> {
    const { anchorer, client } = node.trade.economy
    await anchorer.anchorNow()
    const path = node.dataDir.auditLog
    const verdict = await verifyAuditLog({ path }, { checkAnchor: chainCheck(client, wallet.address) })
    assert.equal(verdict.problem, null)
    for (let sequence = 1; sequence <= verdict.events; sequence++)
      if ((await readEvent(path, sequence))?.body.event.kind === kind)
        return (await proveEvent(path, verdict, sequence))!
    throw new Error(`there is no event ${kind}`)
  }

  it('is verified by a contract, as the word of each', async () => {
    await requester.ask('What is Shoal?')
    const receipt = await receiptAt(provider)
    assert.deepEqual(await receiptAt(requester), receipt)
    const [channel] = requester.node.trade.economy.payer.list()
    assert.equal(receipt.cumulativeAmount, channel!.cumulative, 'it says what the channel owes')

    const issued = await proveKind(provider, 'receipt.issued')
    const countersigned = await proveKind(requester, 'receipt.countersigned')
    assert.deepEqual([issued.claim, countersigned.claim], [receiptClaim(receipt), receiptClaim(receipt)])

    const { client } = provider.node.trade.economy
    const account = new Account(provider.wallet.privateKey, client.provider)
    const factory = new ContractFactory(receiptVerifierAbi, receiptVerifierBytecode, account)
    const verifier = await factory.deploy(client.addresses.auditAnchor)
    await verifier.waitForDeployment()
    const isStated = (by: TestNode, proof: InclusionProof, changes: Partial<ContractReceipt> = {}) =>
      verifier.getFunction('isStatedBy')(
        by.wallet.address,
        { ...contractReceipt(receipt), ...changes },
        proofOf(proof),
      ) as Promise<boolean>

    assert.equal(await isStated(provider, issued), true)
    assert.equal(await isStated(requester, countersigned), true)
    assert.equal(await isStated(requester, issued), false, "one's word is not the other's")
    assert.equal(await isStated(provider, countersigned), false)
    assert.equal(await isStated(provider, issued, { amount: receipt.amount + 1n }), false)
    assert.equal(await isStated(provider, issued, { output: `0x${'00'.repeat(32)}` }), false)
    assert.equal(await isStated(provider, { ...issued, anchoredAt: issued.anchoredAt! - 1 }), false)
  })

  /** The second one: the first is anchored. */
  let receipt = ''
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
    await requester.ask('What is Shoal?')
    const kept = await latest(requester)
    receipt = kept.cid
    const { proofs } = requester.node.parts.verification.disputes!
    await proofs.askAll()
    const signed = proofs.held(receipt)
    assert.deepEqual([signed?.anchor, typeof signed?.signature], [null, 'string'])
    await provider.node.trade.economy.anchorer.anchorNow()
    const anchored = await proofs.renew({ cid: receipt, body: kept.receipt })
    assert.deepEqual([anchored?.anchor?.index, anchored?.signature], [1, null])
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
