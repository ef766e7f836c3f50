import { type FormEvent, useState } from 'react'
import { Link } from '../../app/router.tsx'
import { describeError } from '../../data/api-error.ts'
import { type Me, signInAsOwner, signOut, useSession } from '../../data/session.ts'
import { Button } from '../../design/button.tsx'
import { Badge, Card, Facts, Notice } from '../../design/card.tsx'
import { Meter } from '../../design/chart.tsx'
import { TextField } from '../../design/field.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { toast } from '../../design/toast.tsx'
import { Credits, Id, Time } from '../../design/value.tsx'

const WAYS: Record<NonNullable<Me['via']>, string> = {
  loopback: 'a browser on the node’s own machine',
  'owner-token': 'the owner’s link',
  'api-key': 'an API key',
  session: 'a sign-in',
  payment: 'a payment',
}

/** Who the node takes this browser for, and how to become somebody else. */
export function You() {
  const { me, ownerError } = useSession()
  if (me === null) return <Skeleton height="12rem" />
  return (
    <Card title="You" about="Who the node takes this browser for.">
      {ownerError === null ? null : (
        <Notice tone="bad">
          {describeError(ownerError).message} {describeError(ownerError).fix}
        </Notice>
      )}
      {me.role === null ? (
        <p>
          Nobody in particular. <Link href="/wallet">Connect a wallet</Link>, or come with the owner’s link.
        </p>
      ) : (
        <Facts
          of={[
            { name: 'Role', value: <Badge tone="water">{me.role}</Badge>, note: me.scopes.join(', ') },
            { name: 'Known by', value: me.via === null ? '–' : WAYS[me.via] },
            { name: 'Tenant', value: me.name ?? me.tenant ?? '–' },
            ...(me.wallet === null ? [] : [{ name: 'Wallet', value: <Id id={me.wallet} what="wallet" /> }]),
            ...(me.sessionExpiresAt === null
              ? []
              : [
                  {
                    name: 'Session',
                    value: (
                      <>
                        renewed by itself; good until <Time iso={me.sessionExpiresAt} />
                      </>
                    ),
                  },
                ]),
            ...(me.budget === null ? [] : [{ name: 'Budget', value: <Budget budget={me.budget} /> }]),
          ]}
        />
      )}
      {me.csrf === null ? (
        me.scopes.includes('administer') ? null : (
          <OwnerLink />
        )
      ) : (
        <div className="form-actions">
          <SignOut everywhere={false} />
          <SignOut everywhere={true} />
        </div>
      )}
    </Card>
  )
}

export function Budget({ budget }: { budget: NonNullable<Me['budget']> }) {
  const [amount, spent] = [Number(budget.amount), Number(budget.spent)]
  const period = budget.per === 'ever' ? 'in all' : `a ${budget.per}`
  return (
    <>
      <Meter share={amount === 0 ? 1 : Math.min(1, spent / amount)} label={`${period}`} />{' '}
      <Credits exact={budget.spent} unit={false} /> of <Credits exact={budget.amount} />
    </>
  )
}

function OwnerLink() {
  const [token, setToken] = useState('')
  const [error, setError] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    try {
      // The whole link will do, too.
      await signInAsOwner(token.trim().split('owner=').at(-1)!)
      setToken('')
      toast('You are the owner now.', 'good')
    } catch (thrown) {
      setError(describeError(thrown).message)
    } finally {
      setBusy(false)
    }
  }
  return (
    <form className="form" onSubmit={event => void submit(event)}>
      <TextField
        label="Owner’s link"
        hint="shoal keys owner prints one, good once."
        error={error}
        type="password"
        value={token}
        onChange={event => {
          setToken(event.target.value)
          setError(null)
        }}
      />
      <div className="form-actions">
        <Button type="submit" icon="key" busy={isBusy} disabled={token.trim() === ''}>
          Become the owner
        </Button>
      </div>
    </form>
  )
}

function SignOut({ everywhere }: { everywhere: boolean }) {
  const [isBusy, setBusy] = useState(false)
  const end = async () => {
    setBusy(true)
    await signOut(everywhere).catch((error: unknown) => toast(describeError(error).message, 'bad'))
    setBusy(false)
  }
  return (
    <Button kind={everywhere ? 'quiet' : 'plain'} busy={isBusy} onClick={() => void end()}>
      {everywhere ? 'Sign out everywhere' : 'Sign out'}
    </Button>
  )
}
