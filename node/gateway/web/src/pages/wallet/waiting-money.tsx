import { formatCredits } from '../../../../../../protocol/money.ts'
import { Card } from '../../design/card.tsx'
import { Credits, Id, Time } from '../../design/value.tsx'
import type { PageWallet, PageWalletState } from '../../wallet/page-wallet.ts'
import type { PersonChannel } from '../../wallet/person-channels.ts'
import { ActionButton } from './action.tsx'

/** Money that does nothing until the person does something: always on top, never hidden in a list. */
export function WaitingMoney({ wallet, state }: { wallet: PageWallet; state: PageWalletState }) {
  const { balances, channels, busy } = state
  if (balances === null || channels === null) return null
  const stranded = channels.filter(({ isStranded }) => isStranded)
  const held = balances.settlementCredits
  if (stranded.length === 0 && held === 0n) return null
  const total = stranded.reduce((sum, { left }) => sum + left, held)
  return (
    <Card
      title="Money that waits for you"
      about="Found on chain, not told by the node. None of it is lost; it comes when you take it."
      actions={
        <strong className="waiting-total">
          <Credits exact={formatCredits(total)} />
        </strong>
      }
    >
      <ul className="waiting">
        {held === 0n ? null : (
          <li>
            <div>
              <h3>
                <Credits exact={formatCredits(held)} /> in Settlement
              </h3>
              <p>
                Came back from channels that were closed. Withdraw it to your wallet with one transaction.
              </p>
            </div>
            <ActionButton
              kind="primary"
              busy={busy !== null}
              failed="Not withdrawn"
              act={() => wallet.withdraw(held)}
            >
              Withdraw
            </ActionButton>
          </li>
        )}
        {stranded.map(channel => (
          <li key={channel.channelId}>
            <div>
              <h3>
                <Credits exact={formatCredits(channel.left)} /> in channel{' '}
                <Id id={channel.channelId} what="channel" />
              </h3>
              <p>{whyStranded(channel)}</p>
            </div>
            <StrandedAction wallet={wallet} channel={channel} isBusy={busy !== null} />
          </li>
        ))}
      </ul>
    </Card>
  )
}

function whyStranded({ state, ways, hasKey, isThisNode, closableAtMs }: PersonChannel) {
  if (ways.includes('finishClose'))
    return 'The time in which the node could claim is over: take back what is left.'
  if (state === 'closing') {
    return (
      <>
        You have announced the close. It can be taken back from{' '}
        <Time iso={new Date(closableAtMs).toISOString()} />.
      </>
    )
  }
  if (!isThisNode) return 'It pays another node than this one. Announce the close to get back what is left.'
  if (!hasKey) return 'Its session key is not in this browser. Announce the close to get back what is left.'
  return 'Announce the close to get back what is left.'
}

function StrandedAction(props: { wallet: PageWallet; channel: PersonChannel; isBusy: boolean }) {
  const { wallet, channel, isBusy } = props
  const { channelId, ways } = channel
  if (ways.includes('finishClose')) {
    return (
      <ActionButton
        kind="primary"
        busy={isBusy}
        failed="Not taken back"
        act={() => wallet.finishClose(channelId)}
      >
        Take back
      </ActionButton>
    )
  }
  if (ways.includes('startClose')) {
    return (
      <ActionButton busy={isBusy} failed="Not announced" act={() => wallet.startClose(channelId)}>
        Announce close
      </ActionButton>
    )
  }
  return null
}
