import { PageHeader } from '../../design/page.tsx'

export default function SettingsPage() {
  return <PageHeader title="Settings" />
}
