import { useState } from 'react'
import type { EarningSpan, EarningsView } from '../../../../earning-views.ts'
import { count, inCredits, readableCredits } from '../../../../readable.ts'
import { useResource } from '../../data/resource.ts'
import { Card } from '../../design/card.tsx'
import { LineChart } from '../../design/chart.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'

const SPANS: readonly { span: EarningSpan; name: string }[] = [
  { span: '24h', name: '24 hours' },
  { span: '7d', name: '7 days' },
  { span: '30d', name: '30 days' },
]
const REFRESH_EVERY_MS = 30_000
const DAY_MS = 86_400_000
const DIGITS = 4

/** What came in over time, by the receipts. */
export function EarningsCard() {
  const [span, setSpan] = useState<EarningSpan>('24h')
  const { data, error, reload } = useResource<EarningsView>(`/api/earnings?span=${span}`, {
    everyMs: REFRESH_EVERY_MS,
  })
  return (
    <Card
      title="Earned over time"
      about="By the receipts of tasks done for others."
      actions={
        <fieldset className="spans">
          <legend className="visually-hidden">Span</legend>
          {SPANS.map(each => (
            <button
              key={each.span}
              type="button"
              className="button"
              data-size="s"
              data-kind="quiet"
              aria-pressed={each.span === span}
              onClick={() => setSpan(each.span)}
            >
              {each.name}
            </button>
          ))}
        </fieldset>
      }
    >
      {error !== null ? (
        <ErrorState error={error} retry={reload} />
      ) : data === null ? (
        <Skeleton height="14rem" />
      ) : data.tasks === 0 ? (
        <EmptyState title="Nothing earned yet" level={3}>
          What this node earns stands here over time, as soon as the first task is paid.
        </EmptyState>
      ) : (
        <Earnings earnings={data} />
      )}
    </Card>
  )
}

function Earnings({
  earnings: { buckets, widthMs, earned, tasks, models, isCut },
}: {
  earnings: EarningsView
}) {
  const at = (ms: number) =>
    widthMs < DAY_MS / 4
      ? new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
      : new Date(ms).toLocaleDateString([], { day: 'numeric', month: 'short' })
  return (
    <>
      <LineChart
        label="Credits earned over time"
        height={180}
        x={at}
        y={credits => readableCredits(String(Number(credits.toPrecision(DIGITS))))}
        series={[
          {
            name: 'earned',
            tone: 'good',
            points: buckets.map(({ startMs, earned }) => ({ x: startMs, y: Number(earned) })),
          },
        ]}
      />
      <p className="card-about earned-sum">
        {inCredits(earned)} for {count(tasks, 'task')}
        {models.length < 2
          ? ''
          : `: ${models.map(({ model, earned }) => `${model.split('@')[0]} ${readableCredits(earned)}`).join(', ')}`}
        {isCut ? ' · older receipts are not counted' : ''}
      </p>
    </>
  )
}
