import { PageHeader } from '../../design/page.tsx'

export default function NetworkPage() {
  return <PageHeader title="Network" />
}
