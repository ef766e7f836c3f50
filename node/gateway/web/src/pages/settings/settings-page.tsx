import { can, useSession } from '../../data/session.ts'
import { Card } from '../../design/card.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { PageBody, PageHeader } from '../../design/page.tsx'
import { Keys } from './keys.tsx'
import { NodeSettings } from './node-settings.tsx'
import { Routing } from './routing.tsx'
import { Tenants } from './tenants.tsx'
import { You } from './you.tsx'
import './settings.css'

export default function SettingsPage() {
  const { me } = useSession()
  const isAdmin = can(me, 'administer')
  const isOwners = me?.tenant === 'owner' || can(me, 'operate')
  return (
    <PageBody>
      <PageHeader
        title="Settings"
        about="Who you are here, who else may ask, and how the node goes about it."
      />
      <You />
      {can(me, 'spend') ? <Keys /> : null}
      {isOwners ? <Routing canChange={can(me, 'operate')} /> : null}
      {isAdmin ? (
        <>
          <Tenants />
          <NodeSettings />
        </>
      ) : (
        <Card title="Node and tenants">
          <EmptyState title="For the owner" level={3}>
            Budgets, modes and those who share the node are the owner’s business. shoal serve prints a link
            that makes this browser the owner’s; shoal keys owner prints another.
          </EmptyState>
        </Card>
      )}
    </PageBody>
  )
}
