import type { Address, NodeKey } from '../../protocol/ids.ts'

/**
 * What a wallet has at stake for a node, base units, as far as the chain has told; null while it has not.
 * @param expected what it says it has: where less is known the chain is soon asked again
 */
export type KnownStake = (node: NodeKey, wallet: Address, expected?: bigint) => bigint | null
