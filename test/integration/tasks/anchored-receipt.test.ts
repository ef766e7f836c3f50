import assert from 'node:assert/strict'
import { ContractFactory } from 'ethers/contract'
import { Wallet as Account } from 'ethers/wallet'
import { chainCheck } from '../../../node/auditlog/chain-check.ts'
import type { InclusionProof } from '../../../node/auditlog/merkle.ts'
import { proveEvent, readEvent, verifyAuditLog } from '../../../node/auditlog/verify.ts'
import { receiptVerifierBytecode } from '../../../node/chain/abi/bytecode/receipt-verifier.ts'
import { receiptVerifierAbi } from '../../../node/chain/abi/receipt-verifier.ts'
import type { AuditEventKind } from '../../../protocol/messages/audit-event.ts'
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

  async function receiptAt({ node }: TestNode): Promise<Receipt> {
    for await (const { receipt } of node.parts.receipts.list({ limit: 1 })) return receipt
    throw new Error('there is no receipt')
  }

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
})
