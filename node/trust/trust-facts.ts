import type { NodeKey } from '../../protocol/ids.ts'

/** What opinions need to know about peers beside evidence: facts of the world. */
export interface TrustFacts {
  /** Keys of the wallets, funders and networks a peer is known by: peers that share one may be one operator. */
  clustersOf: (peer: NodeKey) => readonly string[]
  /** Whether a peer is an orchestrator by the chain: declared, with the stake for it. */
  isOrchestrator: (peer: NodeKey) => boolean
  /** Whether the chain says that a peer has something at stake which it cannot take back at once. */
  hasStake: (peer: NodeKey) => boolean
}

export const NO_FACTS: TrustFacts = {
  clustersOf: () => [],
  isOrchestrator: () => false,
  hasStake: () => false,
}
