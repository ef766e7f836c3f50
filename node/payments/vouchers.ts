import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { SigningKey } from 'ethers/crypto'
import { computeAddress, recoverAddress } from 'ethers/transaction'
import type { Address, ChannelId } from '../../protocol/ids.ts'
import { type SettlementDomain, settlementDomainSeparator, voucherDigest } from '../../protocol/typed-data.ts'

/** Signs the vouchers of one channel; can spend no more than the channel's deposit. */
export class SessionKey {
  readonly address: Address
  readonly #key: SigningKey
  readonly #channelId: ChannelId
  readonly #domainSeparator: Uint8Array

  constructor(options: { privateKey: string; channelId: ChannelId; domain: SettlementDomain }) {
    this.#key = new SigningKey(options.privateKey)
    this.#channelId = options.channelId
    this.#domainSeparator = settlementDomainSeparator(options.domain)
    this.address = computeAddress(this.#key).toLowerCase()
  }

  /** r ‖ s ‖ v over the EIP-712 digest of the voucher. */
  sign(cumulativeAmount: bigint): string {
    const digest = voucherDigest(this.#domainSeparator, { channelId: this.#channelId, cumulativeAmount })
    return this.#key.sign(digest).serialized
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
    const s = BigInt(`0x${voucher.signature.slice(66, 130) || '0'}`)
    if (s > HALF_ORDER) return false
    try {
      return (
        recoverAddress(voucherDigest(this.#domainSeparator, voucher), voucher.signature).toLowerCase() ===
        signer
      )
    } catch {
      return false
    }
  }
}

/** Half of the order of secp256k1 (EIP-2). */
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
