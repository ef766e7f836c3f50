import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { pointFromScalar, recover, signRecoverable } from 'tiny-secp256k1'
import type { Address, ChannelId } from '../../protocol/ids.ts'
import { type SettlementDomain, settlementDomainSeparator, voucherDigest } from '../../protocol/typed-data.ts'

/** Signs the vouchers of one channel; can spend no more than the channel's deposit. */
export class SessionKey {
  readonly address: Address
  readonly #privateKey: Uint8Array
  readonly #channelId: ChannelId
  readonly #domainSeparator: Uint8Array

  constructor(options: { privateKey: string; channelId: ChannelId; domain: SettlementDomain }) {
    this.#privateKey = hexToBytes(options.privateKey.slice(2))
    this.#channelId = options.channelId
    this.#domainSeparator = settlementDomainSeparator(options.domain)
    this.address = addressOf(pointFromScalar(this.#privateKey, false)!)
  }

  /** r ‖ s ‖ v over the EIP-712 digest of the voucher. */
  sign(cumulativeAmount: bigint): string {
    const digest = voucherDigest(this.#domainSeparator, { channelId: this.#channelId, cumulativeAmount })
    const { signature, recoveryId } = signRecoverable(hexToBytes(digest.slice(2)), this.#privateKey)
    return `0x${bytesToHex(signature)}${(FIRST_V + recoveryId).toString(16)}`
  }
}

/**
 * The private key of a channel's session: HMAC-SHA256 of the channel's id under the wallet's key. Derived,
 * so that it need not be stored and is found again with the wallet alone; knowing it tells nothing of the
 * wallet's key or of other channels'.
 */
export function sessionPrivateKey(walletPrivateKey: string, channelId: ChannelId): string {
  const message = utf8ToBytes(`shoal/1/session-key/${channelId}`)
  return `0x${bytesToHex(hmac(sha256, hexToBytes(walletPrivateKey.slice(2)), message))}`
}

/** Checks vouchers of one chain's Settlement. */
export class VoucherVerifier {
  readonly #domainSeparator: Uint8Array

  constructor(domain: SettlementDomain) {
    this.#domainSeparator = settlementDomainSeparator(domain)
  }

  /** Whether `signer` signed this claim. False on every malformed signature, high-s ones included, as in the contract. */
  isSignedBy(
    signer: Address,
    voucher: { channelId: ChannelId; cumulativeAmount: bigint; signature: string },
  ): boolean {
    if (!/^0x[0-9a-f]{130}$/.test(voucher.signature)) return false
    const bytes = hexToBytes(voucher.signature.slice(2))
    const signature = bytes.subarray(0, 64)
    const recoveryId = bytes[64]! - FIRST_V
    if (recoveryId !== 0 && recoveryId !== 1) return false
    if (BigInt(`0x${bytesToHex(signature.subarray(32))}`) > HALF_ORDER) return false
    const digest = hexToBytes(voucherDigest(this.#domainSeparator, voucher).slice(2))
    try {
      const publicKey = recover(digest, signature, recoveryId, false)
      return publicKey !== null && addressOf(publicKey) === signer
    } catch {
      return false
    }
  }
}

/** The account of an uncompressed public key: the last 20 bytes of the keccak256 of its coordinates. */
function addressOf(publicKey: Uint8Array): Address {
  return `0x${bytesToHex(keccak_256(publicKey.subarray(1)).subarray(12))}`
}

/** `v` of recovery id 0, as the EVM counts. */
const FIRST_V = 27
/** Half of the order of secp256k1 (EIP-2). */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
