import { writeFileSync } from 'node:fs'
import { AbiCoder, keccak256, TypedDataEncoder, toBeHex, Wallet } from 'ethers'
import {
  CREDIT_TOKEN_DOMAIN_NAME,
  CREDIT_TOKEN_DOMAIN_VERSION,
  RECEIVE_AUTHORIZATION_TYPES,
  TRANSFER_AUTHORIZATION_TYPES,
} from '../../protocol/authorizations.ts'
import { PAYEE, PAYER } from './voucher.ts'

/** An EIP-3009 authorisation with everything that is needed to compute its digest and signature. */
export interface AuthorizationVector {
  name: string
  kind: 'transfer' | 'receive'
  domain: { name: string; version: string; chainId: number; verifyingContract: string }
  /** The channel that the nonce is of. */
  terms: { payee: string; signer: string; salt: string; expiresAt: string }
  message: {
    from: string
    to: string
    value: string
    validAfter: string
    validBefore: string
    nonce: string
  }
  digest: string
  signerKey: string
  signature: string
}

export const AUTHORIZATION_VECTORS_URL = new URL('./authorization.json', import.meta.url)

/** Where the contract tests have CreditToken, on every chain. */
const CREDIT_TOKEN = '0x5eA35Cc32e76a300Ae553d0b30A8398e36510Df9'

/** What `test/vectors/authorization.json` holds: digests and signatures by ethers, nonces by its ABI coder. */
export async function authorizationVectors(): Promise<AuthorizationVector[]> {
  return await Promise.all([
    vector('nothing', 'transfer', { chainId: 31337, value: 0n, salt: 0n, expiresAt: 0n, key: 1n }),
    vector('one credit', 'receive', {
      chainId: 31337,
      value: 10n ** 18n,
      salt: 1n,
      expiresAt: 1_900_000_000n,
      key: 2n,
    }),
    vector('an odd amount on Base', 'transfer', {
      chainId: 8453,
      value: 12_345_678_901_234_567_890n,
      salt: 3n,
      expiresAt: 1_900_000_000n,
      key: 0xabcdefn,
    }),
    vector('the largest numbers', 'receive', {
      chainId: 31337,
      value: 2n ** 256n - 1n,
      salt: 2n ** 256n - 1n,
      expiresAt: 2n ** 48n - 1n,
      key: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140n,
    }),
  ])
}

async function vector(
  name: string,
  kind: 'transfer' | 'receive',
  numbers: { chainId: number; value: bigint; salt: bigint; expiresAt: bigint; key: bigint },
): Promise<AuthorizationVector> {
  const { chainId, value, salt, expiresAt, key } = numbers
  const wallet = new Wallet(toBeHex(key, 32))
  const domain = {
    name: CREDIT_TOKEN_DOMAIN_NAME,
    version: CREDIT_TOKEN_DOMAIN_VERSION,
    chainId,
    verifyingContract: CREDIT_TOKEN,
  }
  const terms = { payee: PAYEE, signer: PAYER, salt: toBeHex(salt, 32), expiresAt: expiresAt.toString() }
  const nonce = keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ['address', 'address', 'bytes32', 'uint48'],
      [terms.payee, terms.signer, terms.salt, expiresAt],
    ),
  )
  const message = {
    from: wallet.address,
    to: PAYEE,
    value: value.toString(),
    validAfter: '0',
    validBefore: (2n ** 48n).toString(),
    nonce,
  }
  const types = kind === 'transfer' ? TRANSFER_AUTHORIZATION_TYPES : RECEIVE_AUTHORIZATION_TYPES
  return {
    name,
    kind,
    domain,
    terms,
    message,
    digest: TypedDataEncoder.hash(domain, types, message),
    signerKey: wallet.privateKey,
    signature: await wallet.signTypedData(domain, types, message),
  }
}

if (import.meta.main) {
  writeFileSync(AUTHORIZATION_VECTORS_URL, `${JSON.stringify(await authorizationVectors(), null, 1)}\n`)
}
