import { use, useEffect } from 'react'
import { can, refreshMe, useMe } from '../../data/session.ts'
import { Notice } from '../../design/card.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { PageBody, PageHeader } from '../../design/page.tsx'
import { browserWallet, useWalletState } from '../../wallet/browser-wallet.ts'
import type { PageWallet } from '../../wallet/page-wallet.ts'
import { ActionButton } from './action.tsx'
import { ChannelsCard } from './channels.tsx'
import { ConnectCard } from './connect.tsx'
import { ContractsCard } from './contracts.tsx'
import { DepositCard } from './deposit.tsx'
import { WalletFigures } from './figures.tsx'
import { NodeWalletCard } from './node-wallet.tsx'
import { PersonChip } from './person.tsx'
import { WaitingMoney } from './waiting-money.tsx'
import './wallet.css'

const REFRESH_EVERY_MS = 15_000

export default function WalletPage() {
  const wallet = use(browserWallet())
  const state = useWalletState(wallet)
  const me = useMe()
  const { person, deployment, chain, error } = state
  useEffect(() => {
    // What was asked on another page meanwhile has been paid since.
    void wallet.refresh()
    const timer = setInterval(() => {
      if (!document.hidden && wallet.state.busy === null) void wallet.refresh()
    }, REFRESH_EVERY_MS)
    return () => clearInterval(timer)
  }, [wallet])

  const isElsewhere = person !== null && deployment !== null && person.chainId !== deployment.chainId
  const isSignedIn = person !== null && me?.wallet === person.account && me.via === 'session'
  return (
    <PageBody>
      <PageHeader
        title="Wallet"
        about="Credits stay in your wallet, or in a contract that gives them back. The node gets what you sign for, token by token, and never more."
        actions={person === null ? undefined : <PersonChip wallet={wallet} state={state} />}
      />
      <p className="visually-hidden" role="status">
        {state.busy}
      </p>
      {isElsewhere && chain !== null ? (
        <WrongChain wallet={wallet} actual={person.chainId} expected={chain.name} chainId={chain.chainId} />
      ) : null}
      {error === null ? null : <ReadingError wallet={wallet} error={error} />}
      {person === null ? (
        <ConnectCard wallet={wallet} state={state} />
      ) : (
        <>
          <WaitingMoney wallet={wallet} state={state} />
          {isElsewhere ? null : <WalletFigures state={state} />}
          <div className="page-columns">
            <DepositCard
              wallet={wallet}
              state={state}
              isSignedIn={isSignedIn}
              signIn={async () => {
                await wallet.signIn()
                await refreshMe()
              }}
            />
            <ContractsCard wallet={wallet} state={state} />
          </div>
          {isElsewhere ? null : <ChannelsCard wallet={wallet} state={state} />}
        </>
      )}
      {can(me, 'operate') ? <NodeWalletCard /> : null}
    </PageBody>
  )
}

function WrongChain(props: { wallet: PageWallet; actual: number; expected: string; chainId: number }) {
  return (
    <Notice tone="warn">
      <div className="notice-row">
        <p>
          <strong>Your wallet is on another chain.</strong> It is on chain {props.actual}; this node’s
          contracts are on chain {props.chainId}. Nothing can be signed until it has switched.
        </p>
        <ActionButton kind="primary" act={() => props.wallet.switchChain()}>
          Switch to {props.expected}
        </ActionButton>
      </div>
    </Notice>
  )
}

function ReadingError({ wallet, error }: { wallet: PageWallet; error: unknown }) {
  const isMoved = (error as { code?: unknown }).code === 'DEPLOYMENT_CHANGED'
  return (
    <>
      <ErrorState
        error={error}
        title={isMoved ? 'Stop: the contracts have changed' : 'Your money could not be read'}
        retry={() => void wallet.refresh()}
      />
      {isMoved ? (
        <ActionButton kind="danger" act={() => wallet.trustDeployment()}>
          I know of the move: use the new contracts
        </ActionButton>
      ) : null}
    </>
  )
}
