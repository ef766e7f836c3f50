import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import {
  channelAuthorizationNonce,
  creditTokenDomainSeparator,
  type TransferAuthorization,
  transferAuthorizationDigest,
} from '../../protocol/authorizations.ts'
import {
  AUTHORIZATION_VECTORS_URL,
  type AuthorizationVector,
  authorizationVectors,
} from '../vectors/authorization.ts'
import { assertReverts } from './assertions.ts'
import { bob, deployShoal } from './test-chain.ts'

const vectors = JSON.parse(readFileSync(AUTHORIZATION_VECTORS_URL, 'utf8')) as AuthorizationVector[]

describe('authorisation vectors', () => {
  it('are what the generator makes', async () => {
    assert.deepEqual(vectors, await authorizationVectors())
  })

  for (const { name, kind, domain, terms, message, digest, signature } of vectors) {
    const authorization = {
      ...message,
      value: BigInt(message.value),
      validAfter: BigInt(message.validAfter),
      validBefore: BigInt(message.validBefore),
    } as TransferAuthorization

    it(`${name}: have the digest and the nonce that protocol/ computes`, () => {
      const creditToken = domain.verifyingContract as `0x${string}`
      const separator = creditTokenDomainSeparator({ chainId: domain.chainId, creditToken })
      assert.equal(transferAuthorizationDigest(separator, kind, authorization), digest)
      assert.equal(
        channelAuthorizationNonce({
          ...(terms as { payee: `0x${string}`; signer: `0x${string}`; salt: `0x${string}` }),
          expiresAt: BigInt(terms.expiresAt),
        }),
        message.nonce,
      )
    })

    it(`${name}: are signed for the contract`, async () => {
      const { creditToken } = await deployShoal(domain.chainId)
      assert.equal(creditToken.address, domain.verifyingContract)
      const { from, to, value, validAfter, validBefore, nonce } = authorization
      const call = creditToken.send(
        bob,
        `${kind}WithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)`,
        ...[from, to, value, validAfter, validBefore, nonce, signature],
      )
      // The signature passed where only the credits lack.
      if (value === 0n) await call
      else await assertReverts(call, 'ERC20InsufficientBalance', from, 0n, value)
    })
  }

  it('refuses an expiry that no channel can have', () => {
    const [{ terms }] = vectors as [AuthorizationVector]
    const valid = terms as unknown as Parameters<typeof channelAuthorizationNonce>[0]
    for (const expiresAt of [-1n, 2n ** 48n]) {
      assert.throws(() => channelAuthorizationNonce({ ...valid, expiresAt }), RangeError)
    }
  })
})
