import { AbiCoder } from 'ethers/abi'
import { keccak256 } from 'ethers/crypto'
import type { Address, Bytes32, ChannelId } from '../../../../../protocol/ids.ts'
import { channelIdOf } from '../../../../../protocol/typed-data.ts'
import type { PageDeployment } from './deployment.ts'

/** A channel that is to be opened by one signature of its payer. */
export interface ChannelOpening {
  payer: Address
  payee: Address
  /** The session key's account. */
  signer: Address
  salt: Bytes32
  /** Seconds since the Unix epoch. */
  expiresAt: number
  /** Base units. */
  amount: bigint
  /** The authorisation counts before this second. */
  validBefore: number
}

/** The token's EIP-712 domain (ERC-2612, EIP-3009). */
const TOKEN_NAME = 'Shoal Credit'
const TOKEN_VERSION = '1'

/**
 * What ties an authorisation to one channel: keccak256(abi.encode(payee, signer, salt, expiresAt)), as Settlement
 * computes it. Whoever relays it can change none of these.
 */
export function openingNonce({ payee, signer, salt, expiresAt }: ChannelOpening): Bytes32 {
  const words = AbiCoder.defaultAbiCoder().encode(
    ['address', 'address', 'bytes32', 'uint48'],
    [payee, signer, salt, expiresAt],
  )
  return keccak256(words)
}

/**
 * The one thing the wallet shows and signs: EIP-3009's `ReceiveWithAuthorization` of the credits to Settlement, as JSON
 * for `eth_signTypedData_v4`.
 */
export function openingTypedData(deployment: PageDeployment, opening: ChannelOpening): string {
  return JSON.stringify({
    domain: {
      name: TOKEN_NAME,
      version: TOKEN_VERSION,
      chainId: deployment.chainId,
      verifyingContract: deployment.creditToken,
    },
    primaryType: 'ReceiveWithAuthorization',
    types: {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
        { name: 'chainId', type: 'uint256' },
        { name: 'verifyingContract', type: 'address' },
      ],
      ReceiveWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    message: {
      from: opening.payer,
      to: deployment.settlement,
      value: opening.amount.toString(),
      validAfter: '0',
      validBefore: opening.validBefore.toString(),
      nonce: openingNonce(opening),
    },
  })
}

/** The id the channel will have. */
export function openingChannelId(deployment: PageDeployment, opening: ChannelOpening): ChannelId {
  return channelIdOf(deployment, opening.payer, opening.payee, opening.salt)
}
