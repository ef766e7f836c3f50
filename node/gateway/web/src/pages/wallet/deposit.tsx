import { useState } from 'react'
import { CREDIT, formatCredits, parseCredits } from '../../../../../../protocol/money.ts'
import { Link } from '../../app/router.tsx'
import { Card, Notice } from '../../design/card.tsx'
import { TextField } from '../../design/field.tsx'
import { Icon } from '../../design/icon.tsx'
import { Id } from '../../design/value.tsx'
import type { PageWallet, PageWalletState } from '../../wallet/page-wallet.ts'
import { ActionButton } from './action.tsx'

const PRESETS = [1n, 5n, 25n].map(credits => credits * CREDIT)

/** From nothing to a channel that pays: sign in, then deposit; each one signature. */
export function DepositCard(props: {
  wallet: PageWallet
  state: PageWalletState
  isSignedIn: boolean
  signIn: () => Promise<void>
}) {
  const { wallet, state, isSignedIn } = props
  const { channels, person, deployment } = state
  const isReady = channels?.some(({ ways }) => ways.includes('pay')) === true
  const isElsewhere = person !== null && deployment !== null && person.chainId !== deployment.chainId
  return (
    <Card
      title={isReady ? 'Ready to ask' : 'Pay as you ask'}
      about={
        isReady
          ? 'Answers are paid as they stream, from your open channel, without another pop-up.'
          : 'Two signatures, no transaction, no gas.'
      }
    >
      <ol className="path">
        <PathStep title="Sign in" isDone={isSignedIn}>
          {isSignedIn ? (
            <p>The node knows this address is yours.</p>
          ) : (
            <>
              <p>Shows the node that this address is yours. Costs nothing and moves nothing.</p>
              <ActionButton
                kind="primary"
                busy={state.busy !== null}
                failed="Not signed in"
                act={props.signIn}
              >
                Sign in with your wallet
              </ActionButton>
            </>
          )}
        </PathStep>
        <PathStep title="Deposit" isDone={isReady}>
          <DepositForm wallet={wallet} state={state} disabled={!isSignedIn || isElsewhere} isMore={isReady} />
        </PathStep>
        <PathStep title="Ask" isDone={false}>
          {isReady && isSignedIn ? (
            <Link className="button" data-kind="primary" href="/">
              <Icon name="ask" size={18} />
              Ask something
            </Link>
          ) : (
            <p>The price stands beside every answer, and so does its receipt.</p>
          )}
        </PathStep>
      </ol>
    </Card>
  )
}

function PathStep(props: { title: string; isDone: boolean; children: React.ReactNode }) {
  return (
    <li data-done={props.isDone}>
      <span className="path-mark" aria-hidden="true">
        {props.isDone ? <Icon name="check" size={14} /> : null}
      </span>
      <div className="path-body">
        <h3>
          {props.title}
          {props.isDone ? <span className="visually-hidden"> (done)</span> : null}
        </h3>
        {props.children}
      </div>
    </li>
  )
}

function DepositForm(props: {
  wallet: PageWallet
  state: PageWalletState
  disabled: boolean
  isMore: boolean
}) {
  const { wallet, state, disabled } = props
  const { balances, terms, deployment, isNewDeployment } = state
  const [text, setText] = useState('1')
  const [isOpen, setOpen] = useState(false)
  const amount = read(text)
  const wrong = problemOf(amount, state)
  const isKnown = balances !== null && terms !== null && deployment !== null
  if (props.isMore && !isOpen) {
    return (
      <button type="button" className="link-button" onClick={() => setOpen(true)}>
        Open another channel
      </button>
    )
  }
  return (
    <div className="form">
      <div className="amount">
        <TextField
          label="Amount"
          inputMode="decimal"
          value={text}
          disabled={disabled}
          error={text === '' ? null : wrong}
          suffix="credits"
          onChange={event => setText(event.target.value)}
        />
        <div className="amount-presets">
          {PRESETS.filter(preset => balances === null || preset <= balances.credits).map(preset => (
            <button
              key={preset}
              type="button"
              className="button"
              data-size="s"
              aria-pressed={amount === preset}
              disabled={disabled}
              onClick={() => setText(formatCredits(preset))}
            >
              {formatCredits(preset)}
            </button>
          ))}
        </div>
      </div>
      {deployment === null || terms === null ? null : (
        <p className="deposit-note">
          Your wallet will show one <code>ReceiveWithAuthorization</code> to Settlement{' '}
          <Id id={deployment.settlement} what="Settlement’s address" />. It opens a channel to{' '}
          <Id id={terms.payee} what="the node’s address" /> and nothing else.
        </p>
      )}
      {isNewDeployment && !disabled ? (
        <Notice tone="water">
          You have not used these contracts from this browser before. Compare the address with one you trust.
        </Notice>
      ) : null}
      <ActionButton
        kind={props.isMore ? 'plain' : 'primary'}
        disabled={disabled || wrong !== null || amount === null || !isKnown}
        busy={state.busy !== null}
        failed="Nothing was deposited"
        act={async () => {
          await wallet.deposit(amount!)
          setOpen(false)
        }}
      >
        Deposit and open
      </ActionButton>
    </div>
  )
}

function read(text: string): bigint | null {
  try {
    return parseCredits(text)
  } catch {
    return null
  }
}

function problemOf(amount: bigint | null, { balances, terms }: PageWalletState): string | null {
  if (amount === null) return 'Write an amount such as 2.5.'
  if (amount === 0n) return 'Write an amount above 0.'
  if (terms !== null && amount < terms.minDeposit) {
    return `This node takes deposits of ${formatCredits(terms.minDeposit)} credits or more.`
  }
  if (balances !== null && amount > balances.credits) {
    return balances.credits === 0n
      ? 'There are no credits in your wallet. Send some to it first.'
      : `There are only ${formatCredits(balances.credits)} credits in your wallet.`
  }
  return null
}
