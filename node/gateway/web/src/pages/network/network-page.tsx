import { useEffect, useMemo, useRef, useState } from 'react'
import { Link } from '../../app/router.tsx'
import { liveState, useLive } from '../../data/live.ts'
import { type Resource, useResource } from '../../data/resource.ts'
import { useStore } from '../../data/store.ts'
import type { MarketView, OfferView, PeerView, StatusView } from '../../data/views.ts'
import { Badge, Card, Figure } from '../../design/card.tsx'
import { Meter } from '../../design/chart.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { TextField } from '../../design/field.tsx'
import { PageBody, PageHeader } from '../../design/page.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { type Column, Table } from '../../design/table.tsx'
import { Credits, Id } from '../../design/value.tsx'
import { eventWords } from './event-words.ts'
import { Prices } from './prices.tsx'
import { type MapNode, ShoalMap } from './shoal-map.tsx'
import './network.css'

/** Many events at once ask for one look. */
const SETTLE_MS = 400
/** Without events the lists are asked for now and then. */
const LOOK_EVERY_MS = 15_000
const MAX_NEWS = 12

export default function NetworkPage() {
  const status = useResource<StatusView>('/api/status', { everyMs: LOOK_EVERY_MS })
  const peers = useResource<PeerView[]>('/api/peers', { everyMs: LOOK_EVERY_MS })
  const offers = useResource<OfferView[]>('/api/offers', { everyMs: LOOK_EVERY_MS })
  const market = useResource<MarketView>('/api/market', { everyMs: LOOK_EVERY_MS })
  const { news, stirred } = useNews([status, peers, offers, market])
  const nodes = useMemo(
    () => mapNodes(peers.data ?? [], offers.data ?? [], stirred),
    [peers.data, offers.data, stirred],
  )
  const names = useMemo(() => market.data?.models.map(({ name }) => name) ?? [], [market.data])
  return (
    <PageBody>
      <PageHeader
        title="Network"
        about="The shoal as this node sees it. Every node has its own view; none is the whole."
        actions={<LiveBadge />}
      />
      <div className="figures">
        <Count name="Peers" resource={peers} of={data => data.length} note="connected to this node" />
        <Count name="Offers" resource={status} of={data => data.offers} note="known, signed, not expired" />
        <Count
          name="Models"
          resource={market}
          of={data => data.models.length + data.more}
          note="on the market"
        />
        <Count
          name="Slots free"
          resource={market}
          of={data => data.models.reduce((sum, { freeSlots }) => sum + freeSlots, 0)}
          note="at peers, now"
        />
      </div>
      <div className="page-columns" data-wide="first">
        <Card
          title="Map"
          about="This node in the middle, connected peers around it, the more trusted the nearer; at the rim, those known by their offers."
        >
          {peers.error !== null && peers.data === null ? (
            <ErrorState error={peers.error} retry={peers.reload} />
          ) : peers.data === null ? (
            <Skeleton height="24rem" />
          ) : nodes.length === 0 ? (
            <Alone />
          ) : (
            <ShoalMap nodes={nodes} label={`Map of ${nodes.length} nodes; the tables below tell the same`} />
          )}
        </Card>
        <Card title="As it happens">
          {news.length === 0 ? (
            <p className="quiet">Nothing has happened since you came.</p>
          ) : (
            <ol className="news">
              {news.map(({ id, at, words }) => (
                <li key={id}>
                  <time dateTime={at}>{new Date(at).toLocaleTimeString([], { hour12: false })}</time>
                  <span>{words}</span>
                </li>
              ))}
            </ol>
          )}
        </Card>
      </div>
      <Prices names={names} />
      <Peers peers={peers} />
      <Offers offers={offers} />
    </PageBody>
  )
}

function LiveBadge() {
  const state = useStore(liveState)
  if (state === 'on') return <Badge tone="good">Live</Badge>
  return (
    <Badge tone={state === 'lost' ? 'warn' : 'plain'}>{state === 'lost' ? 'Not live' : 'Connecting'}</Badge>
  )
}

function Count<T>(props: { name: string; resource: Resource<T>; of: (data: T) => number; note: string }) {
  const { data } = props.resource
  return <Figure name={props.name} value={data === null ? '–' : props.of(data)} note={props.note} />
}

function Alone() {
  return (
    <EmptyState title="No peers yet" level={3}>
      Peers on the same local network are found by themselves. For others, start the node with the address of
      one: <code>shoal up --bootstrap ADDRESS</code>
    </EmptyState>
  )
}

function Peers({ peers }: { peers: Resource<PeerView[]> }) {
  const columns: readonly Column<PeerView>[] = [
    {
      id: 'peer',
      head: 'Peer',
      cell: peer => <Id id={peer.peerId} what="peer" />,
      order: peer => peer.peerId,
    },
    {
      id: 'reputation',
      head: 'Reputation',
      cell: ({ reputation }) => <Meter share={reputation / 100} label={String(Math.round(reputation))} />,
      order: ({ reputation }) => reputation,
    },
    { id: 'tasks', head: 'Tasks', isNumber: true, cell: ({ tasks }) => tasks, order: ({ tasks }) => tasks },
    {
      id: 'way',
      head: 'Connection',
      cell: ({ direction, relayed }) => (
        <>
          {direction} {relayed ? <Badge tone="water">relayed</Badge> : null}
        </>
      ),
      order: ({ direction }) => direction,
    },
    {
      id: 'models',
      head: 'Offers',
      cell: ({ models }) => (models.length === 0 ? '–' : models.map(id => id.split('@')[0]).join(', ')),
    },
    {
      id: 'violations',
      head: 'Violations',
      isNumber: true,
      cell: ({ violations }) => (violations === 0 ? '0' : <Badge tone="bad">{violations}</Badge>),
      order: ({ violations }) => violations,
    },
  ]
  return (
    <Card title="Peers" about="Reputation is this node’s own opinion, from what it saw and checked itself.">
      <Listed resource={peers}>
        {data => (
          <Table
            caption="Peers"
            columns={columns}
            rows={data}
            keyOf={({ peerId }) => peerId}
            initial={{ column: 'reputation', descending: true }}
            empty={<Alone />}
          />
        )}
      </Listed>
    </Card>
  )
}

