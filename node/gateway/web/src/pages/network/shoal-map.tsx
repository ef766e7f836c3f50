import { FISH } from '../../design/logo.tsx'
import { nameOf } from '../ask/ledger.tsx'

/** One node on the map. */
export interface MapNode {
  peerId: string
  isConnected: boolean
  isRelayed: boolean
  /** 0 to 100; null where there is none yet. */
  reputation: number | null
  region: string | null
  models: readonly string[]
  /** When it was last heard to do something, for the pulse. */
  stirredAtMs: number | null
}

const SIZE = 480
/** At the sides, for the names of regions. */
const MARGIN = 44
const MIDDLE = SIZE / 2
const NEAREST = 74
const FARTHEST = 176
const KNOWN_ONLY = 212
const MAX_SHOWN = 240
/** A full turn is divided among regions by how many nodes they have. */
const TURN = 2 * Math.PI

/**
 * The shoal as this node sees it: itself in the middle, those it is connected to around it, the trusted nearer, and
 * at the rim those whose offers it knows. Nodes of a region swim together.
 */
export function ShoalMap({ nodes, label }: { nodes: readonly MapNode[]; label: string }) {
  const placed = place(nodes.slice(0, MAX_SHOWN))
  return (
    <svg
      className="shoal-map"
      viewBox={`${-MARGIN} 0 ${SIZE + 2 * MARGIN} ${SIZE}`}
      role="img"
      aria-label={label}
    >
      {[NEAREST, (NEAREST + FARTHEST) / 2, FARTHEST, KNOWN_ONLY].map(radius => (
        <circle
          key={radius}
          className="shoal-ring"
          data-rim={radius === KNOWN_ONLY}
          cx={MIDDLE}
          cy={MIDDLE}
          r={radius}
        />
      ))}
      {placed.map(({ node, x, y }) =>
        node.isConnected ? (
          <line
            key={node.peerId}
            className="shoal-tie"
            data-relayed={node.isRelayed}
            x1={MIDDLE}
            y1={MIDDLE}
            x2={x}
            y2={y}
          />
        ) : null,
      )}
      {placed.map(({ node, x, y, angle }) => (
        <g key={node.peerId} transform={`translate(${x} ${y}) rotate(${(angle * 180) / Math.PI + 90})`}>
          <title>{titleOf(node)}</title>
          {node.stirredAtMs === null ? null : (
            <circle key={node.stirredAtMs} className="shoal-pulse" r="14" />
          )}
          <circle className="shoal-reach" r="14" />
          <path
            className="shoal-fish"
            d={FISH}
            data-connected={node.isConnected}
            data-serves={node.models.length > 0}
            transform={`scale(${node.models.length > 0 ? 1.7 : 1.2})`}
          />
        </g>
      ))}
      {regionsOf(placed).map(({ region, x, y }) => (
        <text key={region} className="shoal-region" x={x} y={y} textAnchor="middle">
          {region}
        </text>
      ))}
      <path className="shoal-own" d={FISH} transform={`translate(${MIDDLE} ${MIDDLE}) scale(2.6)`} />
    </svg>
  )
}

interface Placed {
  node: MapNode
  x: number
  y: number
  angle: number
}

function place(nodes: readonly MapNode[]): Placed[] {
  const byRegion = Map.groupBy(nodes, ({ region }) => region ?? '')
  const regions = [...byRegion.keys()].sort()
  let begin = -Math.PI / 2
  return regions.flatMap(region => {
    const members = byRegion.get(region)!.toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1))
    const width = (members.length / nodes.length) * TURN
    const from = begin
    begin += width
    return members.map((node, index): Placed => {
      const angle = from + ((index + 0.5) / members.length) * width
      const trust = (node.reputation ?? 0) / 100
      // A little to and fro, the same each time, so that neighbours do not stand in a line.
      const sway = (spread(node.peerId) - 0.5) * 24
      const radius = node.isConnected ? FARTHEST - trust * (FARTHEST - NEAREST) + sway : KNOWN_ONLY
      return { node, angle, x: MIDDLE + radius * Math.cos(angle), y: MIDDLE + radius * Math.sin(angle) }
    })
  })
}

/** Where the name of each region stands: beyond its middle. */
function regionsOf(placed: readonly Placed[]): { region: string; x: number; y: number }[] {
  return [...Map.groupBy(placed, ({ node }) => node.region ?? '')].flatMap(([region, members]) => {
    if (region === '') return []
    const angle = members.reduce((sum, each) => sum + each.angle, 0) / members.length
    const radius = KNOWN_ONLY + 16
    // Wider than high, as names are.
    const x = MIDDLE + (radius + 16 * Math.abs(Math.cos(angle))) * Math.cos(angle)
    return [{ region, x, y: MIDDLE + radius * Math.sin(angle) + 4 }]
  })
}

/** 0 to 1, the same for the same id. */
function spread(id: string): number {
  let hash = 0
  for (const character of id) hash = (hash * 31 + character.charCodeAt(0)) % 9_973
  return hash / 9_973
}

function titleOf(node: MapNode): string {
  return [
    nameOf(node.peerId),
    node.isConnected ? (node.isRelayed ? 'connected through a relay' : 'connected') : 'known by its offer',
    ...(node.reputation === null ? [] : [`reputation ${node.reputation}`]),
    ...(node.models.length === 0 ? [] : [node.models.map(id => id.split('@')[0]).join(', ')]),
  ].join(' · ')
}
