import { type ComponentProps, type ReactNode, useId } from 'react'

interface Labelled {
  label: string
  /** What is wanted, before anything is wrong. */
  hint?: ReactNode
  /** What is wrong and what to do. */
  error?: string | null
  /** After the input: a unit, or a button. */
  suffix?: ReactNode
  /** The label is told but not shown. */
  isLabelHidden?: boolean
}

interface FieldProps extends Labelled {
  children: (attributes: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }) => ReactNode
}

/** A label, an input and what there is to say of it, tied together for those who hear the page. */
function Field({ label, hint, error = null, suffix, isLabelHidden = false, children }: FieldProps) {
  const id = useId()
  const told = hint !== undefined || error !== null
  return (
    <div className="field" data-invalid={error !== null}>
      <label className={isLabelHidden ? 'visually-hidden' : 'field-label'} htmlFor={id}>
        {label}
      </label>
      <div className="field-control">
        {children({
          id,
          ...(told ? { 'aria-describedby': `${id}-told` } : {}),
          ...(error === null ? {} : { 'aria-invalid': true }),
        })}
        {suffix === undefined ? null : <span className="field-suffix">{suffix}</span>}
      </div>
      {told ? (
        <p className="field-told" id={`${id}-told`} role={error === null ? undefined : 'alert'}>
          {error ?? hint}
        </p>
      ) : null}
    </div>
  )
}

export function TextField({
  label,
  hint,
  error,
  suffix,
  isLabelHidden,
  ...rest
}: Labelled & ComponentProps<'input'>) {
  return (
    <Field {...labelled({ label, hint, error, suffix, isLabelHidden })}>
      {attributes => <input type="text" autoComplete="off" {...rest} {...attributes} className="input" />}
    </Field>
  )
}

export function SelectField<T extends string>({
  label,
  hint,
  error,
  suffix,
  isLabelHidden,
  options,
  onChoose,
  ...rest
}: Labelled &
  Omit<ComponentProps<'select'>, 'onChange'> & {
    options: readonly { value: T; name: string; disabled?: boolean }[]
    onChoose: (value: T) => void
  }) {
  return (
    <Field {...labelled({ label, hint, error, suffix, isLabelHidden })}>
      {attributes => (
        <select
          {...rest}
          {...attributes}
          className="input"
          onChange={event => onChoose(event.target.value as T)}
        >
          {options.map(({ value, name, disabled = false }) => (
            <option key={value} value={value} disabled={disabled}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** On or off, at once. */
export function Switch({
  label,
  hint,
  checked,
  ...rest
}: { label: string; hint?: string; checked: boolean } & ComponentProps<'input'>) {
  const id = useId()
  return (
    <div className="switch">
      <input
        type="checkbox"
        role="switch"
        checked={checked}
        aria-checked={checked}
        {...rest}
        id={id}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      />
      <label htmlFor={id}>{label}</label>
      {hint === undefined ? null : (
        <p className="field-told" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

/** Leaves out what is not given: optional properties are not set to undefined. */
function labelled(of: { [K in keyof Labelled]: Labelled[K] | undefined }): Labelled {
  return Object.fromEntries(
    Object.entries(of).filter(([, value]) => value !== undefined),
  ) as unknown as Labelled
}
