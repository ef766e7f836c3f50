import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Address, Bytes32, ChannelId } from './ids.ts'

/** Where a voucher counts: one Settlement contract on one chain. */
export interface SettlementDomain {
  chainId: number
  settlement: Address
}

/** A claim on a channel: in total, from its opening on, the payee may take `cumulativeAmount`. */
export interface Voucher {
  channelId: ChannelId
  /** Base units. */
  cumulativeAmount: bigint
}

/** A lottery claim on a ticket deposit: pays `faceValue` with the probability `winThreshold / 2^256`. */
export interface Ticket {
  depositId: Bytes32
  payee: Address
  /** Base units. */
  faceValue: bigint
  winThreshold: bigint
  /** Hash of the payee's random; see `ticketCommitment`. */
  commitment: Bytes32
  /** 256 random bits that the payer chose after it knew the commitment: the payee must not be able to guess them. */
  nonce: bigint
  /** Seconds since the Unix epoch; from then on the ticket is worth nothing. */
  expiresAt: bigint
}

/** The EIP-712 domain and types, in the form wallets and ethers take. */
export const SETTLEMENT_DOMAIN_NAME = 'Shoal Settlement'
export const SETTLEMENT_DOMAIN_VERSION = '1'
export const VOUCHER_TYPES = {
  Voucher: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'cumulativeAmount', type: 'uint256' },
  ],
}
export const TICKET_TYPES = {
  Ticket: [
    { name: 'depositId', type: 'bytes32' },
    { name: 'payee', type: 'address' },
    { name: 'faceValue', type: 'uint256' },
    { name: 'winThreshold', type: 'uint256' },
    { name: 'commitment', type: 'bytes32' },
    { name: 'nonce', type: 'uint256' },
    { name: 'expiresAt', type: 'uint256' },
  ],
}

const DOMAIN_TYPE_HASH = keccak_256(
  utf8ToBytes('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
)
const VOUCHER_TYPE_HASH = keccak_256(utf8ToBytes('Voucher(bytes32 channelId,uint256 cumulativeAmount)'))
const TICKET_TYPE_HASH = keccak_256(
  utf8ToBytes(
    'Ticket(bytes32 depositId,address payee,uint256 faceValue,uint256 winThreshold,' +
      'bytes32 commitment,uint256 nonce,uint256 expiresAt)',
  ),
)
const NAME_HASH = keccak_256(utf8ToBytes(SETTLEMENT_DOMAIN_NAME))
const VERSION_HASH = keccak_256(utf8ToBytes(SETTLEMENT_DOMAIN_VERSION))
const PREFIX = Uint8Array.of(0x19, 0x01)

/** EIP-712 domain separator of Settlement; compute once per contract. */
export function settlementDomainSeparator(domain: SettlementDomain): Uint8Array {
  return keccak_256(
    concatBytes(
      DOMAIN_TYPE_HASH,
      NAME_HASH,
      VERSION_HASH,
      uint256(BigInt(domain.chainId)),
      addressWord(domain.settlement),
    ),
  )
}

/**
 * The digest a session key signs: keccak256(0x1901 ‖ domainSeparator ‖ hashStruct(voucher)), EIP-712.
 * Equal to what `Settlement.voucherDigest` computes; `test/vectors/voucher.json` holds the proof.
 * @throws {RangeError} when the amount does not fit a uint256
 */
export function voucherDigest(domainSeparator: Uint8Array, voucher: Voucher): Bytes32 {
  const struct = keccak_256(
    concatBytes(VOUCHER_TYPE_HASH, hexToBytes(voucher.channelId.slice(2)), uint256(voucher.cumulativeAmount)),
  )
  return typedDigest(domainSeparator, struct)
}

/**
 * The digest a deposit's signer signs for a ticket, and what names the ticket. Equal to what `Settlement.ticketDigest`
 * computes; `test/vectors/ticket.json` holds the proof.
 * @throws {RangeError} when a number does not fit a uint256
 */
export function ticketDigest(domainSeparator: Uint8Array, ticket: Ticket): Bytes32 {
  const struct = keccak_256(
    concatBytes(
      TICKET_TYPE_HASH,
      hexToBytes(ticket.depositId.slice(2)),
      addressWord(ticket.payee),
      uint256(ticket.faceValue),
      uint256(ticket.winThreshold),
      hexToBytes(ticket.commitment.slice(2)),
      uint256(ticket.nonce),
      uint256(ticket.expiresAt),
    ),
  )
  return typedDigest(domainSeparator, struct)
}

/**
 * The id a channel has on chain: keccak256(abi.encode(chainId, settlement, payer, payee, salt)).
 * Chosen before the transaction is sent, so that a payer that crashed finds its channel again.
 */
export function channelIdOf(
  domain: SettlementDomain,
  payer: Address,
  payee: Address,
  salt: Bytes32,
): ChannelId {
  const preimage = concatBytes(
    uint256(BigInt(domain.chainId)),
    addressWord(domain.settlement),
    addressWord(payer),
    addressWord(payee),
    hexToBytes(salt.slice(2)),
  )
  return `0x${bytesToHex(keccak_256(preimage))}`
}

/** The id a ticket deposit has on chain: keccak256(abi.encode(chainId, settlement, payer, signer)). */
export function ticketDepositIdOf(domain: SettlementDomain, payer: Address, signer: Address): Bytes32 {
  const preimage = concatBytes(
    uint256(BigInt(domain.chainId)),
    addressWord(domain.settlement),
    addressWord(payer),
    addressWord(signer),
  )
  return `0x${bytesToHex(keccak_256(preimage))}`
}

/** EIP-712: keccak256(0x1901 ‖ domainSeparator ‖ hashStruct). */
function typedDigest(domainSeparator: Uint8Array, struct: Uint8Array): Bytes32 {
  return `0x${bytesToHex(keccak_256(concatBytes(PREFIX, domainSeparator, struct)))}`
}

/** An address as `abi.encode` writes it. */
function addressWord(address: Address): Uint8Array {
  return concatBytes(new Uint8Array(12), hexToBytes(address.slice(2)))
}

function uint256(value: bigint): Uint8Array {
  if (value < 0n || value >= 2n ** 256n) throw new RangeError('not a uint256')
  return hexToBytes(value.toString(16).padStart(64, '0'))
}
