import { makeDomains } from './domains.ts'
import { Federation } from './federation.ts'

/** What a round took. */
export interface RoundCost {
  members: number
  rank: number
  /** Of an adapter. */
  bytes: number
  /** From the proposal to the last member that has the new adapter. All join at once. */
  elapsedMs: number
  /** By all members. */
  wireBytes: number
  /** The one that the row shows. */
  isReference: boolean
}

const PLANS = [
  { members: 2, ranks: [8] },
  { members: 4, ranks: [8] },
  { members: 8, ranks: [8, 32, 128] },
]

/** Rounds of one step of training, so that what is measured is everything else. */
export async function measureRounds(say: (what: string) => void): Promise<RoundCost[]> {
  const costs: RoundCost[] = []
  for (const { members, ranks } of PLANS) {
    const domains = makeDomains({ seed: 1, domains: members, factsPerDomain: 10 })
    for (const rank of ranks) {
      say(`a round of ${members} members, rank ${rank}`)
      const federation = await Federation.start({ domains })
      try {
        const training = { steps: 1, batchRows: 4, rowTokens: 64, learningRate: 3e-3 }
        const { bytes, elapsedMs, wireBytes } = await federation.round({ rank, alpha: 2 * rank, training }, 1)
        const isReference = members === 8 && rank === 8
        costs.push({ members, rank, bytes, elapsedMs, wireBytes, isReference })
      } finally {
        await federation.stop()
      }
    }
  }
  return costs
}
