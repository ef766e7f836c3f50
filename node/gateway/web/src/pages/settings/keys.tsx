import { type FormEvent, useState } from 'react'
import { describeError } from '../../data/api-error.ts'
import { postJson, requestJson } from '../../data/http.ts'
import { useResource } from '../../data/resource.ts'
import type { KeyView, NewKeyView } from '../../data/views.ts'
import { Button } from '../../design/button.tsx'
import { Badge, Card, Notice } from '../../design/card.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { SelectField, TextField } from '../../design/field.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { type Column, Table } from '../../design/table.tsx'
import { toast } from '../../design/toast.tsx'
import { Id, Time } from '../../design/value.tsx'
import { Budget } from './you.tsx'

const DAY_S = 24 * 3_600
const LIVES = [
  { value: '', name: 'No end' },
  { value: String(7 * DAY_S), name: '7 days' },
  { value: String(30 * DAY_S), name: '30 days' },
  { value: String(365 * DAY_S), name: 'A year' },
] as const
const ROLES = [
  { value: 'observer', name: 'observer: looks' },
  { value: 'user', name: 'user: looks, asks, spends' },
  { value: 'operator', name: 'operator: and runs the node' },
  { value: 'admin', name: 'admin: everything' },
] as const
const PERIODS = [
  { value: 'day', name: 'a day' },
  { value: 'month', name: 'a month' },
  { value: 'ever', name: 'in all' },
] as const

/** API keys: for programs that ask in somebody's name. */
export function Keys() {
  const { data, error, reload } = useResource<{ keys: KeyView[] } | KeyView[]>('/api/keys')
  const [isMaking, setMaking] = useState(false)
  const [made, setMade] = useState<NewKeyView | null>(null)
  const keys = data === null ? null : Array.isArray(data) ? data : data.keys
  const act = async (what: Promise<unknown>, words: string) => {
    try {
      const answer = await what
      if (isNewKey(answer)) setMade(answer)
      toast(words, 'good')
    } catch (thrown) {
      toast(describeError(thrown).message, 'bad')
    }
    reload()
  }
  const columns: readonly Column<KeyView>[] = [
    { id: 'name', head: 'Name', cell: ({ name }) => name, order: ({ name }) => name },
    { id: 'id', head: 'Key', cell: ({ id }) => <code>shoal_{id}_…</code> },
    {
      id: 'state',
      head: 'State',
      cell: ({ state }) => <Badge tone={state === 'active' ? 'good' : 'plain'}>{state}</Badge>,
      order: ({ state }) => state,
    },
    { id: 'role', head: 'Role', cell: ({ role }) => role, order: ({ role }) => role },
    {
      id: 'budget',
      head: 'Budget',
      cell: ({ budget }) => (budget === null ? 'none' : <Budget budget={budget} />),
    },
    {
      id: 'expires',
      head: 'Ends',
      cell: ({ expiresAt }) => (expiresAt === null ? 'never' : <Time iso={expiresAt} />),
    },
    {
      id: 'used',
      head: 'Last used',
      cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'never' : <Time iso={lastUsedAt} />),
    },
    {
      id: 'actions',
      head: '',
      cell: ({ id, name, state }) =>
        state === 'active' ? (
          <span className="form-actions">
            <Button
              size="s"
              aria-label={`Rotate ${name}`}
              onClick={() =>
                void act(
                  postJson(`/api/keys/${id}/rotate`),
                  `${name} has a new secret; the old one is taken for a day more.`,
                )
              }
            >
              Rotate
            </Button>
            <Button
              size="s"
              kind="danger"
              aria-label={`Revoke ${name}`}
              onClick={() => void act(requestJson('DELETE', `/api/keys/${id}`), `${name} is revoked.`)}
            >
              Revoke
            </Button>
          </span>
        ) : null,
    },
  ]
  return (
    <Card
      title="API keys"
      about="For programs that speak OpenAI’s, Anthropic’s or Ollama’s API. The node keeps a hash of each; it can show a key once."
      actions={
        <Button icon="plus" size="s" onClick={() => setMaking(true)}>
          New key
        </Button>
      }
    >
      {made === null ? null : (
        <Notice tone="good">
          <p>
            The key of <strong>{made.name}</strong>, shown this once:
          </p>
          <p className="secret">
            <code>{made.key}</code> <Id id={made.key} what="key" />
          </p>
          <Button size="s" onClick={() => setMade(null)}>
            I have kept it
          </Button>
        </Notice>
      )}
      {keys !== null ? (
        <Table
          caption="API keys"
          columns={columns}
          rows={keys}
          keyOf={({ id }) => id}
          empty={
            <EmptyState title="No keys" level={3}>
              A program on this machine needs none. Make one for a program elsewhere, or to give it a budget.
            </EmptyState>
          }
        />
      ) : error === null ? (
        <Skeleton />
      ) : (
        <ErrorState error={error} retry={reload} />
      )}
      <NewKey
        isOpen={isMaking}
        onClose={() => setMaking(false)}
        onMake={input => {
          setMaking(false)
          void act(postJson('/api/keys', input), `The key ${input.name} is made.`)
        }}
      />
    </Card>
  )
}

interface KeyForm {
  name: string
  role: string
  expiresInSeconds: number | null
  budget: { amount: string; per: string } | null
}

function NewKey(props: { isOpen: boolean; onClose: () => void; onMake: (input: KeyForm) => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<(typeof ROLES)[number]['value']>('user')
  const [life, setLife] = useState<(typeof LIVES)[number]['value']>('')
  const [amount, setAmount] = useState('')
  const [per, setPer] = useState<(typeof PERIODS)[number]['value']>('month')
  const amountError =
    amount === '' || /^\d{1,21}(\.\d{1,18})?$/.test(amount) ? null : 'An amount of credits, such as 2.5.'
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (name.trim() === '' || amountError !== null) return
    props.onMake({
      name: name.trim(),
      role,
      expiresInSeconds: life === '' ? null : Number(life),
      budget: amount === '' ? null : { amount, per },
    })
    setName('')
    setAmount('')
  }
  return (
    <Dialog
      title="New key"
      isOpen={props.isOpen}
      onClose={props.onClose}
      actions={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" form="new-key" disabled={name.trim() === ''}>
            Make the key
          </Button>
        </>
      }
    >
      <form id="new-key" className="form" onSubmit={submit}>
        <TextField
          label="Name"
          hint="By which you know it again."
          value={name}
          maxLength={80}
          onChange={event => setName(event.target.value)}
        />
        <div className="form-row">
          <SelectField label="Role" options={ROLES} value={role} onChoose={setRole} />
          <SelectField label="Ends" options={LIVES} value={life} onChoose={setLife} />
        </div>
        <div className="form-row">
          <TextField
            label="Budget"
            hint="Empty for none of its own."
            error={amountError}
            inputMode="decimal"
            suffix="credits"
            value={amount}
            onChange={event => setAmount(event.target.value)}
          />
          <SelectField label="For" options={PERIODS} value={per} onChoose={setPer} />
        </div>
      </form>
    </Dialog>
  )
}

function isNewKey(answer: unknown): answer is NewKeyView {
  return typeof (answer as { key?: unknown } | null)?.key === 'string'
}
