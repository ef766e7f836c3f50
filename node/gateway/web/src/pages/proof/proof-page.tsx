import { PageHeader } from '../../design/page.tsx'

export default function ProofPage() {
  return <PageHeader title="Proof" />
}
