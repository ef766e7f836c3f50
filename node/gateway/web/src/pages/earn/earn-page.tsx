import { formatCredits, parseCredits } from '../../../../../../protocol/money.ts'
import type { MarketView } from '../../../../market-views.ts'
import { count, inCredits, readableSpan } from '../../../../readable.ts'
import type { StatusView } from '../../../../views.ts'
import { Link } from '../../app/router.tsx'
import { postJson } from '../../data/http.ts'
import { useLive } from '../../data/live.ts'
import { useResource } from '../../data/resource.ts'
import { can, useMe } from '../../data/session.ts'
import { Card, Figure } from '../../design/card.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { PageBody, PageHeader } from '../../design/page.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { toast } from '../../design/toast.tsx'
import { Credits } from '../../design/value.tsx'
import { ActionButton } from '../wallet/action.tsx'
import { EarningsCard } from './earnings.tsx'
import { FindingsCard } from './findings.tsx'
import { OwnModelCard } from './own-model.tsx'
import { StakeCard } from './stake.tsx'
import './earn.css'

const REFRESH_EVERY_MS = 10_000

/** For operators: what the node earns, how busy it is, how its prices stand, and what keeps tasks away. */
export default function EarnPage() {
  const me = useMe()
  const market = useResource<MarketView>('/api/market', { everyMs: REFRESH_EVERY_MS })
  const status = useResource<StatusView>('/api/status', { everyMs: REFRESH_EVERY_MS })
  useLive(['receipts'], market.reload)
  const isOperator = can(me, 'operate')
  const { data, error } = market
  // Others are told of the market, and nothing of what the node earns.
  if (data !== null && (data as Partial<MarketView>).earning === undefined) return <NotForYou />
  return (
    <PageBody>
      <PageHeader
        title="Earn"
        about="What this node does for others, what it gets for it, and what would bring it more."
        actions={
          isOperator ? (
            <ActionButton
              kind="primary"
              failed="Not settled"
              act={async () => {
                const claims = await postJson<{ amount: string }[]>('/api/settle')
                const total = claims.reduce((sum, { amount }) => sum + parseCredits(amount), 0n)
                toast(
                  total === 0n
                    ? 'There was nothing to claim.'
                    : `Claimed ${inCredits(formatCredits(total))} on chain.`,
                  'good',
                )
                market.reload()
              }}
            >
              Settle now
            </ActionButton>
          ) : undefined
        }
      />
      {data === null ? (
        error === null ? (
          <>
            <Skeleton height="6rem" />
            <Skeleton height="14rem" />
          </>
        ) : (
          <ErrorState error={error} title="Earnings cannot be shown" retry={market.reload} />
        )
      ) : (
        <>
          <EarnFigures market={data} status={status.data} />
          <FindingsCard market={data} />
          {ownModels(data).length === 0 ? (
            <Card title="Your models on the market">
              <EmptyState title="This node offers no model" level={3}>
                Offer one with shoal models add, or set models.serve; its price against the market then stands
                here.
              </EmptyState>
            </Card>
          ) : (
            ownModels(data).map(({ own, market }) => (
              <OwnModelCard key={own.model} own={own} market={market} />
            ))
          )}
          <EarningsCard />
        </>
      )}
      {isOperator ? <StakeCard /> : null}
    </PageBody>
  )
}

function NotForYou() {
  return (
    <PageBody>
      <PageHeader title="Earn" />
      <EmptyState title="For whoever runs this node" action={<Link href="/network">See the market</Link>}>
        What it earns is its owner’s business. Are you the owner? Come with the link that{' '}
        <code>shoal serve</code> prints. Or run a node of your own: <code>shoal up</code>.
      </EmptyState>
    </PageBody>
  )
}

function ownModels({ models }: MarketView) {
  return models.flatMap(market => market.own.map(own => ({ own, market })))
}

function EarnFigures({ market, status }: { market: MarketView; status: StatusView | null }) {
  const { credits, tasks, requesters, unclaimed, lastTaskAt } = market.earning
  const own = ownModels(market).map(({ own }) => own)
  const slots = own.reduce((sum, { slots }) => sum + slots, 0)
  const busy = own.reduce((sum, { slots, freeSlots }) => sum + slots - freeSlots, 0)
  const queued = own.reduce((sum, { queued }) => sum + queued, 0)
  return (
    <section className="card figures" aria-label="The last 24 hours">
      <Figure
        name="Earned in 24 hours"
        value={<Credits exact={credits} unit={false} />}
        unit="credits"
        note={`${count(tasks, 'task')} for ${count(requesters, 'requester')}`}
      />
      <Figure
        name="To be claimed"
        value={unclaimed === null ? '–' : <Credits exact={unclaimed} unit={false} />}
        unit="credits"
        note="signed by requesters; settles by itself"
      />
      <Figure
        name="In use now"
        value={slots === 0 ? '–' : `${busy} of ${slots}`}
        unit="slots"
        note={queued === 0 ? 'nobody waits' : `${count(queued, 'task')} waiting`}
      />
      <Figure
        name="Last task"
        value={lastTaskAt === null ? 'None yet' : readableSpan(Date.now() - Date.parse(lastTaskAt))}
        {...(lastTaskAt === null ? {} : { unit: 'ago' })}
        note={status === null ? '–' : `engine ${status.engine.state}, ${status.engine.active} running`}
      />
    </section>
  )
}
