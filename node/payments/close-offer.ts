import { Wallet as EthersWallet } from 'ethers/wallet'
import type { ChannelId } from '../../protocol/ids.ts'
import {
  CLOSE_TYPES,
  SETTLEMENT_DOMAIN_NAME,
  SETTLEMENT_DOMAIN_VERSION,
  type SettlementDomain,
} from '../../protocol/typed-data.ts'
import type { Wallet } from './wallet.ts'

/** What a payee signs so that a channel closes at once: it has been paid, and wants no more. */
export interface CloseOffer {
  channelId: ChannelId
  /** Base units that the channel pays in all. */
  finalAmount: bigint
  /** Last second at which the offer stands, since the Unix epoch. */
  deadline: number
}

/** The payee's signature, as `Settlement.closeCooperatively` takes it. */
export function signCloseOffer(wallet: Wallet, domain: SettlementDomain, offer: CloseOffer): Promise<string> {
  const { chainId, settlement: verifyingContract } = domain
  return new EthersWallet(wallet.privateKey).signTypedData(
    { name: SETTLEMENT_DOMAIN_NAME, version: SETTLEMENT_DOMAIN_VERSION, chainId, verifyingContract },
    CLOSE_TYPES,
    offer,
  )
}
