import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js'
import type { Address, Bytes32 } from './ids.ts'
import { addressWord, domainSeparator, typedDigest, typeHash, uint256 } from './typed-data.ts'

/** The token's EIP-712 domain: the one of its permits. */
export const CREDIT_TOKEN_DOMAIN_NAME = 'Shoal Credit'
export const CREDIT_TOKEN_DOMAIN_VERSION = '1'

/** Where an authorisation counts: one CreditToken on one chain. */
export interface CreditTokenDomain {
  chainId: number
  creditToken: Address
}

/** A transfer that its payer signs and somebody else submits (EIP-3009). */
export interface TransferAuthorization {
  from: Address
  to: Address
  /** Base units. */
  value: bigint
  /** Seconds since the Unix epoch: it counts after that second and before `validBefore`. */
  validAfter: bigint
  validBefore: bigint
  /** Chosen freely; one payer's nonce counts once. */
  nonce: Bytes32
}

const TRANSFER_MEMBERS = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
]

/** In the form wallets and ethers take. Anyone can submit the first, only `to` the second. */
export const TRANSFER_AUTHORIZATION_TYPES = { TransferWithAuthorization: TRANSFER_MEMBERS }
export const RECEIVE_AUTHORIZATION_TYPES = { ReceiveWithAuthorization: TRANSFER_MEMBERS }
export const CANCEL_AUTHORIZATION_TYPES = {
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
}

const TYPE_HASHES = {
  transfer: typeHash(TRANSFER_AUTHORIZATION_TYPES),
  receive: typeHash(RECEIVE_AUTHORIZATION_TYPES),
}

/** EIP-712 domain separator of CreditToken; compute once per contract. */
export function creditTokenDomainSeparator(domain: CreditTokenDomain): Uint8Array {
  return domainSeparator(
    CREDIT_TOKEN_DOMAIN_NAME,
    CREDIT_TOKEN_DOMAIN_VERSION,
    domain.chainId,
    domain.creditToken,
  )
}

/**
 * The digest a payer signs: keccak256(0x1901 ‖ domainSeparator ‖ hashStruct), EIP-712 and EIP-3009.
 * @param kind `transfer`: anyone can submit it; `receive`: only its receiver
 * @throws {RangeError} when a number does not fit a uint256
 */
export function transferAuthorizationDigest(
  separator: Uint8Array,
  kind: 'transfer' | 'receive',
  authorization: TransferAuthorization,
): Bytes32 {
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const struct = keccak_256(
    concatBytes(
      TYPE_HASHES[kind],
      addressWord(from),
      addressWord(to),
      uint256(value),
      uint256(validAfter),
      uint256(validBefore),
      hexToBytes(nonce.slice(2)),
    ),
  )
  return typedDigest(separator, struct)
}

/** The terms of a channel that its payer opens by one signature; chain, payer and amount are in the authorisation. */
export interface ChannelTerms {
  payee: Address
  /** Whose signature makes a voucher: a session key. */
  signer: Address
  salt: Bytes32
  /** Seconds since the Unix epoch. */
  expiresAt: bigint
}

/**
 * The nonce of the `ReceiveWithAuthorization` to Settlement that opens a channel on these terms and no others:
 * keccak256(abi.encode(payee, signer, salt, expiresAt)), as `Settlement.depositWithAuthorizationAndOpen` computes it.
 * @throws {RangeError} when the expiry does not fit a uint48
 */
export function channelAuthorizationNonce({ payee, signer, salt, expiresAt }: ChannelTerms): Bytes32 {
  if (expiresAt < 0n || expiresAt >= 2n ** 48n) throw new RangeError('not a uint48')
  const preimage = concatBytes(
    addressWord(payee),
    addressWord(signer),
    hexToBytes(salt.slice(2)),
    uint256(expiresAt),
  )
  return `0x${bytesToHex(keccak_256(preimage))}`
}
