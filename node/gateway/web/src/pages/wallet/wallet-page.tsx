import { PageHeader } from '../../design/page.tsx'

export default function WalletPage() {
  return <PageHeader title="Wallet" />
}
