import type { NodeKey } from '../../protocol/ids.ts'
import { betaMean, type TrustParameters } from './components.ts'
import type { WitnessOpinion } from './opinion.ts'
import type { PeerRecord } from './peer-record.ts'
import type { TrustFacts } from './trust-facts.ts'

/** What others say of a peer, weighed. */
export interface Hearsay {
  /** For the component `review`, in tasks. */
  good: number
  bad: number
  /** The part of it that enters the expectation of the next task. */
  hearsayGood: number
  hearsayBad: number
  /** How much trusted orchestrators use it, 0 to 1, and each one's share in that. */
  patronage: number
  patrons: { orchestrator: NodeKey; share: number }[]
  witnesses: WitnessOpinion[]
}

export const NOTHING_HEARD: Hearsay = {
  good: 0,
  bad: 0,
  hearsayGood: 0,
  hearsayBad: 0,
  patronage: 0,
  patrons: [],
  witnesses: [],
}

/**
 * Weighs what witnesses said of a peer: each by its agreement with our own experience, no more than one may say, no
 * more than one cluster may say, no more than all may say; praise from those behind the peer itself is none.
 *
 * Patronage: an orchestrator is trusted as far as it agreed with us beyond what an unknown one is believed, and uses
 * a peer by `1 - 2^-n` after n good tasks. Clusters lend once, and together they lend `1 - Π(1 - trust · use)`. It
 * goes one step only: what is inherited is lent to nobody.
 */
export function heard(
  record: PeerRecord,
  atMs: number,
  modules: {
    parameters: TrustParameters
    facts: TrustFacts
    agreementOf: (witness: NodeKey) => number
  },
): Hearsay {
  const { parameters, facts, agreementOf } = modules
  const { witnessPrior, maxWitnessWeight, maxClusterWeight, maxReviewWeight, maxHearsayWeight } = parameters
  const operator = new Set(facts.clustersOf(record.peer))
  const clusters = clusterNumbers(record.witnesses.map(({ witness }) => facts.clustersOf(witness)))
  const unknown = betaMean(witnessPrior)
  const clusterWeights = new Map<number, number>()
  const lent = new Map<number, { orchestrator: NodeKey; share: number }>()

  const witnesses = record.witnesses.map(({ witness, evidence, reports, lastAtMs }, i): WitnessOpinion => {
    const agreement = agreementOf(witness)
    const sameOperator = facts.clustersOf(witness).some(key => operator.has(key))
    // Blame counts all the same: else a cheat could move in next to its critics.
    const [good, bad] = [sameOperator ? 0 : evidence.good(atMs), evidence.bad(atMs)]
    const cluster = clusters[i]!
    const weight = Math.min(maxWitnessWeight, agreement * (good + bad))
    clusterWeights.set(cluster, (clusterWeights.get(cluster) ?? 0) + weight)
    if (!sameOperator && facts.isOrchestrator(witness)) {
      const share = Math.max(0, (agreement - unknown) / (1 - unknown)) * (1 - 2 ** -good)
      if (share > (lent.get(cluster)?.share ?? 0)) lent.set(cluster, { orchestrator: witness, share })
    }
    return { witness, reports, good, bad, agreement, weight, cluster, sameOperator, lastAtMs }
  })
  for (const opinion of witnesses) {
    const together = clusterWeights.get(opinion.cluster)!
    if (together > maxClusterWeight) opinion.weight *= maxClusterWeight / together
  }
  const all = witnesses.reduce((sum, { weight }) => sum + weight, 0)
  const scale = Math.min(1, maxReviewWeight / Math.max(all, Number.MIN_VALUE))
  let [good, bad] = [0, 0]
  for (const opinion of witnesses) {
    opinion.weight *= scale
    const said = opinion.good + opinion.bad
    if (said <= 0) continue
    good += (opinion.weight * opinion.good) / said
    bad += (opinion.weight * opinion.bad) / said
  }
  const hearsay = Math.min(1, maxHearsayWeight / Math.max(good + bad, Number.MIN_VALUE))
  const patrons = [...lent.values()]
  const total = patrons.reduce((sum, { share }) => sum + share, 0)
  return {
    good,
    bad,
    hearsayGood: good * hearsay,
    hearsayBad: bad * hearsay,
    patronage: 1 - patrons.reduce((rest, { share }) => rest * (1 - share), 1),
    patrons: patrons.map(({ orchestrator, share }) => ({ orchestrator, share: share / total })),
    witnesses,
  }
}

/** Numbers the groups of those that share a key, directly or through others (union–find). */
function clusterNumbers(keys: readonly (readonly string[])[]): number[] {
  const parents = keys.map((_, i) => i)
  const rootOf = (i: number): number => {
    let root = i
    while (parents[root] !== root) root = parents[root]!
    parents[i] = root
    return root
  }
  const first = new Map<string, number>()
  for (const [i, own] of keys.entries()) {
    for (const key of own) {
      const other = first.get(key)
      if (other === undefined) first.set(key, i)
      else parents[rootOf(i)] = rootOf(other)
    }
  }
  return keys.map((_, i) => rootOf(i))
}
