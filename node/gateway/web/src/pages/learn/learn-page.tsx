import { PageHeader } from '../../design/page.tsx'

export default function LearnPage() {
  return <PageHeader title="Learn" />
}
