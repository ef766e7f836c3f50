/** A number with the stake of who says it, base units. */
export interface StakedValue {
  value: number
  stake: bigint
}

/**
 * The stake-weighted lower median: the smallest value such that at least half of the stake says it or less. Whoever
 * has less than half of the stake cannot bring it outside the range of what the others say.
 * @returns null where nobody with a stake says anything
 */
export function stakeMedian(values: readonly StakedValue[]): number | null {
  const staked = values.filter(({ stake }) => stake > 0n).sort((a, b) => a.value - b.value)
  const total = staked.reduce((sum, { stake }) => sum + stake, 0n)
  let below = 0n
  for (const { value, stake } of staked) {
    below += stake
    if (below * 2n >= total) return value
  }
  return null
}
