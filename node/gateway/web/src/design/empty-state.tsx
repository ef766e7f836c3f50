import type { ReactNode } from 'react'
import { FISH } from './logo.tsx'

/** What stands where nothing is yet: why, and what would change that. */
export function EmptyState(props: {
  title: string
  level?: 1 | 2 | 3
  action?: ReactNode
  children?: ReactNode
}) {
  const Heading = props.level === 1 ? 'h1' : props.level === 3 ? 'h3' : 'h2'
  return (
    <div className="empty-state">
      <svg viewBox="0 0 96 40" width="96" height="40" aria-hidden="true">
        {[
          [14, 12],
          [10, 28],
          [36, 20],
          [58, 10],
          [56, 30],
        ].map(([x, y]) => (
          <path key={`${x} ${y}`} d={FISH} transform={`translate(${x} ${y})`} />
        ))}
        <path className="empty-state-gap" d={FISH} transform="translate(82 20)" />
      </svg>
      <Heading>{props.title}</Heading>
      {props.children === undefined ? null : <p>{props.children}</p>}
      {props.action === undefined ? null : <div className="empty-state-action">{props.action}</div>}
    </div>
  )
}
