import { useState } from 'react'
import { describeError } from '../../data/api-error.ts'
import { requestJson } from '../../data/http.ts'
import { useResource } from '../../data/resource.ts'
import type { TenantView } from '../../data/views.ts'
import { Button } from '../../design/button.tsx'
import { Badge, Card } from '../../design/card.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { type Column, Table } from '../../design/table.tsx'
import { toast } from '../../design/toast.tsx'
import { Credits } from '../../design/value.tsx'
import { TenantDialog } from './tenant-dialog.tsx'
import { Budget } from './you.tsx'

/** Those who share the node: each with its own data, money and limits. */
export function Tenants() {
  const { data, error, reload } = useResource<{ tenants: TenantView[] } | TenantView[]>('/api/tenants')
  const [edited, setEdited] = useState<TenantView | 'new' | null>(null)
  const tenants = data === null ? null : Array.isArray(data) ? data : data.tenants
  const change = async (tenant: TenantView, isDisabled: boolean) => {
    try {
      await requestJson('PATCH', `/api/tenants/${tenant.id}`, { disabled: isDisabled })
      toast(`${tenant.name} is ${isDisabled ? 'disabled' : 'active'}.`, 'good')
    } catch (thrown) {
      toast(describeError(thrown).message, 'bad')
    }
    reload()
  }
  const columns: readonly Column<TenantView>[] = [
    { id: 'name', head: 'Tenant', cell: ({ name }) => name, order: ({ name }) => name },
    {
      id: 'state',
      head: 'State',
      cell: ({ state }) => <Badge tone={state === 'active' ? 'good' : 'plain'}>{state}</Badge>,
      order: ({ state }) => state,
    },
    { id: 'role', head: 'At most', cell: ({ role }) => role, order: ({ role }) => role },
    {
      id: 'budget',
      head: 'Budget',
      cell: ({ budget }) => (budget === null ? 'none' : <Budget budget={budget} />),
    },
    {
      id: 'month',
      head: 'This month',
      isNumber: true,
      cell: ({ spent }) => <Credits exact={spent.month} />,
      order: ({ spent }) => Number(spent.month),
    },
    {
      id: 'requests',
      head: 'Requests a minute',
      isNumber: true,
      cell: ({ policy }) => policy.requestsPerMinute ?? 'any',
    },
    {
      id: 'actions',
      head: '',
      cell: tenant => (
        <span className="form-actions">
          <Button size="s" aria-label={`Change ${tenant.name}`} onClick={() => setEdited(tenant)}>
            Change
          </Button>
          {tenant.id === 'owner' ? null : (
            <Button
              size="s"
              kind={tenant.state === 'active' ? 'danger' : 'plain'}
              aria-label={`${tenant.state === 'active' ? 'Disable' : 'Enable'} ${tenant.name}`}
              onClick={() => void change(tenant, tenant.state === 'active')}
            >
              {tenant.state === 'active' ? 'Disable' : 'Enable'}
            </Button>
          )}
        </span>
      ),
    },
  ]
  return (
    <Card
      title="Tenants"
      about="Those who share this node. None sees what another asks, owes or keeps."
      actions={
        <Button icon="plus" size="s" onClick={() => setEdited('new')}>
          New tenant
        </Button>
      }
    >
      {tenants !== null ? (
        <Table
          caption="Tenants"
          columns={columns}
          rows={tenants}
          keyOf={({ id }) => id}
          empty={
            <EmptyState title="Nobody else" level={3}>
              A tenant comes into being when you make one, or when somebody signs in with a wallet.
            </EmptyState>
          }
        />
      ) : error === null ? (
        <Skeleton />
      ) : (
        <ErrorState error={error} retry={reload} />
      )}
      <TenantDialog
        key={edited === null ? '' : edited === 'new' ? 'new' : edited.id}
        edited={edited}
        onClose={() => setEdited(null)}
        onDone={words => {
          setEdited(null)
          toast(words, 'good')
          reload()
        }}
      />
    </Card>
  )
}
