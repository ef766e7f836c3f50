import { CapabilityIndex } from '../../node/market/capability-index.ts'
import type { KnownOffer } from '../../node/market/offer-book.ts'
import type { Demand } from '../../node/market/routing/candidate.ts'
import { LinUcbPolicy } from '../../node/market/routing/learning/lin-ucb.ts'
import { DEFAULT_POLICY } from '../../node/market/routing/learning/policy-settings.ts'
import { Router } from '../../node/market/routing/router.ts'
import type { ModelOffer } from '../../protocol/messages/offer.ts'
import { costRoundedUp } from '../../protocol/money.ts'
import {
  fillIndex,
  routerModules,
  seededRandom,
  syntheticDemand,
  syntheticOffer,
  syntheticProvider,
  syntheticReputation,
} from '../helpers/synthetic-market.ts'
import { type Bench, type BenchRow, median, valueRow } from './row.ts'

const RATE_ROW = 'route.rate.10k'
const P99_ROW = 'route.p99.100k'
const MIN_DECISIONS_PER_SECOND = 10_000
const MAX_P99_MS = 5
const NOW_MS = 1_700_000_000_000
const ROUNDS = 7
const DECISIONS_PER_ROUND = 2_000
/** One decision in so many is followed by an outcome and by a changed offer. */
const CHANGE_EVERY = 10
const WARM_UP = 4_000
/** The baseline is slow: fewer decisions tell as much of it. */
const BASELINE_DECISIONS = 40

const WHAT =
  'default policy that learns, a fifth of the providers newcomers, 40 models as often offered and asked for as Zipf says, one demand in ten for any model, all strategies'

/** Decisions of the router, beside ranking a list of offers as objects. */
export const routeBench: Bench = {
  rows: [RATE_ROW, P99_ROW],
  async run(wanted) {
    const rows: BenchRow[] = []
    if (wanted(RATE_ROW)) rows.push(rateRow())
    if (wanted(P99_ROW)) rows.push(p99Row())
    return rows
  },
}

function rateRow(): BenchRow {
  const rates = Object.fromEntries([1_000, 10_000, 100_000].map(offers => [offers, measure(offers)]))
  const { perSecond, baselinePerSecond } = rates[10_000]!
  return valueRow(
    {
      name: RATE_ROW,
      unit: 'decisions/s',
      value: perSecond,
      baseline: baselinePerSecond,
      note: `10,000 offers, one core, ${WHAT}; ${Math.round(rates[1_000]!.perSecond)}/s with 1,000 offers, ${Math.round(rates[100_000]!.perSecond)}/s with 100,000; beside ranking objects one by one`,
    },
    { atLeast: MIN_DECISIONS_PER_SECOND },
  )
}

function p99Row(): BenchRow {
  const { p99Ms, baselineP99Ms, listings, firstMs } = measure(100_000)
  return valueRow(
    {
      name: P99_ROW,
      unit: 'ms',
      value: p99Ms,
      baseline: baselineP99Ms,
      note: `100,000 offers with ${listings} listings, one core, ${WHAT}; the router takes the index in in ${Math.round(firstMs)} ms; beside ranking objects one by one`,
    },
    { atMost: MAX_P99_MS },
  )
}

function measure(offers: number) {
  const random = seededRandom(7)
  const clock = { nowMs: () => NOW_MS, setTimer: () => ({ cancel: () => {} }) }
  const index = new CapabilityIndex({ clock })
  const known = fillIndex(index, offers, random, NOW_MS)
  const begun = performance.now()
  // The policy nodes have; it learns from the outcomes below.
  const policy = new LinUcbPolicy({ settings: DEFAULT_POLICY })
  const router = new Router({ region: 'eu-de' }, routerModules({ index, clock, random, policy }))
  const firstMs = performance.now() - begun
  const demands = Array.from({ length: DECISIONS_PER_ROUND }, () => syntheticDemand(random))
  const changes = Array.from({ length: DECISIONS_PER_ROUND / CHANGE_EVERY }, () =>
    syntheticOffer(syntheticProvider(Math.floor(random() * offers)), random, NOW_MS),
  )
  const round = (count: number) => {
    const times = new Float64Array(count)
    const before = process.cpuUsage()
    for (let place = 0; place < count; place++) {
      const beginMs = performance.now()
      const { decisionId, candidates } = router.rank(demands[place % DECISIONS_PER_ROUND]!)
      times[place] = performance.now() - beginMs
      if (place % CHANGE_EVERY !== 0 || candidates.length === 0) continue
      const [{ provider, prediction }] = candidates as [(typeof candidates)[0]]
      router.begin(decisionId, provider)
      router.observe({
        decisionId,
        provider,
        status: 'completed',
        ttftMs: prediction.ttftMs,
        totalMs: prediction.totalMs,
        outputTokens: 100,
        promptTokens: 200,
        paid: prediction.expectedCost,
      })
      index.set(changes[(place / CHANGE_EVERY) % changes.length]!)
    }
    const { user, system } = process.cpuUsage(before)
    // Of computing time, the garbage collector's threads included: what other programs take says nothing of ours.
    return { perSecond: (count / (user + system)) * 1e6, p99Ms: percentile99(times) }
  }
  round(WARM_UP)
  const rounds = Array.from({ length: ROUNDS }, () => round(DECISIONS_PER_ROUND))
  const baseline = new Float64Array(BASELINE_DECISIONS)
  for (const place of baseline.keys()) {
    const before = performance.now()
    rankObjects(demands[place]!, known)
    baseline[place] = performance.now() - before
  }
  router.stop()
  return {
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    p99Ms: median(rounds.map(({ p99Ms }) => p99Ms)),
    baselinePerSecond: 1_000 / (baseline.reduce((sum, ms) => sum + ms, 0) / BASELINE_DECISIONS),
    baselineP99Ms: percentile99(baseline),
    listings: index.size,
    firstMs,
  }
}

function percentile99(times: Float64Array): number {
  return times.toSorted()[Math.ceil(times.length * 0.99) - 1]!
}

const TYPICAL_OUTPUT_TOKENS = 128
const CREDITS_PER_HOUR = 1

/** The plain way: every offer an object, exact amounts for each, everything sorted. */
function rankObjects(demand: Demand, offers: readonly KnownOffer[]): { model: ModelOffer; burden: number }[] {
  const fit: { model: ModelOffer; burden: number }[] = []
  for (const { provider, offer } of offers) {
    for (const model of offer.models) {
      if (demand.model !== null && demand.model !== model.model) continue
      if (!model.kinds.some(kind => kind === demand.kind)) continue
      if (demand.promptTokensBound / 8 > model.contextTokens) continue
      const outputTokens = Math.min(demand.maxTokens, TYPICAL_OUTPUT_TOKENS)
      const cost = costRoundedUp(model, { inputTokens: demand.promptTokensExpected, outputTokens })
      if (demand.maxPrice !== null && cost > demand.maxPrice) continue
      const seconds = (outputTokens / Math.max(1, model.tokensPerSecond)) * (model.freeSlots === 0 ? 4 : 1)
      const reliability = Math.max(0.05, syntheticReputation.reliability(provider))
      const credits = Number(cost) / 1e18 + (seconds / 3_600) * CREDITS_PER_HOUR
      fit.push({ model, burden: credits / reliability })
    }
  }
  return fit.sort((a, b) => a.burden - b.burden)
}
