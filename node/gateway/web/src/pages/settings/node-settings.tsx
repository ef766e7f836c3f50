import { useMemo, useState } from 'react'
import { requestJson } from '../../data/http.ts'
import { useResource } from '../../data/resource.ts'
import type { SettingsView, SettingView } from '../../data/views.ts'
import { Button } from '../../design/button.tsx'
import { Badge, Card, Notice } from '../../design/card.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { SelectField, Switch, TextField } from '../../design/field.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { toast } from '../../design/toast.tsx'

/** Those that people come for first. */
const FIRST = ['spending', 'routing', 'local', 'privacy', 'price', 'models', 'task', 'gateway']

/** Budgets, modes, and everything else of the node; what is changed here is written into its config file. */
export function NodeSettings() {
  const { data, error, reload } = useResource<SettingsView>('/api/settings')
  const [drafts, setDrafts] = useState<Readonly<Record<string, string>>>({})
  const [wanted, setWanted] = useState('')
  const [failure, setFailure] = useState<unknown>(null)
  const [isBusy, setBusy] = useState(false)
  const rooms = useMemo(() => roomsOf(data?.settings ?? [], wanted), [data, wanted])
  const changes = Object.entries(drafts).filter(
    ([key, value]) => value !== shownValue(data?.settings.find(each => each.key === key)),
  )
  const save = async () => {
    setBusy(true)
    setFailure(null)
    try {
      await requestJson('PATCH', '/api/settings', { changes: Object.fromEntries(changes) })
      setDrafts({})
      toast('Written. It takes effect when the node starts next.', 'good')
      reload()
    } catch (thrown) {
      setFailure(thrown)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Card
      title="Node"
      about="Every setting of the node, as shoal config check shows them. Changes go into the config file, and take effect when the node starts next."
      actions={
        <TextField
          label="Find a setting"
          isLabelHidden
          placeholder="Find a setting …"
          value={wanted}
          onChange={event => setWanted(event.target.value)}
        />
      }
    >
      {data !== null ? (
        <>
          {rooms.length === 0 ? (
            <p className="quiet">No setting has “{wanted}” in its name or meaning.</p>
          ) : null}
          {rooms.map(([room, settings]) => (
            <details key={room} className="setting-room" open={wanted !== '' || room === FIRST[0]}>
              <summary>
                {room} <span className="quiet">{settings.length}</span>
              </summary>
              <div className="form">
                {settings.map(setting => (
                  <SettingInput
                    key={setting.key}
                    setting={setting}
                    value={drafts[setting.key] ?? shownValue(setting)}
                    onChange={value => setDrafts(now => ({ ...now, [setting.key]: value }))}
                  />
                ))}
              </div>
            </details>
          ))}
          {failure === null ? null : <ErrorState error={failure} title="Nothing was written" />}
          {changes.length === 0 ? null : (
            <Notice tone="water">
              <p>
                {changes.length === 1 ? 'One setting' : `${changes.length} settings`} changed:{' '}
                {changes.map(([key]) => key).join(', ')}
              </p>
              <div className="form-actions">
                <Button kind="primary" size="s" busy={isBusy} onClick={() => void save()}>
                  Write to the config file
                </Button>
                <Button kind="quiet" size="s" onClick={() => setDrafts({})}>
                  Undo
                </Button>
              </div>
            </Notice>
          )}
        </>
      ) : error === null ? (
        <Skeleton lines={6} />
      ) : (
        <ErrorState error={error} retry={reload} />
      )}
    </Card>
  )
}

function SettingInput(props: { setting: SettingView; value: string; onChange: (value: string) => void }) {
  const { setting, value, onChange } = props
  const { key, help, kind, isSecret, filed } = setting
  if (isSecret) {
    return (
      <TextField
        label={key}
        hint={`${help} From the environment only: ${setting.environment}.`}
        value={setting.value === '' ? 'not set' : 'set'}
        readOnly
      />
    )
  }
  const waits =
    filed !== null && filed !== setting.value
      ? ` In effect until the next start: ${setting.value || 'none'}.`
      : ''
  const hint = `${help}${waits}`
  if (kind === '') {
    return (
      <Switch
        label={key}
        hint={hint}
        checked={value === 'true'}
        onChange={event => onChange(String(event.target.checked))}
      />
    )
  }
  const choices = kind.split('|')
  if (choices.length > 1) {
    return (
      <SelectField
        label={key}
        hint={hint}
        value={value}
        options={choices.map(choice => ({ value: choice, name: choice }))}
        onChoose={onChange}
      />
    )
  }
  return (
    <TextField
      label={key}
      hint={hint}
      value={value}
      placeholder={setting.default === '' ? 'not set' : setting.default}
      suffix={<Badge>{kind}</Badge>}
      onChange={event => onChange(event.target.value)}
    />
  )
}

function shownValue(setting: SettingView | undefined): string {
  return setting === undefined ? '' : (setting.filed ?? setting.value)
}

function roomsOf(settings: readonly SettingView[], wanted: string): [string, SettingView[]][] {
  const found = settings.filter(({ key, help }) =>
    `${key} ${help}`.toLowerCase().includes(wanted.toLowerCase()),
  )
  const rooms = Map.groupBy(found, ({ key }) => key.slice(0, key.indexOf('.')))
  const place = (room: string) => (FIRST.includes(room) ? FIRST.indexOf(room) : FIRST.length)
  return [...rooms].sort(([a], [b]) => place(a) - place(b))
}
