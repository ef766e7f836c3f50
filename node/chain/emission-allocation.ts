import { createHash } from 'node:crypto'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import type { Address, Bytes32 } from '../../protocol/ids.ts'
import { minAmount } from '../../protocol/money.ts'

/** Who a distribution is for; in this order the numbers of `IEmission.Pool`. */
export const EMISSION_POOLS = ['providers', 'learners'] as const
export type EmissionPool = (typeof EMISSION_POOLS)[number]

/** What a leaf is made of, as in `IEmission.leafOf`: epoch, pool, account, amount. */
const LEAF_TYPES = ['uint256', 'uint8', 'address', 'uint256']

/** Base units settled are counted up to the stake at the end of the epoch times this. */
const DEFAULT_STAKE_MULTIPLE = 1n

/** What an account counts in a pool. Several of one account are added up. */
export interface Weight {
  account: Address
  weight: bigint
}

/** What an account may claim, in base units. */
export interface Allocation {
  account: Address
  amount: bigint
}

/** What a provider did in an epoch, and what it had at the end of it; amounts in base units. */
export interface ProviderWork {
  account: Address
  /** Paid to it by vouchers and tickets. */
  settled: bigint
  stake: bigint
  /** Whether it had the role of a provider and the stake for it. */
  active: boolean
}

/** A round of federated learning that was accepted, and what each learner counts in it. */
export interface AcceptedRound {
  round: string
  learners: readonly Weight[]
}

/** The claims of a pool, as they are proposed on chain. */
export interface Distribution {
  epoch: bigint
  pool: EmissionPool
  root: Bytes32
  /** Base units. */
  total: bigint
  /** sha256 of `json`. */
  contentHash: Bytes32
  allocations: readonly Allocation[]
  /** The tree as `StandardMerkleTree.load` of @openzeppelin/merkle-tree takes it, for everyone who claims or checks. */
  json: string
}

/**
 * What work of providers counts: what was settled, up to a multiple of the stake, so that who pays itself in a circle
 * gains no more by it than its stake allows; and nothing of accounts that are not active providers.
 */
export function providerWeights(
  works: readonly ProviderWork[],
  stakeMultiple = DEFAULT_STAKE_MULTIPLE,
): Weight[] {
  return works
    .filter(({ active }) => active)
    .map(({ account, settled, stake }) => ({ account, weight: minAmount(settled, stake * stakeMultiple) }))
}

/** What learners count: the sum over all rounds. */
export function learnerWeights(rounds: readonly AcceptedRound[]): Weight[] {
  return rounds.flatMap(({ learners }) => learners)
}

/**
 * Splits a pool in proportion to weights, each part rounded down. The same for the same weights in any order.
 * @param poolSize base units, not negative
 * @param weights none negative
 * @param mostPerUnit most base units for one unit of weight; null for no limit
 * @returns sorted by account, without those that get nothing; the sum is at most `poolSize`
 * @throws {RangeError} for something negative
 */
export function allocate(
  poolSize: bigint,
  weights: readonly Weight[],
  mostPerUnit: bigint | null = null,
): Allocation[] {
  if (poolSize < 0n) throw new RangeError('a pool is not negative')
  const sums = new Map<Address, bigint>()
  let total = 0n
  for (const { account, weight } of weights) {
    if (weight < 0n) throw new RangeError('a weight is not negative')
    const key = account.toLowerCase()
    sums.set(key, (sums.get(key) ?? 0n) + weight)
    total += weight
  }
  const amountOf = (weight: bigint) => {
    const partDown = (poolSize * weight) / total
    return mostPerUnit === null ? partDown : minAmount(partDown, weight * mostPerUnit)
  }
  return [...sums]
    .filter(([, weight]) => weight > 0n)
    .map(([account, weight]) => ({ account, amount: amountOf(weight) }))
    .filter(({ amount }) => amount > 0n)
    .sort((a, b) => (a.account < b.account ? -1 : 1))
}

/**
 * Providers get at most one credit for each that counts as settled work: in an epoch of little work the pool is not
 * a prize for who does any.
 */
export function allocateProviders(
  poolSize: bigint,
  works: readonly ProviderWork[],
  stakeMultiple = DEFAULT_STAKE_MULTIPLE,
): Allocation[] {
  return allocate(poolSize, providerWeights(works, stakeMultiple), 1n)
}

/**
 * Makes the tree of claims. Equal allocations give equal trees, roots and texts.
 * @param allocations of different accounts
 * @returns null when there are none
 */
export function distributionOf(
  epoch: bigint,
  pool: EmissionPool,
  allocations: readonly Allocation[],
): Distribution | null {
  if (allocations.length === 0) return null
  const poolNumber = String(EMISSION_POOLS.indexOf(pool))
  const sorted = allocations.toSorted((a, b) => (a.account < b.account ? -1 : 1))
  const leaves = sorted.map(({ account, amount }) => [String(epoch), poolNumber, account, String(amount)])
  const tree = StandardMerkleTree.of(leaves, LEAF_TYPES)
  const json = JSON.stringify(tree.dump())
  return {
    epoch,
    pool,
    root: tree.root,
    total: sorted.reduce((sum, { amount }) => sum + amount, 0n),
    contentHash: `0x${createHash('sha256').update(json).digest('hex')}`,
    allocations: sorted,
    json,
  }
}

/** The proof of an account's claim; null when it has none. */
export function proofOf(distribution: Distribution, account: Address): Bytes32[] | null {
  const tree = StandardMerkleTree.load<string[]>(JSON.parse(distribution.json))
  for (const [index, [, , claimant]] of tree.entries()) {
    if (claimant === account.toLowerCase()) return tree.getProof(index)
  }
  return null
}

/** A distribution as it was proposed on chain. */
export interface ProposedDistribution {
  root: Bytes32
  /** Base units. */
  total: bigint
}

/**
 * Compares what was proposed with the own computation: what a validator must know to dispute.
 * @returns what differs; empty when nothing does
 */
export function differences(proposed: ProposedDistribution, own: Distribution | null): ('root' | 'total')[] {
  if (own === null) return ['root', 'total']
  const different: ('root' | 'total')[] = []
  if (proposed.root.toLowerCase() !== own.root) different.push('root')
  if (proposed.total !== own.total) different.push('total')
  return different
}
