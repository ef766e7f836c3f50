import { formatCredits } from '../../../../../../protocol/money.ts'
import { readableSpan } from '../../../../readable.ts'
import { Badge, Card, type Tone } from '../../design/card.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { Credits, Id } from '../../design/value.tsx'
import type { PageWallet, PageWalletState } from '../../wallet/page-wallet.ts'
import type { PersonChannel } from '../../wallet/person-channels.ts'
import { ActionButton } from './action.tsx'

const TONE: Record<PersonChannel['state'], Tone> = {
  opening: 'water',
  open: 'good',
  closing: 'warn',
  closed: 'plain',
}
const SHARES = 1_000n
const MAX_CLOSED_SHOWN = 5

export function ChannelsCard({ wallet, state }: { wallet: PageWallet; state: PageWalletState }) {
  const { channels, isComplete } = state
  if (channels === null) return state.error === null ? <Skeleton height="9rem" /> : null
  const live = channels.filter(({ state }) => state !== 'closed')
  const closed = channels.filter(({ state }) => state === 'closed').slice(0, MAX_CLOSED_SHOWN)
  return (
    <Card
      title="Channels"
      about={
        isComplete
          ? 'Every channel you ever opened here, read from the chain.'
          : 'Read from the chain, as far back as is reasonable; older ones are not shown.'
      }
    >
      {live.length === 0 && closed.length === 0 ? (
        <EmptyState title="No channel yet" level={3}>
          Your first deposit opens one. It appears here once the chain has it.
        </EmptyState>
      ) : (
        <ul className="channels">
          {[...live, ...closed].map(channel => (
            <ChannelRow
              key={channel.channelId}
              wallet={wallet}
              channel={channel}
              isBusy={state.busy !== null}
            />
          ))}
        </ul>
      )}
    </Card>
  )
}

function ChannelRow(props: { wallet: PageWallet; channel: PersonChannel; isBusy: boolean }) {
  const { wallet, channel, isBusy } = props
  const { channelId, deposit, signed, left, state, ways, closableAtMs, hasKey, isThisNode } = channel
  const spent = state === 'closed' ? channel.claimed : signed
  const share = deposit === 0n ? 0 : Number((spent * SHARES) / deposit) / Number(SHARES)
  const words = `${formatCredits(spent)} of ${formatCredits(deposit)} credits spent`
  return (
    <li className="channel" data-state={state}>
      <div className="channel-head">
        <Id id={channelId} what="channel" />
        <Badge tone={TONE[state]}>{state}</Badge>
        {state === 'closed' || hasKey ? null : <Badge tone="warn">no key here</Badge>}
        {isThisNode ? null : <Badge>another node</Badge>}
      </div>
      <div className="channel-money">
        <p>
          <strong>
            <Credits exact={formatCredits(state === 'closed' ? deposit - channel.claimed : left)} />
          </strong>{' '}
          {state === 'closed' ? 'came back' : 'left'}
        </p>
        <div className="channel-bar" role="img" aria-label={words}>
          <span style={{ width: `${share * 100}%` }} />
        </div>
        <p className="channel-note">
          <Credits exact={formatCredits(spent)} unit={false} /> of <Credits exact={formatCredits(deposit)} />{' '}
          {state === 'closed' ? 'paid' : 'signed for'}
          {state === 'open' && closableAtMs > Date.now()
            ? ` · ends in ${readableSpan(closableAtMs - Date.now())}`
            : ''}
        </p>
      </div>
      <div className="channel-ways">
        {ways.includes('closeTogether') ? (
          <ActionButton
            size="s"
            busy={isBusy}
            failed="Not closed"
            act={() => wallet.closeTogether(channelId)}
          >
            Close
          </ActionButton>
        ) : null}
        {ways.includes('startClose') && ways.includes('closeTogether') ? (
          <details className="channel-more">
            <summary>The node does not answer?</summary>
            <p>
              Announce the close yourself: a transaction of your own, and what is left comes back after the
              delay in which the node may claim what you signed.
            </p>
            <ActionButton
              size="s"
              busy={isBusy}
              failed="Not announced"
              act={() => wallet.startClose(channelId)}
            >
              Announce close
            </ActionButton>
          </details>
        ) : null}
      </div>
    </li>
  )
}
