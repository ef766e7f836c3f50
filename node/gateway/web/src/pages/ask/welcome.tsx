import { inCredits } from '../../../../readable.ts'
import { useResource } from '../../data/resource.ts'
import type { MarketView, StatusView } from '../../data/views.ts'
import { FISH } from '../../design/logo.tsx'

const STARTS = [
  'Explain how a voucher pays for an answer while it streams',
  'Write a haiku about fish that keep together',
  'Make a small HTML page with a clock',
]

/** Where fish of the picture swim: x, y, size; the last one leads. */
const SHOAL: readonly (readonly [number, number, number])[] = [
  ...([
    [36, 58, 1.1],
    [70, 28, 1.2],
    [78, 82, 1.25],
    [112, 54, 1.5],
    [128, 20, 1.1],
    [134, 90, 1.1],
  ] as const),
  ...([
    [158, 66, 1.35],
    [168, 38, 1.3],
    [206, 52, 1.8],
  ] as const),
]

/** What stands where nothing has been asked yet: who is out there, and how to begin. */
export function Welcome({ onStart }: { onStart: (text: string) => void }) {
  return (
    <div className="welcome">
      <svg className="welcome-shoal" viewBox="0 0 232 108" aria-hidden="true">
        {SHOAL.map(([x, y, size], index) => (
          <g key={`${x} ${y}`} transform={`translate(${x} ${y}) scale(${size})`}>
            <path
              d={FISH}
              data-leads={index === SHOAL.length - 1}
              style={{ animationDelay: `${-index * 0.7}s` }}
            />
          </g>
        ))}
      </svg>
      <h2>Ask the shoal</h2>
      <p className="welcome-words">
        Your question goes to whoever answers it best for the money. You see who that is, what it costs as it
        comes, and get a receipt that anyone can check.
      </p>
      <WhoIsThere />
      <ul className="welcome-starts" aria-label="Ways to begin">
        {STARTS.map(text => (
          <li key={text}>
            <button type="button" onClick={() => onStart(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** One line of the network as it is now; its place is held while it is asked for. */
function WhoIsThere() {
  const status = useResource<StatusView>('/api/status').data
  const market = useResource<MarketView>('/api/market').data
  const prices = market?.models.flatMap(({ output }) => (output === null ? [] : [output.low])) ?? []
  const facts =
    status === null
      ? []
      : [
          `${status.peers} ${status.peers === 1 ? 'peer' : 'peers'}`,
          `${status.offers} ${status.offers === 1 ? 'offer' : 'offers'}`,
          ...(prices.length === 0
            ? []
            : [`from ${inCredits(String(Math.min(...prices)))} a million output tokens`]),
        ]
  return <p className="welcome-facts">{facts.join(' · ')}</p>
}
