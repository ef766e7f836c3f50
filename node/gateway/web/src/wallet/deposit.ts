import {
  CREDIT_TOKEN_DOMAIN_NAME,
  CREDIT_TOKEN_DOMAIN_VERSION,
  channelAuthorizationNonce,
  RECEIVE_AUTHORIZATION_TYPES,
} from '../../../../../protocol/authorizations.ts'
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

/**
 * The one thing the wallet shows and signs: EIP-3009's `ReceiveWithAuthorization` of the credits to Settlement, as JSON
 * for `eth_signTypedData_v4`. Its nonce ties it to this channel: whoever relays it can change nothing.
 */
export function openingTypedData(deployment: PageDeployment, opening: ChannelOpening): string {
  return JSON.stringify({
    domain: {
      name: CREDIT_TOKEN_DOMAIN_NAME,
      version: CREDIT_TOKEN_DOMAIN_VERSION,
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
      ...RECEIVE_AUTHORIZATION_TYPES,
    },
    message: {
      from: opening.payer,
      to: deployment.settlement,
      value: opening.amount.toString(),
      validAfter: '0',
      validBefore: opening.validBefore.toString(),
      nonce: channelAuthorizationNonce({ ...opening, expiresAt: BigInt(opening.expiresAt) }),
    },
  })
}

/** The id the channel will have. */
export function openingChannelId(deployment: PageDeployment, opening: ChannelOpening): ChannelId {
  return channelIdOf(deployment, opening.payer, opening.payee, opening.salt)
}
