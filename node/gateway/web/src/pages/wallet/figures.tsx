import { formatCredits } from '../../../../../../protocol/money.ts'
import { Figure } from '../../design/card.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { Credits } from '../../design/value.tsx'
import type { PageWalletState } from '../../wallet/page-wallet.ts'

/** Where the person's money is. */
export function WalletFigures({ state }: { state: PageWalletState }) {
  const { balances, channels } = state
  if (balances === null || channels === null)
    return state.error === null ? <Skeleton height="5.5rem" /> : null
  const ready = channels.filter(({ ways }) => ways.includes('pay')).reduce((sum, { left }) => sum + left, 0n)
  return (
    <section className="card figures" aria-label="Your money">
      <Figure
        name="In your wallet"
        value={<Amount of={balances.credits} />}
        unit="credits"
        note="to deposit"
      />
      <Figure
        name="Ready to pay"
        value={<Amount of={ready} />}
        unit="credits"
        note="locked for this node, unspent"
      />
      <Figure
        name="Held for you"
        value={<Amount of={balances.settlementCredits} />}
        unit="credits"
        note="in Settlement, to withdraw"
      />
      <Figure
        name="For gas"
        value={<Amount of={balances.gas} />}
        unit="ETH"
        note={balances.gas === 0n ? 'deposits need none, withdrawals do' : 'for transactions of your own'}
      />
    </section>
  )
}

function Amount({ of }: { of: bigint }) {
  return <Credits exact={formatCredits(of)} unit={false} />
}
