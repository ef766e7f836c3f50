import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { toBeHex, ZeroAddress } from 'ethers'
import { receiptVerifierBytecode } from '../../node/chain/abi/bytecode/receipt-verifier.ts'
import { receiptVerifierAbi } from '../../node/chain/abi/receipt-verifier.ts'
import type { Vectors } from '../vectors/check.ts'
import { assertReverts } from './assertions.ts'
import { anchorReceipt, receiptOf } from './fixtures/answer-oracle.ts'
import { alice, bob, deployer, deployShoal } from './test-chain.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/receipt-claim.json', import.meta.url), 'utf8'),
) as Vectors['receipt-claim']

describe('ReceiptVerifier', () => {
  async function deploy() {
    const shoal = await deployShoal()
    const verifier = await shoal.chain.deploy(deployer, receiptVerifierAbi, receiptVerifierBytecode, [
      shoal.auditAnchor.address,
    ])
    return { shoal, verifier }
  }

  it('computes the claims of the vectors', async () => {
    const { verifier } = await deploy()
    for (const { name, members, claim } of vectors)
      assert.equal(await verifier.view('claimOf', members), claim, name)
  })

  it("finds a receipt in its node's log, as it is there", async () => {
    const { shoal, verifier } = await deploy()
    assert.equal(await verifier.view('auditAnchor'), shoal.auditAnchor.address)
    const question = { provider: bob.address, channelId: toBeHex(7, 32), amount: 5n }
    const receipt = receiptOf(shoal, verifier, question)
    const proof = await anchorReceipt(shoal, bob, receipt)
    assert.equal(await verifier.view('isStatedBy', bob.address, receipt, proof), true)
    assert.equal(await verifier.view('isStatedBy', alice.address, receipt, proof), false)
    assert.equal(await verifier.view('isStatedBy', bob.address, { ...receipt, amount: 6n }, proof), false)
  })

  it('needs an AuditAnchor', async () => {
    const { shoal } = await deploy()
    await assertReverts(
      shoal.chain.deploy(deployer, receiptVerifierAbi, receiptVerifierBytecode, [ZeroAddress]),
      'ZeroAddress',
    )
  })
})
