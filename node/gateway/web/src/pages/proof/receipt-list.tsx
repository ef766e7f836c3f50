import type { ReceiptView } from '../../../../views.ts'
import { Link } from '../../app/router.tsx'
import { useResource } from '../../data/resource.ts'
import { Badge, Card } from '../../design/card.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { Table } from '../../design/table.tsx'
import { Credits, shortId, Time } from '../../design/value.tsx'

const SHOWN = 20

/** The newest receipts; each leads to its proof. */
export function ReceiptList() {
  const { data, error, reload } = useResource<ReceiptView[]>(`/api/receipts?limit=${SHOWN}`)
  return (
    <Card title="Your receipts" about="Every paid answer leaves one, signed by both sides.">
      {error !== null ? (
        <ErrorState error={error} title="No receipts to show" retry={reload} />
      ) : data === null ? (
        <Skeleton lines={6} />
      ) : (
        <Table
          caption="Receipts"
          rows={data}
          keyOf={({ receipt, role }) => `${role} ${receipt}`}
          columns={[
            {
              id: 'receipt',
              head: 'Receipt',
              cell: ({ receipt }) => (
                <Link href={`/proof/${receipt}`} title={receipt}>
                  <code>{shortId(receipt)}</code>
                </Link>
              ),
            },
            { id: 'role', head: 'As', cell: ({ role }) => role },
            { id: 'model', head: 'Model', cell: ({ model }) => model.split('@')[0] },
            {
              id: 'tokens',
              head: 'Tokens',
              isNumber: true,
              cell: ({ outputTokens }) => outputTokens,
              order: ({ outputTokens }) => outputTokens,
            },
            {
              id: 'amount',
              head: 'Credits',
              isNumber: true,
              cell: ({ amount }) => <Credits exact={amount} unit={false} />,
              order: ({ amount }) => Number(amount),
            },
            {
              id: 'signed',
              head: 'Signed',
              cell: ({ countersigned }) =>
                countersigned ? <Badge tone="good">by both</Badge> : <Badge tone="warn">by one</Badge>,
            },
            {
              id: 'ended',
              head: 'Ended',
              cell: ({ endedAt }) => <Time iso={endedAt} />,
              order: ({ endedAt }) => endedAt,
            },
          ]}
          empty={
            <EmptyState title="No receipts yet" level={3} action={<Link href="/">Ask something</Link>}>
              The first paid answer leaves one here. A proof that somebody gave you can be opened above.
            </EmptyState>
          }
        />
      )}
    </Card>
  )
}
