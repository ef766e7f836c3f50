import { useState } from 'react'
import { readableCredits, readableTime } from '../../../../readable.ts'
import { useResource } from '../../data/resource.ts'
import type { MarketView } from '../../data/views.ts'
import { Card, Facts } from '../../design/card.tsx'
import { LineChart } from '../../design/chart.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'

const SPANS = [
  { value: '1h', name: '1 hour' },
  { value: '24h', name: '24 hours' },
  { value: '7d', name: '7 days' },
] as const
type Span = (typeof SPANS)[number]['value']

const credits = (value: number) => readableCredits(value.toFixed(9).replace(/\.?0+$/, ''))
const time = (ms: number) => readableTime(new Date(ms).toISOString()).slice(5, 16)

/** What a million output tokens cost, over time and now, of one model. */
export function Prices({ names }: { names: readonly string[] }) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [span, setSpan] = useState<Span>('1h')
  const name = chosen ?? names[0] ?? null
  const path =
    name === null ? null : `/api/market?model=${encodeURIComponent(name)}&span=${encodeURIComponent(span)}`
  const { data, error, reload } = useResource<MarketView>(path, { everyMs: 30_000 })
  const model = data?.models[0]
  return (
    <Card
      title="Prices"
      about="Credits for a million output tokens, as offered by peers: the median, and your own where you offer it, too."
      actions={
        <>
          {names.length < 2 ? null : (
            <select
              className="input input-s"
              aria-label="Model whose prices are shown"
              value={name ?? ''}
              onChange={event => setChosen(event.target.value)}
            >
              {names.map(each => (
                <option key={each}>{each}</option>
              ))}
            </select>
          )}
          <div className="segments">
            {SPANS.map(({ value, name }) => (
              <button key={value} type="button" aria-pressed={value === span} onClick={() => setSpan(value)}>
                {name}
              </button>
            ))}
          </div>
        </>
      }
    >
      {error !== null && data === null ? (
        <ErrorState error={error} retry={reload} />
      ) : name === null ? (
        <EmptyState title="No prices yet" level={3}>
          They are written down from the first offer on.
        </EmptyState>
      ) : model === undefined ? (
        <Skeleton height="15rem" />
      ) : (
        <>
          <Facts
            of={[
              { name: 'Model', value: model.name },
              {
                name: 'Output now',
                value:
                  model.output === null
                    ? 'nobody else offers it'
                    : `${credits(model.output.low)} to ${credits(model.output.high)}, median ${credits(model.output.median)}`,
              },
              { name: 'Slots free', value: `${model.freeSlots} of ${model.slots}` },
            ]}
          />
          {model.history.length < 2 ? (
            <p className="quiet">The line begins with the second look at the market, in some minutes.</p>
          ) : (
            <LineChart
              label={`Output price of ${model.name} over ${span}`}
              x={time}
              y={credits}
              series={[
                {
                  name: 'Median of peers',
                  tone: 'water',
                  points: model.history.map(({ startMs, output }) => ({
                    x: startMs,
                    y: output?.median ?? null,
                  })),
                },
                ...(model.history.some(({ own }) => own !== null)
                  ? [
                      {
                        name: 'Yours',
                        tone: 'roe' as const,
                        points: model.history.map(({ startMs, own }) => ({
                          x: startMs,
                          y: own?.output ?? null,
                        })),
                      },
                    ]
                  : []),
              ]}
            />
          )}
        </>
      )}
    </Card>
  )
}
