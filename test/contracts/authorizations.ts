import { type Wallet, ZeroHash } from 'ethers'
import {
  CANCEL_AUTHORIZATION_TYPES,
  CREDIT_TOKEN_DOMAIN_NAME,
  CREDIT_TOKEN_DOMAIN_VERSION,
  channelAuthorizationNonce,
  RECEIVE_AUTHORIZATION_TYPES,
  TRANSFER_AUTHORIZATION_TYPES,
  type TransferAuthorization,
} from '../../protocol/authorizations.ts'
import { HOUR, type Shoal } from './test-chain.ts'

type Where = Pick<Shoal, 'chain' | 'creditToken'>

function tokenDomain({ chain, creditToken }: Where) {
  return {
    name: CREDIT_TOKEN_DOMAIN_NAME,
    version: CREDIT_TOKEN_DOMAIN_VERSION,
    chainId: chain.chainId,
    verifyingContract: creditToken.address,
  }
}

/** An authorisation that counts now and for an hour. */
export function authorization(
  { chain }: Where,
  from: string,
  to: string,
  value: bigint,
  nonce: string = ZeroHash,
): TransferAuthorization {
  return {
    from: from as `0x${string}`,
    to: to as `0x${string}`,
    value,
    validAfter: BigInt(chain.now - 1),
    validBefore: BigInt(chain.now + HOUR),
    nonce: nonce as `0x${string}`,
  }
}

export function signAuthorization(
  where: Where,
  signer: Wallet,
  kind: 'transfer' | 'receive',
  message: TransferAuthorization,
): Promise<string> {
  const types = kind === 'transfer' ? TRANSFER_AUTHORIZATION_TYPES : RECEIVE_AUTHORIZATION_TYPES
  return signer.signTypedData(tokenDomain(where), types, message)
}

export function signCancellation(
  where: Where,
  signer: Wallet,
  authorizer: string,
  nonce: string,
): Promise<string> {
  return signer.signTypedData(tokenDomain(where), CANCEL_AUTHORIZATION_TYPES, { authorizer, nonce })
}

export interface Terms {
  payee: string
  signer: string
  salt: string
  expiresAt: bigint
}

/** Arguments of `depositWithAuthorizationAndOpen`, signed by the payer. */
export async function signedOpening(
  shoal: Where & Pick<Shoal, 'settlement'>,
  payer: Wallet,
  terms: Terms,
  amount: bigint,
): Promise<unknown[]> {
  const nonce = channelAuthorizationNonce(terms as Parameters<typeof channelAuthorizationNonce>[0])
  const message = authorization(shoal, payer.address, shoal.settlement.address, amount, nonce)
  const { validAfter, validBefore } = message
  const signature = await signAuthorization(shoal, payer, 'receive', message)
  const { payee, signer, salt, expiresAt } = terms
  return [payer.address, payee, signer, salt, expiresAt, amount, { validAfter, validBefore, signature }]
}
