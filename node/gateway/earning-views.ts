import { formatCredits } from '../../protocol/money.ts'
import type { ShoalNode } from '../node.ts'

export const EARNING_SPANS = ['24h', '7d', '30d'] as const
export type EarningSpan = (typeof EARNING_SPANS)[number]

export interface EarningBucketView {
  startMs: number
  /** Credits, by receipts. */
  earned: string
  tasks: number
  failed: number
  outputTokens: number
}

/** What this node has earned by doing tasks for others, by its receipts. */
export interface EarningsView {
  span: EarningSpan
  widthMs: number
  /** Oldest first; all of the span. */
  buckets: EarningBucketView[]
  earned: string
  tasks: number
  models: { model: string; earned: string; tasks: number }[]
  /** Whether there were more receipts than are looked at: what is older is missing then. */
  isCut: boolean
}

const HOUR_MS = 3_600_000
const SHAPES: Record<EarningSpan, { widthMs: number; count: number }> = {
  '24h': { widthMs: HOUR_MS, count: 24 },
  '7d': { widthMs: 6 * HOUR_MS, count: 28 },
  '30d': { widthMs: 24 * HOUR_MS, count: 30 },
}
const MAX_RECEIPTS = 20_000
const MAX_MODELS = 32

export async function earningsView(node: ShoalNode, span: EarningSpan, nowMs: number): Promise<EarningsView> {
  const { widthMs, count } = SHAPES[span]
  const firstMs = (Math.floor(nowMs / widthMs) - count + 1) * widthMs
  const buckets = Array.from({ length: count }, (_, i) => ({
    ...{ startMs: firstMs + i * widthMs, earned: 0n, tasks: 0, failed: 0, outputTokens: 0 },
  }))
  const models = new Map<string, { earned: bigint; tasks: number }>()
  let looked = 0
  for await (const { role, receipt } of node.parts.receipts.list({ limit: MAX_RECEIPTS })) {
    if (receipt.endedAtMs < firstMs) break
    looked++
    const bucket = buckets[Math.floor((receipt.endedAtMs - firstMs) / widthMs)]
    if (role !== 'provider' || bucket === undefined) continue
    bucket.earned += receipt.amount
    bucket.tasks++
    if (receipt.reason === 'failed') bucket.failed++
    bucket.outputTokens += receipt.outputTokens
    const model = models.get(receipt.model) ?? { earned: 0n, tasks: 0 }
    models.set(receipt.model, { earned: model.earned + receipt.amount, tasks: model.tasks + 1 })
  }
  return {
    ...{ span, widthMs },
    buckets: buckets.map(bucket => ({ ...bucket, earned: formatCredits(bucket.earned) })),
    earned: formatCredits(buckets.reduce((sum, { earned }) => sum + earned, 0n)),
    tasks: buckets.reduce((sum, { tasks }) => sum + tasks, 0),
    models: [...models]
      .sort(([, a], [, b]) => (a.earned < b.earned ? 1 : -1))
      .slice(0, MAX_MODELS)
      .map(([model, { earned, tasks }]) => ({ model, earned: formatCredits(earned), tasks })),
    isCut: looked === MAX_RECEIPTS,
  }
}
