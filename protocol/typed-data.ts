import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { type Address, type Bytes32, type ChannelId, parseCid, parseModelId } from './ids.ts'
import { END_REASONS, type Receipt } from './messages/receipt.ts'

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
/** A payee's offer to close a channel at once. */
export const CLOSE_TYPES = {
  Close: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'finalAmount', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
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

/** What a node's wallet signs so that others can anchor a root of its audit log for it. */
export interface AnchorRoot {
  /** The node's wallet. */
  node: Address
  root: Bytes32
  firstSequence: number
  lastSequence: number
}

export const AUDIT_ANCHOR_DOMAIN_NAME = 'Shoal AuditAnchor'
export const AUDIT_ANCHOR_DOMAIN_VERSION = '1'
export const ROOT_TYPES = {
  Root: [
    { name: 'node', type: 'address' },
    { name: 'root', type: 'bytes32' },
    { name: 'firstSequence', type: 'uint64' },
    { name: 'lastSequence', type: 'uint64' },
  ],
}

/** A receipt as contracts read it: `Receipt` of `contracts/libraries/Receipts.sol`. Hashed without a domain. */
export const RECEIPT_TYPES = {
  Receipt: [
    { name: 'taskId', type: 'bytes32' },
    { name: 'payer', type: 'address' },
    { name: 'payee', type: 'address' },
    { name: 'chainId', type: 'uint256' },
    { name: 'settlement', type: 'address' },
    { name: 'channelId', type: 'bytes32' },
    { name: 'model', type: 'bytes32' },
    { name: 'request', type: 'bytes32' },
    { name: 'output', type: 'bytes32' },
    { name: 'promptTokens', type: 'uint64' },
    { name: 'outputTokens', type: 'uint64' },
    { name: 'amount', type: 'uint256' },
    { name: 'cumulativeAmount', type: 'uint256' },
    { name: 'reason', type: 'uint8' },
    { name: 'endedAt', type: 'uint48' },
  ],
}

/** The values of `RECEIPT_TYPES`. */
export interface ContractReceipt {
  /** The task id's 16 bytes after 16 zero bytes. */
  taskId: Bytes32
  payer: Address
  payee: Address
  chainId: number
  settlement: Address
  channelId: ChannelId
  /** sha256 of the GGUF file. */
  model: Bytes32
  /** sha256 of the request frame: the digest inside its CID. */
  request: Bytes32
  output: Bytes32
  promptTokens: number
  outputTokens: number
  amount: bigint
  cumulativeAmount: bigint
  /** Place in `END_REASONS`. */
  reason: number
  /** Seconds since the Unix epoch, rounded down. */
  endedAt: number
}

/** keccak256 of EIP-712's `encodeType` of a struct without nested ones. */
export function typeHash(types: Record<string, { name: string; type: string }[]>): Uint8Array {
  const [[name, members]] = Object.entries(types) as [[string, { name: string; type: string }[]]]
  const list = members.map(member => `${member.type} ${member.name}`).join(',')
  return keccak_256(utf8ToBytes(`${name}(${list})`))
}

const DOMAIN_TYPE_HASH = keccak_256(
  utf8ToBytes('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
)
const VOUCHER_TYPE_HASH = typeHash(VOUCHER_TYPES)
const TICKET_TYPE_HASH = typeHash(TICKET_TYPES)
const ROOT_TYPE_HASH = typeHash(ROOT_TYPES)
const RECEIPT_TYPE_HASH = typeHash(RECEIPT_TYPES)
const PREFIX = Uint8Array.of(0x19, 0x01)

/** EIP-712 domain separator of Settlement; compute once per contract. */
export function settlementDomainSeparator(domain: SettlementDomain): Uint8Array {
  return domainSeparator(SETTLEMENT_DOMAIN_NAME, SETTLEMENT_DOMAIN_VERSION, domain.chainId, domain.settlement)
}

/** EIP-712 domain separator of AuditAnchor; compute once per contract. */
export function auditAnchorDomainSeparator(chainId: number, auditAnchor: Address): Uint8Array {
  return domainSeparator(AUDIT_ANCHOR_DOMAIN_NAME, AUDIT_ANCHOR_DOMAIN_VERSION, chainId, auditAnchor)
}

/** The digest a node's wallet signs: what `AuditAnchor.rootDigest` computes. */
export function rootDigest(separator: Uint8Array, signed: AnchorRoot): Bytes32 {
  const struct = keccak_256(
    concatBytes(
      ROOT_TYPE_HASH,
      addressWord(signed.node),
      hexToBytes(signed.root.slice(2)),
      uint256(BigInt(signed.firstSequence)),
      uint256(BigInt(signed.lastSequence)),
    ),
  )
  return typedDigest(separator, struct)
}

/**
 * A receipt in the form contracts read.
 * @throws {RangeError} when the model or the request is not named by a digest; a receipt that went through its
 *   schema always is
 */
export function contractReceipt(receipt: Receipt): ContractReceipt {
  const model = parseModelId(receipt.model)
  const request = parseCid(receipt.request)
  if (model === null || request === null) throw new RangeError('not a receipt')
  return {
    taskId: `0x${receipt.taskId.padStart(64, '0')}`,
    payer: receipt.payer,
    payee: receipt.payee,
    chainId: receipt.chainId,
    settlement: receipt.settlement,
    channelId: receipt.channelId,
    model: `0x${model.sha256}`,
    request: `0x${bytesToHex(request.multihash.digest)}`,
    output: receipt.output,
    promptTokens: receipt.promptTokens,
    outputTokens: receipt.outputTokens,
    amount: receipt.amount,
    cumulativeAmount: receipt.cumulativeAmount,
    reason: END_REASONS.indexOf(receipt.reason),
    endedAt: Math.floor(receipt.endedAtMs / 1_000),
  }
}

/**
 * What stands for a receipt in an anchored audit log: EIP-712 `hashStruct`, without a domain, since chain and
 * contract are members. Equal to what `Receipts.hash` computes; `test/vectors/receipt-claim.json` holds the proof.
 */
export function receiptClaim(receipt: Receipt): Bytes32 {
  const values = contractReceipt(receipt)
  const words = RECEIPT_TYPES.Receipt.map(({ name }) => {
    const value = values[name as keyof ContractReceipt]
    if (typeof value !== 'string') return uint256(BigInt(value))
    return hexToBytes(value.slice(2).padStart(64, '0'))
  })
  return `0x${bytesToHex(keccak_256(concatBytes(RECEIPT_TYPE_HASH, ...words)))}`
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

/** A juror's secret vote, until it is revealed. */
export interface JuryVote {
  disputeId: number
  /** 0, or 1 for an appeal. */
  round: number
  juror: Address
  /** As in `IJury.Vote`. */
  vote: number
  /** 32 random bytes: votes are few, so a guessable salt shows the vote. */
  salt: Bytes32
}

/** What a juror commits to, as `Jury.commitmentOf`: keccak256(abi.encode(disputeId, round, juror, vote, salt)). */
export function juryCommitment({ disputeId, round, juror, vote, salt }: JuryVote): Bytes32 {
  const words = [
    uint256(BigInt(disputeId)),
    uint256(BigInt(round)),
    addressWord(juror),
    uint256(BigInt(vote)),
  ]
  return `0x${bytesToHex(keccak_256(concatBytes(...words, hexToBytes(salt.slice(2)))))}`
}

/** EIP-712: keccak256(0x1901 ‖ domainSeparator ‖ hashStruct). */
export function typedDigest(domainSeparator: Uint8Array, struct: Uint8Array): Bytes32 {
  return `0x${bytesToHex(keccak_256(concatBytes(PREFIX, domainSeparator, struct)))}`
}

/** An address as `abi.encode` writes it. */
export function addressWord(address: Address): Uint8Array {
  return concatBytes(new Uint8Array(12), hexToBytes(address.slice(2)))
}

/** EIP-712 domain separator of one contract. */
export function domainSeparator(
  name: string,
  version: string,
  chainId: number,
  contract: Address,
): Uint8Array {
  return keccak_256(
    concatBytes(
      DOMAIN_TYPE_HASH,
      keccak_256(utf8ToBytes(name)),
      keccak_256(utf8ToBytes(version)),
      uint256(BigInt(chainId)),
      addressWord(contract),
    ),
  )
}

/**
 * A number as `abi.encode` writes it.
 * @throws {RangeError} when it does not fit
 */
export function uint256(value: bigint): Uint8Array {
  if (value < 0n || value >= 2n ** 256n) throw new RangeError('not a uint256')
  return hexToBytes(value.toString(16).padStart(64, '0'))
}
