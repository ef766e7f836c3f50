import type { MarketModelView, OwnModelView, SpreadView } from '../../../../market-views.ts'
import { readableCredits } from '../../../../readable.ts'
import { Badge, Card, Facts } from '../../design/card.tsx'
import { LineChart, Meter } from '../../design/chart.tsx'
import { Credits } from '../../design/value.tsx'

const SPAN_NAMES = { '1h': 'the last hour', '24h': 'the last 24 hours', '7d': 'the last 7 days' } as const
const PERCENT = 100
const PRICE_DIGITS = 6

/** One model this node offers: its price where the market's are, and how busy it is. */
export function OwnModelCard({ own, market }: { own: OwnModelView; market: MarketModelView }) {
  const [name = own.model] = own.model.split('@')
  const busy = own.slots - own.freeSlots
  const offers = market.offers + 1
  return (
    <Card
      title={name}
      actions={
        market.output === null ? (
          <Badge tone="water">nobody else offers it</Badge>
        ) : (
          <Badge tone={own.rank === 1 ? 'good' : own.rank === offers && offers > 1 ? 'warn' : 'plain'}>
            place {own.rank} of {offers}
          </Badge>
        )
      }
    >
      <div className="own-model">
        <div>
          {market.output === null ? null : (
            <PriceStrip spread={market.output} own={Number(own.price.output)} />
          )}
          <Facts
            of={[
              {
                name: 'Output',
                value: (
                  <>
                    <Credits exact={own.price.output} /> per million tokens
                  </>
                ),
                note: moved(own.multiplier.output, own.base.output),
              },
              {
                name: 'Input',
                value: (
                  <>
                    <Credits exact={own.price.input} /> per million tokens
                  </>
                ),
                note: moved(own.multiplier.input, own.base.input),
              },
              ...(own.spot === null
                ? []
                : [
                    {
                      name: 'Spot output',
                      value: <Credits exact={own.spot.output} />,
                      note: 'for tasks that may be moved',
                    },
                  ]),
              { name: 'Speed', value: `${own.tokensPerSecond} tokens/s` },
              {
                name: 'Slots in use',
                value: (
                  <Meter share={own.slots === 0 ? 0 : busy / own.slots} label={`${busy} of ${own.slots}`} />
                ),
                note: own.queued === 0 ? 'nobody waits' : `${own.queued} waiting`,
              },
            ]}
          />
        </div>
        <PriceHistory market={market} />
      </div>
    </Card>
  )
}

function moved(multiplier: number, base: string): string {
  const change = Math.round((multiplier - 1) * PERCENT)
  if (change === 0) return 'as set'
  return `${change > 0 ? '+' : '−'}${Math.abs(change)} % by demand, from ${readableCredits(base)}`
}

/** Where the own price lies between the lowest and the highest of others. */
function PriceStrip({ spread, own }: { spread: SpreadView; own: number }) {
  const low = Math.min(spread.low, own)
  const high = Math.max(spread.high, own)
  const at = (price: number) => `${high === low ? 50 : ((price - low) / (high - low)) * PERCENT}%`
  const text = (price: number) => readableCredits(String(Number(price.toPrecision(PRICE_DIGITS))))
  const label = `You ask ${text(own)} for output; others from ${text(spread.low)} to ${text(spread.high)}, the median is ${text(spread.median)}`
  return (
    <div className="price-strip" role="img" aria-label={label}>
      <div className="price-strip-line">
        <span
          className="price-strip-range"
          style={{ left: at(spread.low), right: `calc(100% - ${at(spread.high)})` }}
        />
        <span className="price-strip-median" style={{ left: at(spread.median) }} />
        <span className="price-strip-own" style={{ left: at(own) }} />
      </div>
      <p aria-hidden="true">
        <span>{text(low)}</span>
        <span>
          <i className="price-key" data-key="own" /> you {text(own)}{' '}
          <i className="price-key" data-key="median" /> median {text(spread.median)}
        </span>
        <span>{text(high)}</span>
      </p>
    </div>
  )
}

function PriceHistory({ market }: { market: MarketModelView }) {
  const { history, span, name } = market
  const points = (of: (bucket: (typeof history)[number]) => number | null) =>
    history.map(bucket => ({ x: bucket.startMs, y: of(bucket) }))
  const known = history.filter(({ own, output }) => own !== null || output !== null)
  if (known.length < 2) {
    return <p className="own-model-soon">The history of prices begins now; a line stands here in a minute.</p>
  }
  return (
    <LineChart
      label={`Output price of ${name}, ${SPAN_NAMES[span]}, credits per million tokens`}
      height={220}
      x={at => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
      y={price => readableCredits(String(Number(price.toPrecision(4))))}
      series={[
        { name: 'you', tone: 'roe' as const, points: points(({ own }) => own?.output ?? null) },
        {
          name: 'median of others',
          tone: 'water' as const,
          points: points(({ output }) => output?.median ?? null),
        },
      ].filter(({ points }) => points.some(({ y }) => y !== null))}
    />
  )
}
