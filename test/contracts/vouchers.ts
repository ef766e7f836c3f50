import { toBeHex, type Wallet } from 'ethers'
import { CLOSE_TYPES, VOUCHER_TYPES } from '../../protocol/typed-data.ts'
import type { Shoal } from './test-chain.ts'

export interface SignedVoucher {
  channelId: string
  cumulativeAmount: bigint
  signature: string
}

/** Order of secp256k1. */
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

export async function signVoucher(
  { chain, settlement }: Pick<Shoal, 'chain' | 'settlement'>,
  signer: Wallet,
  channelId: string,
  cumulativeAmount: bigint,
  domain: { name?: string; version?: string; chainId?: number; verifyingContract?: string } = {},
): Promise<SignedVoucher> {
  const signature = await signer.signTypedData(
    {
      name: 'Shoal Settlement',
      version: '1',
      chainId: chain.chainId,
      verifyingContract: settlement.address,
      ...domain,
    },
    VOUCHER_TYPES,
    { channelId, cumulativeAmount },
  )
  return { channelId, cumulativeAmount, signature }
}

/** A payee's offer to close a channel at once. */
export function signClose(
  { chain, settlement }: Pick<Shoal, 'chain' | 'settlement'>,
  payee: Wallet,
  offer: { channelId: string; finalAmount: bigint; deadline: number | bigint },
  domain: { chainId?: number; verifyingContract?: string } = {},
): Promise<string> {
  return payee.signTypedData(
    {
      name: 'Shoal Settlement',
      version: '1',
      chainId: chain.chainId,
      verifyingContract: settlement.address,
      ...domain,
    },
    CLOSE_TYPES,
    offer,
  )
}

/** The other signature that the same key and digest have: (r, n - s, v'). */
export function malleated(signature: string): string {
  const s = BigInt(`0x${signature.slice(66, 130)}`)
  const v = Number.parseInt(signature.slice(130), 16)
  return `${signature.slice(0, 66)}${toBeHex(CURVE_ORDER - s, 32).slice(2)}${v === 27 ? '1c' : '1b'}`
}
