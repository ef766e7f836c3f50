import { SigningKey } from 'ethers/crypto'
import { computeAddress } from 'ethers/transaction'
import type { Address, ChannelId } from '../../../../../protocol/ids.ts'
import {
  type SettlementDomain,
  settlementDomainSeparator,
  voucherDigest,
} from '../../../../../protocol/typed-data.ts'
import { WalletPageError } from './errors.ts'

/** 32 random bytes as a private key; secp256k1's order is so near to 2^256 that a draw outside of it is drawn again. */
export function newSessionSecret(random: (bytes: number) => Uint8Array): Uint8Array {
  for (;;) {
    const secret = random(32)
    try {
      sessionAddress(secret)
      return secret
    } catch {
      // Zero, or not below the order: once in 2^128.
    }
  }
}

/** The account a session key signs as: the `signer` of its channel. */
export function sessionAddress(secret: Uint8Array): Address {
  return computeAddress(new SigningKey(secret)).toLowerCase()
}

/** Signs vouchers of one channel up to its limit, and nothing else: no pop-up is needed for each. */
export class SessionKey {
  readonly address: Address
  readonly channelId: ChannelId
  /** Base units; what the channel holds. */
  readonly limit: bigint
  readonly #key: SigningKey
  readonly #separator: Uint8Array

  constructor(options: {
    secret: Uint8Array
    channelId: ChannelId
    domain: SettlementDomain
    limit: bigint
  }) {
    this.#key = new SigningKey(options.secret)
    this.address = sessionAddress(options.secret)
    this.channelId = options.channelId
    this.limit = options.limit
    this.#separator = settlementDomainSeparator(options.domain)
  }

  /**
   * r ‖ s ‖ v over the EIP-712 digest of `protocol/typed-data.ts`, s in the lower half.
   * @throws {WalletPageError} LIMIT_REACHED
   */
  sign(cumulativeAmount: bigint): string {
    if (cumulativeAmount > this.limit) {
      throw new WalletPageError(
        'LIMIT_REACHED',
        'the session key does not sign for more than was deposited',
        {
          fix: 'Open a new channel with a larger deposit.',
          details: { limit: this.limit.toString(), asked: cumulativeAmount.toString() },
        },
      )
    }
    const { channelId } = this
    return this.#key.sign(voucherDigest(this.#separator, { channelId, cumulativeAmount })).serialized
  }
}
