import { useState } from 'react'
import { Button } from '../../design/button.tsx'
import { Card, Facts } from '../../design/card.tsx'
import { TextField } from '../../design/field.tsx'
import { Id } from '../../design/value.tsx'
import type { PageWallet, PageWalletState } from '../../wallet/page-wallet.ts'

/** What this page relies on, for whoever wants to know. */
export function ContractsCard({ wallet, state }: { wallet: PageWallet; state: PageWalletState }) {
  const { deployment, terms, chain, isDurable, isNewDeployment } = state
  return (
    <Card
      title="What this page relies on"
      about="Your wallet’s own view of the chain; never the node’s word."
    >
      <Facts
        of={[
          {
            name: 'Chain',
            value: chain === null ? '–' : chain.name,
            ...(chain === null ? {} : { note: `id ${chain.chainId}` }),
          },
          {
            name: 'Settlement',
            value: deployment === null ? '–' : <Id id={deployment.settlement} what="Settlement’s address" />,
            note: isNewDeployment ? 'new to this browser' : 'as before in this browser',
          },
          {
            name: 'Credits',
            value: deployment === null ? '–' : <Id id={deployment.creditToken} what="the token’s address" />,
          },
          {
            name: 'This node',
            value: terms === null ? '–' : <Id id={terms.payee} what="the node’s wallet" />,
          },
          {
            name: 'One answer',
            value: 'at most a tenth of the deposit',
            note: 'unless you name a price when you ask',
          },
          {
            name: 'Session keys',
            value: isDurable ? 'In this browser, sealed' : 'In this tab only',
            note: isDurable
              ? 'encrypted with a key that cannot leave the browser'
              : 'this browser keeps nothing: close channels before you close the tab',
          },
        ]}
      />
      <RpcForm wallet={wallet} />
    </Card>
  )
}

/** Lets the chain be asked by somebody else than the wallet, for proofs. */
export function RpcForm({ wallet }: { wallet: PageWallet }) {
  const [text, setText] = useState(wallet.rpcUrl ?? '')
  const [error, setError] = useState<string | null>(null)
  const keep = () => {
    const url = text.trim()
    if (url !== '' && !isWebAddress(url)) {
      setError('Write an address that begins with https:// or http://.')
      return
    }
    setError(null)
    wallet.rpcUrl = url === '' ? null : url
  }
  return (
    <form
      className="rpc"
      onSubmit={event => {
        event.preventDefault()
        keep()
      }}
    >
      <TextField
        label="RPC address for checking proofs"
        placeholder="https://…"
        hint="Empty: your wallet asks its own node."
        type="url"
        inputMode="url"
        value={text}
        error={error}
        onChange={event => setText(event.target.value)}
        suffix={
          <Button type="submit" size="s">
            Use
          </Button>
        }
      />
    </form>
  )
}

function isWebAddress(text: string): boolean {
  try {
    return /^https?:$/.test(new URL(text).protocol)
  } catch {
    return false
  }
}
