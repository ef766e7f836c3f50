import { verifyTypedData } from 'ethers/hash'
import { Wallet as EthersWallet } from 'ethers/wallet'
import type { Address } from '../../protocol/ids.ts'
import {
  type AnchorRoot,
  AUDIT_ANCHOR_DOMAIN_NAME,
  AUDIT_ANCHOR_DOMAIN_VERSION,
  ROOT_TYPES,
} from '../../protocol/typed-data.ts'
import type { Wallet } from '../payments/wallet.ts'

/** Where the audit anchors are. */
export interface AnchorDomain {
  chainId: number
  auditAnchor: Address
}

function domainOf({ chainId, auditAnchor }: AnchorDomain) {
  return {
    name: AUDIT_ANCHOR_DOMAIN_NAME,
    version: AUDIT_ANCHOR_DOMAIN_VERSION,
    chainId,
    verifyingContract: auditAnchor,
  }
}

/** Signs a root of our log, so that others can hold us to it, and anchor it (EIP-712, `AuditAnchor.rootDigest`). */
export async function signRoot(domain: AnchorDomain, root: AnchorRoot, wallet: Wallet): Promise<string> {
  return new EthersWallet(wallet.privateKey).signTypedData(domainOf(domain), ROOT_TYPES, { ...root })
}

/** Whether a wallet signed a root. Contracts as wallets (ERC-1271) are not asked: nodes sign with keys. */
export function isRootSigned(domain: AnchorDomain, root: AnchorRoot, signature: string): boolean {
  try {
    const signer = verifyTypedData(domainOf(domain), ROOT_TYPES, { ...root }, signature)
    return signer.toLowerCase() === root.node
  } catch {
    return false
  }
}
