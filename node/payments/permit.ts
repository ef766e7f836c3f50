import { Signature } from 'ethers/crypto'
import { Wallet as EthersWallet } from 'ethers/wallet'
import type { ChainClient } from '../chain/client.ts'
import type { Wallet } from './wallet.ts'

/** What `Settlement` and `Staking` take as `Permit`. */
export interface SignedPermit {
  value: bigint
  /** Seconds since the Unix epoch. */
  deadline: number
  v: number
  r: string
  s: string
}

const PERMIT_TYPES = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
}
const LIFETIME_SECONDS = 24 * 3_600

/**
 * Allows a contract to pull `value` credits, by signature instead of a transaction (ERC-2612).
 * @throws {ChainError} CHAIN_UNREACHABLE
 */
export async function signPermit(
  spender: 'settlement' | 'staking',
  value: bigint,
  modules: { client: ChainClient; wallet: Wallet; nowMs: number },
): Promise<SignedPermit> {
  const { client, wallet, nowMs } = modules
  const deadline = Math.floor(nowMs / 1_000) + LIFETIME_SECONDS
  const nonce = await client.permitNonce(wallet.address)
  const signature = await new EthersWallet(wallet.privateKey).signTypedData(
    {
      name: 'Shoal Credit',
      version: '1',
      chainId: client.chainId,
      verifyingContract: client.addresses.creditToken,
    },
    PERMIT_TYPES,
    { owner: wallet.address, spender: client.addresses[spender], value, nonce, deadline },
  )
  const { v, r, s } = Signature.from(signature)
  return { value, deadline, v, r, s }
}
