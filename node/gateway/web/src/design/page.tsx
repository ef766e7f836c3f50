import type { ReactNode } from 'react'

/** The body of a page: one column as wide as is good to read, unless it is told to fill. */
export function PageBody({ children }: { children: ReactNode }) {
  return <div className="page">{children}</div>
}

export function PageHeader(props: { title: string; about?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="page-header">
      <div>
        <h1>{props.title}</h1>
        {props.about === undefined ? null : <p>{props.about}</p>}
      </div>
      {props.actions === undefined ? null : <div className="page-actions">{props.actions}</div>}
    </div>
  )
}
