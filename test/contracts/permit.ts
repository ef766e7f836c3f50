import type { Wallet } from 'ethers'
import { Signature } from 'ethers'
import { HOUR, type Shoal } from './test-chain.ts'

export interface SignedPermit {
  value: bigint
  deadline: bigint
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

/** Signs an ERC-2612 approval of the credit token, valid for an hour. */
export async function signPermit(
  { chain, creditToken }: Shoal,
  owner: Wallet,
  spender: string,
  value: bigint,
): Promise<SignedPermit> {
  const domain = {
    name: 'Shoal Credit',
    version: '1',
    chainId: chain.chainId,
    verifyingContract: creditToken.address,
  }
  const nonce = await creditToken.view('nonces', owner.address)
  const deadline = BigInt(chain.now + HOUR)
  const message = { owner: owner.address, spender, value, nonce, deadline }
  const { v, r, s } = Signature.from(await owner.signTypedData(domain, PERMIT_TYPES, message))
  return { value, deadline, v, r, s }
}
