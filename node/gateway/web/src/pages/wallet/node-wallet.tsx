import type { WalletView } from '../../../../views.ts'
import { useResource } from '../../data/resource.ts'
import { Card, Facts } from '../../design/card.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { Table } from '../../design/table.tsx'
import { Credits, Id, Time } from '../../design/value.tsx'

const REFRESH_EVERY_MS = 10_000

/** The node's own wallet, for its operator: the numbers of `shoal wallet`. */
export function NodeWalletCard() {
  const { data, error, reload } = useResource<WalletView>('/api/wallet', { everyMs: REFRESH_EVERY_MS })
  return (
    <Card
      title="The node’s own wallet"
      about="What this node pays from and earns into, as shoal wallet shows it."
    >
      {data === null ? (
        error === null ? (
          <Skeleton lines={5} />
        ) : (
          <ErrorState error={error} retry={reload} />
        )
      ) : (
        <>
          <Facts
            of={[
              { name: 'Address', value: <Id id={data.address} what="the node’s address" /> },
              { name: 'In the wallet', value: <Credits exact={data.credits} /> },
              { name: 'In Settlement', value: <Credits exact={data.settlementCredits} /> },
              { name: 'In channels', value: <Credits exact={data.locked} />, note: 'not spent' },
              {
                name: 'Earned',
                value: <Credits exact={data.unclaimed} />,
                note: 'by vouchers, not claimed yet',
              },
              { name: 'Stake', value: <Credits exact={data.stake} /> },
              {
                name: 'May spend today',
                value: <Credits exact={data.spending.remaining} />,
                note: (
                  <>
                    of <Credits exact={data.spending.limitPerDay} /> per day
                  </>
                ),
              },
            ]}
          />
          <Table
            caption="Channels of the node"
            rows={data.channels}
            keyOf={({ channelId }) => channelId}
            columns={[
              { id: 'role', head: 'Role', cell: ({ role }) => role },
              {
                id: 'channel',
                head: 'Channel',
                cell: ({ channelId }) => <Id id={channelId} what="channel" />,
              },
              { id: 'with', head: 'With', cell: ({ with: partner }) => <Id id={partner} what="address" /> },
              { id: 'state', head: 'State', cell: ({ state }) => state },
              {
                id: 'spent',
                head: 'Signed',
                isNumber: true,
                cell: ({ spent }) => <Credits exact={spent} unit={false} />,
              },
              {
                id: 'deposit',
                head: 'Deposit',
                isNumber: true,
                cell: ({ deposit }) => <Credits exact={deposit} unit={false} />,
              },
              { id: 'ends', head: 'Ends', cell: ({ endsAt }) => <Time iso={endsAt} /> },
            ]}
            empty={<p className="card-about">The node has no open channels.</p>}
          />
        </>
      )}
    </Card>
  )
}
