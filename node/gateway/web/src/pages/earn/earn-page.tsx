import { PageHeader } from '../../design/page.tsx'

export default function EarnPage() {
  return <PageHeader title="Earn" />
}
