import type { ComponentProps } from 'react'
import { Icon, type IconName } from './icon.tsx'

type ButtonProps = ComponentProps<'button'> & {
  /** `primary` once on a page; `quiet` has no border. */
  kind?: 'primary' | 'plain' | 'quiet' | 'danger'
  size?: 'm' | 's'
  icon?: IconName
  /** Something is under way: the button waits and says so. */
  busy?: boolean
}

export function Button({ kind = 'plain', size = 'm', icon, busy = false, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`button ${rest.className ?? ''}`}
      data-kind={kind}
      data-size={size}
      aria-busy={busy}
      disabled={busy || rest.disabled === true}
    >
      {icon === undefined ? null : <Icon name={icon} size={size === 's' ? 16 : 18} />}
      {children}
    </button>
  )
}

/** A button with a picture only; its label is told and shown on hover. */
export function IconButton({
  label,
  icon,
  size = 20,
  ...rest
}: Omit<ComponentProps<'button'>, 'children'> & { label: string; icon: IconName; size?: number }) {
  return (
    <button
      type="button"
      {...rest}
      className={`icon-button ${rest.className ?? ''}`}
      aria-label={label}
      title={label}
    >
      <Icon name={icon} size={size} />
    </button>
  )
}
