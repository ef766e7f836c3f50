import type { Address } from '../../protocol/ids.ts'
import type { ChainClient } from '../chain/client.ts'
import type { CheckAnchor } from './verify.ts'

/** Compares anchors with what the chain has for a wallet. */
export function chainCheck(client: ChainClient, wallet: Address): CheckAnchor {
  return async anchor => {
    const anchoredAt = await client.anchoredAt(wallet, anchor)
    if (anchoredAt === null || !(await client.isAnchored(wallet, { ...anchor, anchoredAt }))) return null
    return anchoredAt
  }
}
