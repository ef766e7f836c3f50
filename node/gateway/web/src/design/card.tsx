import { type ReactNode, useId } from 'react'

/** A part of a page with a title of its own. */
export function Card(props: {
  title: string
  level?: 2 | 3
  /** Beside the title: buttons, choices. */
  actions?: ReactNode
  /** One sentence under the title. */
  about?: ReactNode
  children?: ReactNode
}) {
  const id = useId()
  const Heading = props.level === 3 ? 'h3' : 'h2'
  return (
    <section className="card" aria-labelledby={id}>
      <div className="card-head">
        <Heading id={id}>{props.title}</Heading>
        {props.actions === undefined ? null : <div className="card-actions">{props.actions}</div>}
      </div>
      {props.about === undefined ? null : <p className="card-about">{props.about}</p>}
      {props.children}
    </section>
  )
}

/** Named values; numbers in figures of one width. */
export function Facts({ of }: { of: readonly { name: string; value: ReactNode; note?: ReactNode }[] }) {
  return (
    <dl className="facts">
      {of.map(({ name, value, note }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
          {note === undefined ? null : <dd className="facts-note">{note}</dd>}
        </div>
      ))}
    </dl>
  )
}

/** One large number with its name. */
export function Figure(props: { name: string; value: ReactNode; unit?: string; note?: ReactNode }) {
  return (
    <div className="figure">
      <p className="figure-name">{props.name}</p>
      <p className="figure-value">
        {props.value}
        {props.unit === undefined ? null : <span className="figure-unit"> {props.unit}</span>}
      </p>
      {props.note === undefined ? null : <p className="figure-note">{props.note}</p>}
    </div>
  )
}

export type Tone = 'plain' | 'good' | 'warn' | 'bad' | 'water' | 'roe'

export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) {
  return (
    <span className="badge" data-tone={tone}>
      {children}
    </span>
  )
}

/** Something the person should know before going on. */
export function Notice({ tone = 'warn', children }: { tone?: Tone; children: ReactNode }) {
  return (
    <div className="notice" data-tone={tone} role={tone === 'bad' ? 'alert' : 'note'}>
      {children}
    </div>
  )
}
