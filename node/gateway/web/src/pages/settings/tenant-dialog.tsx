import { type FormEvent, useState } from 'react'
import { DATA_CLASSES, type DataClass } from '../../../../../../protocol/data-class.ts'
import { postJson, requestJson } from '../../data/http.ts'
import type { TenantView } from '../../data/views.ts'
import { Button } from '../../design/button.tsx'
import { Dialog } from '../../design/dialog.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { SelectField, TextField } from '../../design/field.tsx'

const PERIODS = [
  { value: 'day', name: 'a day' },
  { value: 'month', name: 'a month' },
  { value: 'ever', name: 'in all' },
] as const
const CLASSES = [
  { value: '', name: 'As each request says' },
  ...DATA_CLASSES.map(value => ({ value, name: `At least ${value}` })),
] as const

/** Makes a tenant, or changes what it may do and spend. */
export function TenantDialog(props: {
  edited: TenantView | 'new' | null
  onClose: () => void
  onDone: (words: string) => void
}) {
  const { edited } = props
  const known = edited === 'new' || edited === null ? null : edited
  const [id, setId] = useState('')
  const [amount, setAmount] = useState(known?.policy.budget?.amount ?? '')
  const [per, setPer] = useState<(typeof PERIODS)[number]['value']>(known?.policy.budget?.per ?? 'month')
  const [maxPrice, setMaxPrice] = useState(known?.policy.maxPricePerRequest ?? '')
  const [requests, setRequests] = useState(String(known?.policy.requestsPerMinute ?? ''))
  const [dataClass, setDataClass] = useState<DataClass | ''>(known?.policy.dataClass ?? '')
  const [error, setError] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const policy = {
      budget: amount === '' ? null : { amount, per },
      maxPricePerRequest: maxPrice === '' ? null : maxPrice,
      dataClass: dataClass === '' ? null : dataClass,
      ...(requests === '' ? {} : { requestsPerMinute: Number(requests) }),
    }
    setBusy(true)
    try {
      if (known === null) await postJson('/api/tenants', { id, policy })
      else await requestJson('PATCH', `/api/tenants/${known.id}`, { policy })
      props.onDone(known === null ? `The tenant ${id} is made.` : `${known.name} is changed.`)
    } catch (thrown) {
      setError(thrown)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={known === null ? 'New tenant' : `Change ${known.name}`}
      isOpen={edited !== null}
      onClose={props.onClose}
      actions={
        <>
          <Button kind="quiet" onClick={props.onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" form="tenant" busy={isBusy}>
            {known === null ? 'Make the tenant' : 'Keep the change'}
          </Button>
        </>
      }
    >
      <form id="tenant" className="form" onSubmit={event => void submit(event)}>
        {known === null ? (
          <TextField
            label="Name"
            hint="Small letters, digits and hyphens."
            required
            pattern="[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?"
            value={id}
            onChange={event => setId(event.target.value)}
          />
        ) : null}
        <div className="form-row">
          <TextField
            label="Budget"
            hint="Empty for no limit."
            inputMode="decimal"
            pattern="\d{1,21}(\.\d{1,18})?"
            suffix="credits"
            value={amount}
            onChange={event => setAmount(event.target.value)}
          />
          <SelectField label="For" options={PERIODS} value={per} onChoose={setPer} />
        </div>
        <div className="form-row">
          <TextField
            label="One request costs at most"
            inputMode="decimal"
            pattern="\d{1,21}(\.\d{1,18})?"
            suffix="credits"
            value={maxPrice}
            onChange={event => setMaxPrice(event.target.value)}
          />
          <TextField
            label="Requests a minute"
            inputMode="numeric"
            pattern="[1-9]\d{0,6}"
            value={requests}
            onChange={event => setRequests(event.target.value)}
          />
        </div>
        <SelectField label="Privacy" options={CLASSES} value={dataClass} onChoose={setDataClass} />
        {error === null ? null : <ErrorState error={error} />}
      </form>
    </Dialog>
  )
}
