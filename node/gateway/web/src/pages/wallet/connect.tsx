import { useState } from 'react'
import { Card } from '../../design/card.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Icon } from '../../design/icon.tsx'
import type { AnnouncedWallet } from '../../wallet/discovery.ts'
import type { PageWallet, PageWalletState } from '../../wallet/page-wallet.ts'
import { WalletIcon } from './person.tsx'

const STEPS = [
  {
    title: 'Deposit with one signature',
    text: 'It locks an amount you choose, for this node alone. The node sends it and pays the gas.',
  },
  {
    title: 'Ask, without another pop-up',
    text: 'A key made in this browser pays as tokens arrive. It can spend your deposit and nothing else.',
  },
  {
    title: 'Take back what is left',
    text: 'At any time, at once if the node agrees, or after a delay if it does not answer.',
  },
]

export function ConnectCard({ wallet, state }: { wallet: PageWallet; state: PageWalletState }) {
  const [trying, setTrying] = useState<string | null>(null)
  const [error, setError] = useState<unknown>(null)
  const connect = async (chosen: AnnouncedWallet) => {
    setError(null)
    setTrying(chosen.uuid)
    try {
      await wallet.connect(chosen)
    } catch (thrown) {
      setError(thrown)
    } finally {
      setTrying(null)
    }
  }
  return (
    <div className="page-columns">
      <Card
        title="Connect a wallet"
        about="The page sees your address and what is public about it. It cannot move anything by itself."
      >
        {state.wallets.length === 0 ? (
          <EmptyState title="No wallet in this browser" level={3}>
            Install a wallet that announces itself by EIP-6963, as all well-known ones do, then come back: it
            appears here by itself.
          </EmptyState>
        ) : (
          <ul className="wallet-list">
            {state.wallets.map(each => (
              <li key={each.uuid}>
                <button
                  type="button"
                  className="wallet-choice"
                  aria-busy={trying === each.uuid}
                  disabled={trying !== null}
                  onClick={() => void connect(each)}
                >
                  <WalletIcon icon={each.icon} size={36} />
                  <span>
                    <span className="wallet-choice-name">{each.name}</span>
                    <span className="wallet-choice-note">
                      {trying === each.uuid ? 'Look at your wallet: it asks you' : each.rdns}
                    </span>
                  </span>
                  <Icon name="forward" size={18} />
                </button>
              </li>
            ))}
          </ul>
        )}
        {error === null ? null : <ErrorState error={error} title="Not connected" />}
      </Card>
      <Card title="How paying works here">
        <ol className="steps">
          {STEPS.map(({ title, text }, index) => (
            <li key={title}>
              <span className="step-number" aria-hidden="true">
                {index + 1}
              </span>
              <div>
                <h3>{title}</h3>
                <p>{text}</p>
              </div>
            </li>
          ))}
        </ol>
      </Card>
    </div>
  )
}
