import { createRequire } from 'node:module'
import type * as Library from '@openzeppelin/merkle-tree'

export type { StandardMerkleTree } from '@openzeppelin/merkle-tree'

const load = createRequire(import.meta.url)

/** OpenZeppelin's tree; loaded when first asked for, with some ninety modules that a start need not wait for. */
export function standardMerkleTree(): typeof Library.StandardMerkleTree {
  return (load('@openzeppelin/merkle-tree') as typeof Library).StandardMerkleTree
}
