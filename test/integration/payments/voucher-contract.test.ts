import assert from 'node:assert/strict'
import fc from 'fast-check'
import { SessionKey, VoucherVerifier } from '../../../node/payments/vouchers.ts'
import { alice, bob, DAY, deployer, deployShoal, type Shoal, session } from '../../contracts/test-chain.ts'
import { badSignatures, hexBytes } from '../../unit/node/payments/signatures.ts'

/** As in ISettlement. */
const SETTLED = 0n
const BAD_SIGNATURE = 4n
const DEPOSIT = 10n ** 9n

interface Attempt {
  what: string
  cumulativeAmount: bigint
  signature: string
}

describe('what the provider and the contract think of a voucher', () => {
  let shoal: Shoal
  let channelId: string
  let key: SessionKey
  let verifier: VoucherVerifier
  before(async () => {
    shoal = await deployShoal()
    const { chain, creditToken, settlement } = shoal
    const salt = `0x${'07'.repeat(32)}`
    channelId = await settlement.view<string>('channelIdOf', alice.address, bob.address, salt)
    const domain = { chainId: chain.chainId, settlement: settlement.address.toLowerCase() }
    key = new SessionKey({ privateKey: session.privateKey, channelId, domain })
    verifier = new VoucherVerifier(domain)
    await creditToken.send(deployer, 'transfer', alice.address, DEPOSIT)
    await creditToken.send(alice, 'approve', settlement.address, DEPOSIT)
    await settlement.send(alice, 'depositAndOpen', bob.address, key.address, salt, chain.now + DAY, DEPOSIT)
  })

  /** The contract's verdicts on vouchers of rising amounts, each shown to it in one batch that changes nothing. */
  async function assertSameVerdict(attempts: readonly Attempt[]): Promise<void> {
    const vouchers = attempts.map(({ cumulativeAmount, signature }) => ({
      channelId,
      cumulativeAmount,
      signature,
    }))
    const { outcomes } = await shoal.settlement.view<{ outcomes: bigint[] }>('settleMany', vouchers)
    for (const [index, { what, cumulativeAmount, signature }] of attempts.entries()) {
      const outcome = outcomes[index]
      assert.ok(outcome === SETTLED || outcome === BAD_SIGNATURE, `${what}: ${outcome}`)
      const accepted = verifier.isSignedBy(key.address, { channelId, cumulativeAmount, signature })
      assert.equal(accepted, outcome === SETTLED, what)
    }
  }

  it('is the same for all that can be made of a signature', async () => {
    const attempts: Attempt[] = []
    for (let round = 0n; round < 8n; round++) {
      const cumulativeAmount = 1n + round * 100n
      const good = key.sign(cumulativeAmount)
      for (const [what, signature] of badSignatures(good)) {
        // Bytes of any length can be shown to the contract; what is no bytes cannot.
        if (/^0x([0-9a-f]{2})*$/.test(signature)) attempts.push({ what, cumulativeAmount, signature })
      }
      attempts.push({ what: 'as signed', cumulativeAmount, signature: good })
    }
    await assertSameVerdict(attempts)
  })

  it('is the same for signatures of others, for other amounts, and for random changes', async () => {
    const change = fc.record({
      amount: fc.bigInt(1n, DEPOSIT),
      signs: fc.constantFrom('the amount', 'another amount', 'another channel', 'another key'),
      bytes: fc.array(fc.record({ at: fc.nat(64), to: fc.nat(255) }), { maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 40 }),
        hexBytes(32),
        async (all, other) => {
          const domain = {
            chainId: shoal.chain.chainId,
            settlement: shoal.settlement.address.toLowerCase(),
          }
          const elsewhere = new SessionKey({ privateKey: session.privateKey, channelId: other, domain })
          const stranger = new SessionKey({ privateKey: bob.privateKey, channelId, domain })
          const attempts = all
            .toSorted((a, b) => (a.amount < b.amount ? -1 : 1))
            .filter(({ amount }, index, sorted) => amount !== sorted[index - 1]?.amount)
            .map(({ amount, signs, bytes }): Attempt => {
              const signed =
                signs === 'the amount'
                  ? key.sign(amount)
                  : signs === 'another amount'
                    ? key.sign(amount + 1n)
                    : (signs === 'another channel' ? elsewhere : stranger).sign(amount)
              const changed = Buffer.from(signed.slice(2), 'hex')
              for (const { at, to } of bytes) changed[at] = to
              const signature = `0x${changed.toString('hex')}`
              return { what: `${signs}, ${JSON.stringify(bytes)}`, cumulativeAmount: amount, signature }
            })
          await assertSameVerdict(attempts)
        },
      ),
      { numRuns: 25 },
    )
  })
})
