import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { SessionKey, sessionPrivateKey, VoucherVerifier } from '../../../../node/payments/vouchers.ts'
import { VOUCHER_VECTORS_URL, type VoucherVector } from '../../../vectors/voucher.ts'
import { badSignatures, hexBytes } from './signatures.ts'

const vectors = JSON.parse(readFileSync(VOUCHER_VECTORS_URL, 'utf8')) as VoucherVector[]

function read({ domain, message, signer, signature }: VoucherVector) {
  const where = { chainId: domain.chainId, settlement: domain.verifyingContract.toLowerCase() }
  const voucher = {
    channelId: message.channelId,
    cumulativeAmount: BigInt(message.cumulativeAmount),
    signature,
  }
  return { domain: where, voucher, signer: signer.toLowerCase(), verifier: new VoucherVerifier(where) }
}

const privateKey = hexBytes(32).filter(key => BigInt(key) > 0n && BigInt(key) < 2n ** 255n)
const amount = fc.bigInt(0n, 2n ** 128n - 1n)

describe('vouchers', () => {
  for (const vector of vectors) {
    describe(`the vector ${vector.name}`, () => {
      const { domain, voucher, signer, verifier } = read(vector)

      it('is signed the same by a session key, and accepted', () => {
        const key = new SessionKey({ privateKey: vector.signerKey, channelId: voucher.channelId, domain })
        assert.equal(key.address, signer)
        assert.equal(key.sign(voucher.cumulativeAmount), voucher.signature)
        assert.equal(verifier.isSignedBy(signer, voucher), true)
      })

      it('is refused with every signature that the contract refuses', () => {
        for (const [what, signature] of badSignatures(voucher.signature))
          assert.equal(verifier.isSignedBy(signer, { ...voucher, signature }), false, what)
      })

      it('is refused for any other amount, channel, signer, chain or contract', () => {
        const others = [
          { ...voucher, cumulativeAmount: voucher.cumulativeAmount ^ 1n },
          { ...voucher, channelId: `0x${'00'.repeat(32)}` },
        ]
        for (const other of others) assert.equal(verifier.isSignedBy(signer, other), false)
        assert.equal(verifier.isSignedBy(`0x${'00'.repeat(20)}`, voucher), false)
        for (const elsewhere of [
          { ...domain, chainId: domain.chainId + 1 },
          { ...domain, settlement: `0x${'11'.repeat(20)}` },
        ])
          assert.equal(new VoucherVerifier(elsewhere).isSignedBy(signer, voucher), false)
      })
    })
  }

  it('are refused whatever bytes stand in place of the signature', () => {
    const { voucher, signer, verifier } = read(vectors[2]!)
    fc.assert(
      fc.property(fc.oneof(hexBytes(65), hexBytes(64), fc.string()), signature => {
        fc.pre(signature !== voucher.signature)
        assert.equal(verifier.isSignedBy(signer, { ...voucher, signature }), false)
      }),
      { numRuns: 200 },
    )
  })

  it('are accepted as signed, and not with a single bit changed', () => {
    const { domain, verifier } = read(vectors[0]!)
    fc.assert(
      fc.property(privateKey, hexBytes(32), amount, fc.nat(65 * 8 - 1), (secret, channelId, total, bit) => {
        const key = new SessionKey({ privateKey: secret, channelId, domain })
        const signature = key.sign(total)
        const voucher = { channelId, cumulativeAmount: total, signature }
        assert.equal(verifier.isSignedBy(key.address, voucher), true)
        const bytes = Buffer.from(signature.slice(2), 'hex')
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        const changed = `0x${bytes.toString('hex')}`
        assert.equal(verifier.isSignedBy(key.address, { ...voucher, signature: changed }), false)
      }),
      { numRuns: 50 },
    )
  })

  it('have a session key of their own in each channel, found again with the wallet alone', () => {
    fc.assert(
      fc.property(privateKey, privateKey, hexBytes(32), hexBytes(32), (wallet, other, channel, second) => {
        fc.pre(channel !== second && wallet !== other)
        const key = sessionPrivateKey(wallet, channel)
        assert.match(key, /^0x[0-9a-f]{64}$/)
        assert.equal(sessionPrivateKey(wallet, channel), key)
        assert.notEqual(sessionPrivateKey(wallet, second), key)
        assert.notEqual(sessionPrivateKey(other, channel), key)
        assert.notEqual(key, wallet)
      }),
    )
  })
})
