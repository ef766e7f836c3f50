import { EmptyState } from '../design/empty-state.tsx'
import { Link } from './router.tsx'

export function NotFound() {
  return (
    <EmptyState title="Nothing swims here" level={1} action={<Link href="/">Ask something instead</Link>}>
      This address leads to no page of this node.
    </EmptyState>
  )
}
