import { Button } from '../../design/button.tsx'
import { Id } from '../../design/value.tsx'
import type { PageWallet, PageWalletState } from '../../wallet/page-wallet.ts'

/** Which wallet and account the page is connected to. */
export function PersonChip({ wallet, state }: { wallet: PageWallet; state: PageWalletState }) {
  const { person } = state
  if (person === null) return null
  return (
    <div className="person">
      <WalletIcon icon={person.walletIcon} size={24} />
      <span className="person-words">
        <span className="person-name">{person.walletName}</span>
        <Id id={person.account} what="your address" />
      </span>
      <Button size="s" kind="quiet" onClick={() => wallet.disconnect()}>
        Disconnect
      </Button>
    </div>
  )
}

/** The wallet's own picture; an image, so that nothing in it runs. */
export function WalletIcon({ icon, size }: { icon: string; size: number }) {
  if (icon === '')
    return <span className="wallet-icon" style={{ width: size, height: size }} aria-hidden="true" />
  return <img className="wallet-icon" src={icon} width={size} height={size} alt="" />
}
