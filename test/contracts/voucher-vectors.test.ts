import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Wallet } from 'ethers'
import { settlementDomainSeparator, voucherDigest } from '../../protocol/typed-data.ts'
import { VOUCHER_VECTORS_URL, type VoucherVector, voucherVectors } from '../vectors/voucher.ts'
import { assertEvents } from './assertions.ts'
import { alice, bob, DAY, deployer, deployShoal } from './test-chain.ts'

const vectors = JSON.parse(readFileSync(VOUCHER_VECTORS_URL, 'utf8')) as VoucherVector[]
const DEPOSIT = 5n
/** As in ISettlement. */
const NOTHING_NEW = 3n

describe('voucher vectors', () => {
  it('are what the generator makes', async () => {
    assert.deepEqual(vectors, await voucherVectors())
  })

  for (const { name, domain, payer, payee, salt, message, digest, signerKey, signer, signature } of vectors) {
    describe(name, () => {
      it('has the digest that protocol/ computes', () => {
        const settlement = domain.verifyingContract as `0x${string}`
        const separator = settlementDomainSeparator({ chainId: domain.chainId, settlement })
        const voucher = {
          channelId: message.channelId as `0x${string}`,
          cumulativeAmount: BigInt(message.cumulativeAmount),
        }
        assert.equal(voucherDigest(separator, voucher), digest)
      })

      it('has the channel id and digest that the contract computes, and its signature is paid', async () => {
        const { chain, creditToken, settlement } = await deployShoal(domain.chainId)
        const { channelId, cumulativeAmount } = message
        assert.equal(settlement.address, domain.verifyingContract)
        assert.equal(await settlement.view('channelIdOf', payer, payee, salt), channelId)
        assert.equal(await settlement.view('voucherDigest', channelId, cumulativeAmount), digest)

        assert.equal(payer, alice.address)
        await creditToken.send(deployer, 'transfer', payer, DEPOSIT)
        await creditToken.send(alice, 'approve', settlement.address, DEPOSIT)
        await settlement.send(alice, 'depositAndOpen', payee, signer, salt, chain.now + DAY, DEPOSIT)
        const receipt = await settlement.send(bob, 'settleMany', [{ channelId, cumulativeAmount, signature }])
        const amount = BigInt(cumulativeAmount)
        const paid = amount > DEPOSIT ? DEPOSIT : amount
        assertEvents(
          receipt,
          paid === 0n
            ? ['VoucherSkipped', channelId, 0n, NOTHING_NEW]
            : ['VoucherSettled', channelId, payee, paid, paid],
        )
      })

      it('is signed with the key it names', async () => {
        const wallet = new Wallet(signerKey)
        assert.equal(wallet.address, signer)
        assert.equal(wallet.signingKey.sign(digest).serialized, signature)
      })
    })
  }
})