function Offers({ offers }: { offers: Resource<OfferView[]> }) {
  const [wanted, setWanted] = useState('')
  const columns: readonly Column<OfferView>[] = [
    { id: 'model', head: 'Model', cell: ({ model }) => model.split('@')[0], order: ({ model }) => model },
    {
      id: 'provider',
      head: 'Provider',
      cell: ({ provider, own }) =>
        own ? <Badge tone="roe">this node</Badge> : <Id id={provider} what="provider" />,
    },
    {
      id: 'region',
      head: 'Region',
      cell: ({ region }) => region ?? '–',
      order: ({ region }) => region ?? '',
    },
    {
      id: 'input',
      head: 'Input',
      isNumber: true,
      cell: offer => <Credits exact={offer.inputPerMillion} unit={false} />,
      order: offer => Number(offer.inputPerMillion),
    },
    {
      id: 'output',
      head: 'Output',
      isNumber: true,
      cell: offer => <Credits exact={offer.outputPerMillion} unit={false} />,
      order: offer => Number(offer.outputPerMillion),
    },
    {
      id: 'speed',
      head: 'Tokens/s',
      isNumber: true,
      cell: ({ tokensPerSecond }) => Math.round(tokensPerSecond),
      order: ({ tokensPerSecond }) => tokensPerSecond,
    },
    {
      id: 'slots',
      head: 'Free',
      isNumber: true,
      cell: ({ freeSlots, slots }) => `${freeSlots} of ${slots}`,
      order: ({ freeSlots }) => freeSlots,
    },
    { id: 'class', head: 'Fit for', cell: ({ dataClass }) => dataClass, order: ({ dataClass }) => dataClass },
  ]
  return (
    <Card
      title="Offers"
      about="Signed by who makes them. Prices in credits for a million tokens."
      actions={
        <TextField
          label="Find a model or region"
          isLabelHidden
          placeholder="Find a model or region …"
          value={wanted}
          onChange={event => setWanted(event.target.value)}
        />
      }
    >
      <Listed resource={offers}>
        {data => (
          <Table
            caption="Offers"
            columns={columns}
            rows={data.filter(({ model, region }) =>
              `${model} ${region ?? ''}`.toLowerCase().includes(wanted.toLowerCase()),
            )}
            keyOf={({ provider, model }) => `${provider} ${model}`}
            empty={
              data.length === 0 ? (
                <EmptyState
                  title="Nobody offers a model"
                  level={3}
                  action={<Link href="/earn">Offer one yourself</Link>}
                >
                  Offers come with the first peers, and go when they expire.
                </EmptyState>
              ) : (
                <p className="quiet">No offer has “{wanted}” in its model or region.</p>
              )
            }
          />
        )}
      </Listed>
    </Card>
  )
}

function Listed<T>({
  resource,
  children,
}: {
  resource: Resource<T>
  children: (data: T) => React.ReactNode
}) {
  const { data, error, reload } = resource
  if (data !== null) return children(data)
  return error === null ? <Skeleton lines={4} /> : <ErrorState error={error} retry={reload} />
}

function mapNodes(
  peers: readonly PeerView[],
  offers: readonly OfferView[],
  stirred: ReadonlyMap<string, number>,
): MapNode[] {
  const nodes = new Map<string, MapNode>()
  for (const { peerId, relayed, reputation, models } of peers) {
    const region = offers.find(({ provider }) => provider === peerId)?.region ?? null
    const stirredAtMs = stirred.get(peerId) ?? null
    nodes.set(peerId, {
      peerId,
      isConnected: true,
      isRelayed: relayed,
      reputation,
      region,
      models,
      stirredAtMs,
    })
  }
  for (const { provider, reputation, region, model, own } of offers) {
    const known = nodes.get(provider)
    if (own || known?.isConnected === true) continue
    const models = [...(known?.models ?? []), model]
    const rest = { isConnected: false, isRelayed: false, reputation, region }
    nodes.set(provider, { peerId: provider, ...rest, models, stirredAtMs: stirred.get(provider) ?? null })
  }
  return [...nodes.values()]
}

interface News {
  id: string
  at: string
  words: string
}

/** What happens, in words; and the lists are asked for again when it changes them. */
function useNews(resources: readonly { reload: () => void }[]): {
  news: readonly News[]
  stirred: ReadonlyMap<string, number>
} {
  const [news, setNews] = useState<readonly News[]>([])
  const [stirred, setStirred] = useState<ReadonlyMap<string, number>>(new Map())
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current)
    },
    [],
  )
  useLive(['peers', 'prices', 'tasks'], event => {
    const { words, peer } = eventWords(event)
    if (words !== null) setNews(now => [{ id: event.id, at: event.time, words }, ...now].slice(0, MAX_NEWS))
    if (peer !== null) setStirred(now => new Map(now).set(peer, Date.now()))
    timer.current ??= setTimeout(() => {
      timer.current = null
      for (const { reload } of resources) reload()
    }, SETTLE_MS)
  })
  return { news, stirred }
}
