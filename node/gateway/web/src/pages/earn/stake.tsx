import { useState } from 'react'
import { parseCredits } from '../../../../../../protocol/money.ts'
import { inCredits, readableSpan } from '../../../../readable.ts'
import type { StakeChangeView, StakeView, StakeWithdrawalView } from '../../../../views.ts'
import { postJson } from '../../data/http.ts'
import { useResource } from '../../data/resource.ts'
import { Button } from '../../design/button.tsx'
import { Badge, Card, Figure, Notice } from '../../design/card.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { TextField } from '../../design/field.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { toast } from '../../design/toast.tsx'
import { Credits, Time } from '../../design/value.tsx'
import { ActionButton } from '../wallet/action.tsx'

const REFRESH_EVERY_MS = 15_000
type Change = 'add' | 'unbond'

/** What the node risks for being trusted, and how it takes it back. */
export function StakeCard() {
  const { data, error, reload } = useResource<StakeView>('/api/stake', { everyMs: REFRESH_EVERY_MS })
  const [asking, setAsking] = useState<Change | null>(null)
  if (data === null) {
    return (
      <Card title="Stake">
        {error === null ? <Skeleton lines={4} /> : <ErrorState error={error} retry={reload} />}
      </Card>
    )
  }
  const isUnbonding = data.unbonding !== '0'
  const isReady = data.withdrawableAt !== null && Date.parse(data.withdrawableAt) <= Date.now()
  return (
    <Card
      title="Stake"
      about="Credits this node risks: requesters of the SLA classes A and S want to see them, and proven fault costs part of them."
      actions={
        <>
          <Button size="s" onClick={() => setAsking('add')}>
            Add
          </Button>
          <Button size="s" disabled={data.staked === '0'} onClick={() => setAsking('unbond')}>
            Unbond
          </Button>
        </>
      }
    >
      <div className="figures">
        <Figure
          name="At stake"
          value={<Credits exact={data.staked} unit={false} />}
          unit="credits"
          note={
            <>
              your roles need <Credits exact={data.needed} />
            </>
          }
        />
        <Figure
          name="Unbonding"
          value={<Credits exact={data.unbonding} unit={false} />}
          unit="credits"
          note={
            data.withdrawableAt === null ? (
              `takes ${readableSpan(data.unbondingDelaySeconds * 1_000)}`
            ) : (
              <>
                free from <Time iso={data.withdrawableAt} />
              </>
            )
          }
        />
        <Figure
          name="Bounty"
          value={<Credits exact={data.bounty} unit={false} />}
          unit="credits"
          note="for faults you have shown"
        />
        <Figure
          name="Lost to the court"
          value={<Credits exact={data.slashed} unit={false} />}
          unit="credits"
          note={
            data.locked === '0' ? (
              'nothing is locked'
            ) : (
              <>
                <Credits exact={data.locked} /> locked
              </>
            )
          }
        />
      </div>
      <ul className="roles" aria-label="Roles">
        {data.roles.map(({ role, declared, active, needs }) => (
          <li key={role}>
            <strong>{role}</strong>
            <Badge tone={active ? 'good' : declared ? 'warn' : 'plain'}>
              {active ? 'active' : declared ? 'needs more stake' : 'not declared'}
            </Badge>
            <span>
              needs <Credits exact={needs} />
            </span>
          </li>
        ))}
      </ul>
      {data.depositsPausedUntil === null ? null : (
        <Notice>
          Staking takes nothing in until <Time iso={data.depositsPausedUntil} />.
        </Notice>
      )}
      {isUnbonding || data.bounty !== '0' ? (
        <div className="form-actions">
          {isReady || data.bounty !== '0' ? (
            <ActionButton
              kind="primary"
              failed="Not withdrawn"
              act={async () => {
                const { paid } = await postJson<StakeWithdrawalView>('/api/stake/withdraw')
                toast(
                  paid.map(({ of, amount }) => `${of}: ${inCredits(amount)}`).join(', ') ||
                    'Nothing to withdraw.',
                  'good',
                )
                reload()
              }}
            >
              Withdraw
            </ActionButton>
          ) : null}
          {isUnbonding ? (
            <ActionButton
              failed="Not cancelled"
              act={async () => {
                await postJson<StakeChangeView>('/api/stake/cancel')
                reload()
              }}
            >
              Cancel unbonding
            </ActionButton>
          ) : null}
        </div>
      ) : null}
      <StakeDialog change={asking} stake={data} onClose={() => setAsking(null)} onDone={reload} />
    </Card>
  )
}

function StakeDialog(props: {
  change: Change | null
  stake: StakeView
  onClose: () => void
  onDone: () => void
}) {
  const { change, stake, onClose, onDone } = props
  const [text, setText] = useState('')
  const problem = problemOf(text)
  return (
    <Dialog
      title={change === 'unbond' ? 'Unbond stake' : 'Add to the stake'}
      isOpen={change !== null}
      onClose={onClose}
    >
      <p>
        {change === 'unbond'
          ? `It can be withdrawn after ${readableSpan(stake.unbondingDelaySeconds * 1_000)}; until then proven fault still costs it, and it no longer counts for your roles.`
          : 'It comes from the node’s own wallet and is at risk from then on.'}
      </p>
      <TextField
        label="Amount"
        inputMode="decimal"
        value={text}
        error={text === '' ? null : problem}
        suffix="credits"
        onChange={event => setText(event.target.value)}
      />
      <ActionButton
        kind="primary"
        disabled={problem !== null}
        failed={change === 'unbond' ? 'Not unbonded' : 'Not added'}
        act={async () => {
          await postJson<StakeChangeView>(`/api/stake/${change}`, { amount: text.trim() })
          setText('')
          onClose()
          onDone()
        }}
      >
        {change === 'unbond' ? 'Unbond' : 'Add to the stake'}
      </ActionButton>
    </Dialog>
  )
}

function problemOf(text: string): string | null {
  try {
    return parseCredits(text) > 0n ? null : 'Write an amount above 0.'
  } catch {
    return 'Write an amount such as 100.'
  }
}
