import type { SimProvider, SimSystem, Status } from '../market.ts'

/** Weight of the pre-trusted peers in the walk, and the chance that somebody without any trust is chosen. */
const PRE_TRUST = 0.1
const UNKNOWN_CHANCE = 0.1
const ROUNDS = 20
/** Statements after which global trust is worked out anew. */
const RECOMPUTE_AFTER = 500
const MAX_RANKED = 8

/**
 * EigenTrust (Kamvar, Schlosser, Garcia-Molina: The EigenTrust Algorithm for Reputation Management in P2P Networks,
 * WWW 2003). Local trust s_ij = sat − unsat, normalised c_ij = max(s_ij, 0) ÷ Σ max(s_ij, 0) (sections 4.1, 4.2);
 * global trust t = (1 − a)·Cᵀt + a·p with p over pre-trusted peers (4.5). A provider is chosen with a chance in
 * proportion to its trust, and with 10 % chance among those without any (5.3). Everybody's statements are taken as they
 * are made, over the same gossip, and one computation serves all: better than what the paper's protocol can do.
 * The pre-trusted peers are five of the requesters, known to be good.
 */
export const eigenTrust: SimSystem = {
  name: 'EigenTrust',
  start({ random, auditProbability, founders, requesters }) {
    const ids = new Map<string, number>()
    const idOf = (key: string) => {
      const known = ids.get(key)
      if (known !== undefined) return known
      ids.set(key, ids.size)
      return ids.size - 1
    }
    const founderIds = founders.map(idOf)
    const local = new Map<number, Map<number, number>>()
    let trust = new Float64Array()
    let statements = RECOMPUTE_AFTER

    const state = (witness: string, subject: SimProvider, status: Status) => {
      if (status === 'refused') return
      const from = idOf(witness)
      const to = idOf(subject.key)
      const row = local.get(from) ?? new Map<number, number>()
      local.set(from, row)
      row.set(to, (row.get(to) ?? 0) + (status === 'completed' ? 1 : -1))
      statements++
    }
    const compute = () => {
      const size = ids.size
      const preTrust = new Float64Array(size)
      for (const founder of founderIds) preTrust[founder] = 1 / founderIds.length
      const edges: { from: number; to: number; share: number }[] = []
      const dangling = new Uint8Array(size).fill(1)
      for (const [from, row] of local) {
        let total = 0
        for (const score of row.values()) total += Math.max(0, score)
        if (total === 0) continue
        dangling[from] = 0
        for (const [to, score] of row) if (score > 0) edges.push({ from, to, share: score / total })
      }
      let current = preTrust.slice()
      for (let round = 0; round < ROUNDS; round++) {
        const next = new Float64Array(size)
        let lost = 0
        // Who trusts nobody trusts the pre-trusted (section 4.4).
        for (let i = 0; i < size; i++) if (dangling[i] === 1) lost += current[i]!
        for (const { from, to, share } of edges) next[to]! += share * current[from]!
        for (let i = 0; i < size; i++)
          next[i] = (1 - PRE_TRUST) * (next[i]! + lost * preTrust[i]!) + PRE_TRUST * preTrust[i]!
        current = next
      }
      trust = current
      statements = 0
    }
    const heard = new Set<string>()
    const asking = new Set(requesters.map(({ key }) => key))
    return requester => ({
      rank(task, tried) {
        if (statements >= RECOMPUTE_AFTER) compute()
        const left = requester.view.offering(task.model).filter(provider => !tried.has(provider))
        const trustOf = (provider: SimProvider) => trust[ids.get(provider.key) ?? trust.length] ?? 0
        const ranked: SimProvider[] = []
        const unknown = left.filter(provider => trustOf(provider) === 0)
        if (unknown.length > 0 && random.chance(UNKNOWN_CHANCE)) ranked.push(random.pick(unknown))
        const known = left.filter(provider => trustOf(provider) > 0 && !ranked.includes(provider))
        while (ranked.length < MAX_RANKED && known.length > 0) {
          const at = random.weighted(known.map(trustOf))
          ranked.push(...known.splice(Math.max(0, at), 1))
        }
        return [...ranked, ...random.sample(unknown, 2).filter(provider => !ranked.includes(provider))]
      },
      began() {},
      observe: ({ provider, status }) => state(requester.key, provider, status),
      hear({ witness, subject, status, receiptId }) {
        // Requesters' own experience is counted whole, above; others' statements once, not once for each hearer.
        if (!asking.has(witness) && !heard.has(receiptId)) {
          heard.add(receiptId)
          state(witness, subject, status)
        }
      },
      auditProbability: () => auditProbability,
    })
  },
}
