import { type ReactNode, useState } from 'react'
import { Icon } from './icon.tsx'

export interface Column<Row> {
  /** Unique within the table. */
  id: string
  head: string
  cell: (row: Row) => ReactNode
  /** Numbers are set to the right, so that their digits stand under each other. */
  isNumber?: boolean
  /** What rows are put in order by when the head is pressed. */
  order?: (row: Row) => number | string
}

/** A table that scrolls within itself where there is no room, reachable by keyboard. */
export function Table<Row>(props: {
  /** What it is of, for those who hear the page. */
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  /** Column by which the rows are in order at first; they come as given otherwise. */
  initial?: { column: string; descending: boolean }
  empty?: ReactNode
}) {
  const [sort, setSort] = useState(props.initial ?? null)
  if (props.rows.length === 0 && props.empty !== undefined) return props.empty
  const by = props.columns.find(({ id }) => id === sort?.column)?.order
  const rows =
    by === undefined
      ? props.rows
      : props.rows.toSorted((a, b) => compare(by(a), by(b)) * (sort?.descending === true ? -1 : 1))
  const press = (column: string) =>
    setSort(now => ({ column, descending: now?.column === column ? !now.descending : false }))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="table-scroll" aria-label={props.caption} tabIndex={0}>
      <table>
        <caption className="visually-hidden">{props.caption}</caption>
        <thead>
          <tr>
            {props.columns.map(({ id, head, isNumber = false, order }) => (
              <th
                key={id}
                scope="col"
                data-number={isNumber}
                aria-sort={sort?.column === id ? (sort.descending ? 'descending' : 'ascending') : undefined}
              >
                {order === undefined ? (
                  head
                ) : (
                  <button type="button" onClick={() => press(id)}>
                    {head}
                    <Icon name="down" size={12} />
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={props.keyOf(row)}>
              {props.columns.map(({ id, cell, isNumber = false }) => (
                <td key={id} data-number={isNumber}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b))
}
