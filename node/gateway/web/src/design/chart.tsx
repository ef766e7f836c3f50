import { type RefObject, useEffect, useId, useRef, useState } from 'react'

export interface Series {
  name: string
  /** In order of x; a null y leaves a gap. */
  points: readonly { x: number; y: number | null }[]
  tone?: 'roe' | 'water' | 'good' | 'soft'
}

/** Until it is known how wide the chart is. */
const USUAL_WIDTH = 640
const LEFT = 56
const BOTTOM = 24
const TOP = 8
const RIGHT = 8
const MAX_TICKS = 4

/** Lines over a common x; the same numbers stand in a table for those who do not see them. */
export function LineChart(props: {
  /** What it shows, in words. */
  label: string
  series: readonly Series[]
  height?: number
  /** How x and y are written. */
  x: (value: number) => string
  y: (value: number) => string
  /** The scale begins at nought, unless that would hide what there is to see. */
  fromZero?: boolean
}) {
  const id = useId()
  const figure = useRef<HTMLElement>(null)
  const width = useWidth(figure)
  const { height = 200 } = props
  const points = props.series.flatMap(({ points }) => points)
  const ys = points.flatMap(({ y }) => (y === null ? [] : [y]))
  const xs = points.map(({ x }) => x)
  if (ys.length === 0) return null
  const ticks = niceTicks(props.fromZero === false ? Math.min(...ys) : 0, Math.max(...ys))
  const [low, high] = [ticks[0]!, ticks.at(-1)!]
  const [first, last] = [Math.min(...xs), Math.max(...xs)]
  const left = (x: number) => LEFT + ((x - first) / (last - first || 1)) * (width - LEFT - RIGHT)
  const top = (y: number) => TOP + (1 - (y - low) / (high - low || 1)) * (height - TOP - BOTTOM)
  return (
    <figure className="chart" ref={figure}>
      <svg viewBox={`0 0 ${width} ${height}`} height={height} role="img" aria-labelledby={id}>
        <title id={id}>{props.label}</title>
        {ticks.map(tick => (
          <g key={tick}>
            <line className="chart-grid" x1={LEFT} x2={width - RIGHT} y1={top(tick)} y2={top(tick)} />
            <text className="chart-text" x={LEFT - 8} y={top(tick) + 4} textAnchor="end">
              {props.y(tick)}
            </text>
          </g>
        ))}
        <text className="chart-text" x={LEFT} y={height - 6}>
          {props.x(first)}
        </text>
        {last === first ? null : (
          <text className="chart-text" x={width - RIGHT} y={height - 6} textAnchor="end">
            {props.x(last)}
          </text>
        )}
        {props.series.map(({ name, points, tone = 'roe' }) => (
          <g key={name} className="chart-line" data-tone={tone}>
            <path d={pathOf(points.map(({ x, y }) => ({ x: left(x), y: y === null ? null : top(y) })))} />
            {points.map(({ x, y }) =>
              y === null ? null : (
                <circle key={x} cx={left(x)} cy={top(y)} r={points.length > 40 ? 0.1 : 2.5}>
                  <title>{`${name}, ${props.x(x)}: ${props.y(y)}`}</title>
                </circle>
              ),
            )}
          </g>
        ))}
      </svg>
      {props.series.length < 2 ? null : (
        <figcaption className="chart-legend">
          {props.series.map(({ name, tone = 'roe' }) => (
            <span key={name} data-tone={tone}>
              {name}
            </span>
          ))}
        </figcaption>
      )}
      <details className="chart-numbers">
        <summary>Numbers</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section className="table-scroll" aria-label={props.label} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">At</th>
                {props.series.map(({ name }) => (
                  <th key={name} scope="col" data-number="true">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {[...new Set(xs)]
                .sort((a, b) => a - b)
                .map(x => (
                  <tr key={x}>
                    <td>{props.x(x)}</td>
                    {props.series.map(({ name, points }) => {
                      const y = points.find(point => point.x === x)?.y ?? null
                      return (
                        <td key={name} data-number="true">
                          {y === null ? '–' : props.y(y)}
                        </td>
                      )
                    })}
                  </tr>
                ))}
            </tbody>
          </table>
        </section>
      </details>
    </figure>
  )
}

/** As wide as it is shown, so that lines and letters have one size on a desk and on a phone. */
function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(USUAL_WIDTH)
  useEffect(() => {
    if (element.current === null) return
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.max(1, Math.round(entry!.contentRect.width))),
    )
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return width
}

function pathOf(points: readonly { x: number; y: number | null }[]): string {
  let isDown = false
  return points
    .map(({ x, y }) => {
      if (y === null) {
        isDown = false
        return ''
      }
      const step = `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`
      isDown = true
      return step
    })
    .join('')
}

/** Round numbers, evenly apart, that hold all between `low` and `high`. */
function niceTicks(low: number, high: number): number[] {
  const span = high - low || Math.abs(high) || 1
  const rough = span / MAX_TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(each => each >= rough)!
  const [from, to] = [Math.floor(low / step), Math.max(Math.ceil(high / step), Math.floor(low / step) + 1)]
  return Array.from({ length: to - from + 1 }, (_, index) => Number(((from + index) * step).toPrecision(12)))
}

/** A share of a whole, 0 to 1, as a bar with its words beside it. */
export function Meter({ share, label }: { share: number; label: string }) {
  return (
    <span className="meter">
      <span className="meter-bar" aria-hidden="true">
        <span style={{ width: `${Math.min(1, Math.max(0, share)) * 100}%` }} />
      </span>
      {label}
    </span>
  )
}
