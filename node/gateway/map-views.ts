import type { ShoalNode } from '../node.ts'
import { peerIdOf } from './views.ts'

/** A node on the map. */
export interface MapNodeView {
  peerId: string
  self: boolean
  connected: boolean
  /** As its offer says; null where it does not, or there is no offer. */
  region: string | null
  /** Round trip, ms; null where it was not measured. */
  rttMs: number | null
  reputation: number
  models: string[]
  freeSlots: number
  slots: number
  queued: number
}

/** A connection of this node. */
export interface MapLinkView {
  from: string
  to: string
  direction: 'inbound' | 'outbound'
  /** Over a third node, since no direct way was found. */
  relayed: boolean
  /** Multiaddr of the other end. */
  address: string
}

/** What this node sees of the network around it. */
export interface MapView {
  /** This node first, then those connected, then those that only their offers tell of. */
  nodes: MapNodeView[]
  links: MapLinkView[]
  /** Nodes beyond those shown. */
  more: number
}

const MAX_NODES = 500

/** The network around this node, as it is now. */
export function mapView(node: ShoalNode): MapView {
  const { host, book, reputation, engine } = node.parts
  const rtts = new Map([...host.roundTrips()].map(({ peer, rttMs }) => [peer, rttMs]))
  const connected = new Set(host.peers())
  const offering = book.list().map(({ provider }) => provider)
  const others = [...new Set([...connected, ...offering])].filter(peer => peer !== host.nodeKey)
  const self = peerIdOf(host.nodeKey)
  const own = node.tradeOrNull?.offers?.current()?.offer ?? null
  const { models, active, queued } = engine.status()
  const slots = models.reduce((sum, model) => sum + model.slots, 0)
  return {
    nodes: [
      {
        ...{ peerId: self, self: true, connected: true, rttMs: 0, reputation: 100 },
        region: node.config['offer.region'],
        models: own?.models.map(({ model }) => model) ?? [],
        ...{ slots, freeSlots: Math.max(0, slots - active), queued },
      },
      ...others.slice(0, MAX_NODES).map(peer => {
        const offer = book.of(peer)?.offer ?? null
        const sum = (of: 'slots' | 'freeSlots' | 'queued') =>
          offer?.models.reduce((total, model) => total + model[of], 0) ?? 0
        return {
          ...{ peerId: peerIdOf(peer), self: false, connected: connected.has(peer) },
          ...{ region: offer?.region ?? null, rttMs: rtts.get(peer) ?? null },
          reputation: reputation.score(peer).score,
          models: offer?.models.map(({ model }) => model) ?? [],
          ...{ slots: sum('slots'), freeSlots: sum('freeSlots'), queued: sum('queued') },
        }
      }),
    ],
    links: [...connected].slice(0, MAX_NODES).flatMap(peer =>
      host.connectionsOf(peer).map(({ address, direction, relayed }) => ({
        ...{ from: self, to: peerIdOf(peer), direction, relayed, address },
      })),
    ),
    more: Math.max(0, others.length - MAX_NODES),
  }
}
