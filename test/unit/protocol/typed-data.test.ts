import assert from 'node:assert/strict'
import { AbiCoder, keccak256, TypedDataEncoder } from 'ethers'
import fc from 'fast-check'
import {
  channelIdOf,
  SETTLEMENT_DOMAIN_NAME,
  SETTLEMENT_DOMAIN_VERSION,
  settlementDomainSeparator,
  VOUCHER_TYPES,
  voucherDigest,
} from '../../../protocol/typed-data.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(b => `0x${Buffer.from(b).toString('hex')}`)
const domain = fc.record({ chainId: fc.integer({ min: 1, max: 2 ** 40 }), settlement: hex(20) })

describe('typed data', () => {
  it('hashes vouchers as ethers does', () => {
    fc.assert(
      fc.property(domain, hex(32), fc.bigInt(0n, 2n ** 256n - 1n), (at, channelId, cumulativeAmount) => {
        const expected = TypedDataEncoder.hash(
          {
            name: SETTLEMENT_DOMAIN_NAME,
            version: SETTLEMENT_DOMAIN_VERSION,
            chainId: at.chainId,
            verifyingContract: at.settlement,
          },
          VOUCHER_TYPES,
          { channelId, cumulativeAmount },
        )
        assert.equal(voucherDigest(settlementDomainSeparator(at), { channelId, cumulativeAmount }), expected)
      }),
    )
  })

  it('names channels as abi.encode does', () => {
    fc.assert(
      fc.property(domain, hex(20), hex(20), hex(32), (at, payer, payee, salt) => {
        const encoded = AbiCoder.defaultAbiCoder().encode(
          ['uint256', 'address', 'address', 'address', 'bytes32'],
          [at.chainId, at.settlement, payer, payee, salt],
        )
        assert.equal(channelIdOf(at, payer, payee, salt), keccak256(encoded))
      }),
    )
  })

  it('refuses amounts no uint256 holds', () => {
    const separator = settlementDomainSeparator({ chainId: 1, settlement: `0x${'00'.repeat(20)}` })
    for (const cumulativeAmount of [-1n, 2n ** 256n]) {
      assert.throws(
        () => voucherDigest(separator, { channelId: `0x${'00'.repeat(32)}`, cumulativeAmount }),
        RangeError,
      )
    }
  })
})
