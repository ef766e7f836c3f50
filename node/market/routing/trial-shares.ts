import { STRANGER_KINDS, type StrangerKind } from '../../trust/evidence.ts'
import type { Tuning } from './strategies.ts'

export type TrialTerms = Pick<Tuning, 'maxTrials' | 'trialRisk' | 'trialRiskShares'>

/** Shares of all tasks, 0 to 1. */
export type TrialShares = Record<StrangerKind, number>

/**
 * What share of tasks is given to newcomers of each kind, so that we come to know them: what loses no more than the risk
 * that is taken to cheats among them, as newcomers of that kind turned out until now (an adaptive stranger policy:
 * Feldman, Lai, Stoica, Chuang, "Robust Incentive Techniques for Peer-to-Peer Networks", EC 2004, section 4). Each kind
 * by itself: whoever comes back under new names without a stake uses up the trials of those without one, not of
 * those that have one, and somebody slandered who is cleared by many trials uses up nobody else's. What one kind cannot
 * lose is left to those after it.
 *
 * Where no peer is known it is more, for else none would be known for long, however much cheaper than our own engine
 * and services: the most that is ever tried, times the chance that a stranger is honest. So cheats get no more than a
 * quarter of that most, r · (1 − r), and the less the more of them there are.
 * @param present kinds there are newcomers of
 * @param riskOf chance that a newcomer of a kind cheats, 0 to 1
 * @returns together `maxTrials` at most; times their risks together no more than `trialRisk` where peers are known
 */
export function trialShares(
  present: ReadonlySet<StrangerKind>,
  riskOf: (kind: StrangerKind) => number,
  knowsPeers: boolean,
  { maxTrials, trialRisk, trialRiskShares }: TrialTerms,
): TrialShares {
  const shares: TrialShares = { staked: 0, unstaked: 0, suspected: 0 }
  let left = trialRisk
  for (const kind of STRANGER_KINDS) {
    if (!present.has(kind)) continue
    const mayLose = left * trialRiskShares[kind]
    const risk = riskOf(kind)
    const isLast = STRANGER_KINDS.findLast(other => present.has(other)) === kind
    const most = (maxTrials - sumOf(shares)) * (isLast ? 1 : MOST_OF_TRIALS[kind])
    shares[kind] = Math.min(most, mayLose / Math.max(risk, LEAST_RISK))
    if (!knowsPeers) shares[kind] = Math.max(shares[kind], (maxTrials * (1 - risk)) / present.size)
    left -= Math.min(left, shares[kind] * risk)
  }
  const sum = sumOf(shares)
  if (sum > maxTrials) for (const kind of STRANGER_KINDS) shares[kind] *= maxTrials / sum
  return shares
}

/** The same shares of a whole; all of it to those that are present where none has any. */
export function wholeOf(shares: TrialShares, present: ReadonlySet<StrangerKind>): TrialShares {
  const sum = sumOf(shares)
  const part = (kind: StrangerKind) =>
    sum > 0 ? shares[kind] / sum : present.has(kind) ? 1 / present.size : 0
  return { staked: part('staked'), unstaked: part('unstaked'), suspected: part('suspected') }
}

export function sumOf({ staked, unstaked, suspected }: TrialShares): number {
  return staked + unstaked + suspected
}

const LEAST_RISK = 1e-6
/** Of the trials that are left, as long as others may want some: in peace those without a stake have as many as those with. */
const MOST_OF_TRIALS: TrialShares = { staked: 0.5, unstaked: 0.8, suspected: 1 }
