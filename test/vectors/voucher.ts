import { writeFileSync } from 'node:fs'
import { TypedDataEncoder, toBeHex, Wallet } from 'ethers'
import {
  channelIdOf,
  SETTLEMENT_DOMAIN_NAME,
  SETTLEMENT_DOMAIN_VERSION,
  VOUCHER_TYPES,
} from '../../protocol/typed-data.ts'

/** A voucher with everything that is needed to compute its digest and signature, and to open its channel. */
export interface VoucherVector {
  name: string
  domain: { name: string; version: string; chainId: number; verifyingContract: string }
  payer: string
  payee: string
  salt: string
  message: { channelId: string; cumulativeAmount: string }
  digest: string
  signerKey: string
  signer: string
  signature: string
}

export const VOUCHER_VECTORS_URL = new URL('./voucher.json', import.meta.url)

/** Where the contract tests have Settlement, on every chain, and two of their accounts. */
export const SETTLEMENT = '0x2f526A9529a224fad8045c682aA4995Ae0f3af35'
export const PAYER = '0xB416Cd7835877f685E487AD55Fb135caD32574C4'
export const PAYEE = '0x13900196cb367Ea0fA882646A6640f0DBa01A0Ac'

/**
 * What `test/vectors/voucher.json` holds: digests by ethers' `TypedDataEncoder`, signatures with RFC 6979 nonces, so
 * that other implementations can produce the same bytes.
 */
export async function voucherVectors(): Promise<VoucherVector[]> {
  return await Promise.all([
    vector('nothing', { chainId: 31337, salt: 0n, amount: 0n, key: 1n }),
    vector('one base unit', { chainId: 31337, salt: 1n, amount: 1n, key: 1n }),
    vector('one credit on Ethereum', { chainId: 1, salt: 2n, amount: 10n ** 18n, key: 2n }),
    vector('an odd amount on Base', {
      chainId: 8453,
      salt: 3n,
      amount: 12_345_678_901_234_567_890n,
      key: 0xabcdefn,
    }),
    vector('the largest amount and salt', {
      chainId: 31337,
      salt: 2n ** 256n - 1n,
      amount: 2n ** 256n - 1n,
      key: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140n,
    }),
  ])
}

async function vector(
  name: string,
  { chainId, salt, amount, key }: { chainId: number; salt: bigint; amount: bigint; key: bigint },
): Promise<VoucherVector> {
  const wallet = new Wallet(toBeHex(key, 32))
  const domain = {
    name: SETTLEMENT_DOMAIN_NAME,
    version: SETTLEMENT_DOMAIN_VERSION,
    chainId,
    verifyingContract: SETTLEMENT,
  }
  const saltHex = toBeHex(salt, 32) as `0x${string}`
  const channelId = channelIdOf({ chainId, settlement: SETTLEMENT }, PAYER, PAYEE, saltHex)
  const message = { channelId, cumulativeAmount: amount.toString() }
  return {
    name,
    domain,
    payer: PAYER,
    payee: PAYEE,
    salt: saltHex,
    message,
    digest: TypedDataEncoder.hash(domain, VOUCHER_TYPES, message),
    signerKey: wallet.privateKey,
    signer: wallet.address,
    signature: await wallet.signTypedData(domain, VOUCHER_TYPES, message),
  }
}

if (import.meta.main) {
  writeFileSync(VOUCHER_VECTORS_URL, `${JSON.stringify(await voucherVectors(), null, 1)}\n`)
}
