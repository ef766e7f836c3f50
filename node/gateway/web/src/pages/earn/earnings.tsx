import { CREDIT, formatCredits, parseCredits } from '../../../../../../protocol/money.ts'
import { readableCredits } from '../../../../readable.ts'
import type { ReceiptView } from '../../../../views.ts'
import { useResource } from '../../data/resource.ts'
import { Card } from '../../design/card.tsx'
import { LineChart } from '../../design/chart.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'

const HOUR_MS = 3_600_000
const HOURS = 24
const MAX_RECEIPTS = 1_000
const REFRESH_EVERY_MS = 30_000

/** What came in by the hour, reckoned from the receipts themselves. */
export function EarningsCard() {
  const { data, error, reload } = useResource<ReceiptView[]>(`/api/receipts?limit=${MAX_RECEIPTS}`, {
    everyMs: REFRESH_EVERY_MS,
  })
  return (
    <Card
      title="Earned by the hour"
      about="By the receipts of the last 24 hours that requesters have paid for."
    >
      {error !== null ? (
        <ErrorState error={error} retry={reload} />
      ) : data === null ? (
        <Skeleton height="12rem" />
      ) : (
        <Hours receipts={data.filter(({ role }) => role === 'provider')} />
      )}
    </Card>
  )
}

function Hours({ receipts }: { receipts: readonly ReceiptView[] }) {
  const hours = earnedByHour(receipts, Date.now())
  if (hours.every(({ amount }) => amount === 0n)) {
    return (
      <EmptyState title="Nothing earned in 24 hours" level={3}>
        What this node earns stands here by the hour, as soon as the first task is paid.
      </EmptyState>
    )
  }
  return (
    <LineChart
      label="Credits earned by the hour"
      x={at => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
      y={credits => readableCredits(String(Number(credits.toPrecision(4))))}
      series={[
        {
          name: 'earned',
          tone: 'good',
          points: hours.map(({ startMs, amount }) => ({ x: startMs, y: Number(amount) / Number(CREDIT) })),
        },
      ]}
    />
  )
}

/** Sums by the hours up to now; whole base units, so that none is lost in rounding. */
export function earnedByHour(
  receipts: readonly Pick<ReceiptView, 'amount' | 'endedAt'>[],
  nowMs: number,
): { startMs: number; amount: bigint; credits: string }[] {
  const last = Math.floor(nowMs / HOUR_MS) * HOUR_MS
  const hours = Array.from({ length: HOURS }, (_, index) => ({
    startMs: last - (HOURS - 1 - index) * HOUR_MS,
    amount: 0n,
  }))
  for (const { amount, endedAt } of receipts) {
    const hour = hours[Math.floor((Date.parse(endedAt) - hours[0]!.startMs) / HOUR_MS)]
    if (hour !== undefined) hour.amount += parseCredits(amount)
  }
  return hours.map(({ startMs, amount }) => ({ startMs, amount, credits: formatCredits(amount) }))
}
