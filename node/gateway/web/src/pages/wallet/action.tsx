import { type ReactNode, useState } from 'react'
import { Button } from '../../design/button.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import './action.css'

/** A button that does something that may fail; what went wrong stands beneath it until it is tried again. */
export function ActionButton(props: {
  act: () => Promise<void>
  children: ReactNode
  kind?: 'primary' | 'plain' | 'quiet' | 'danger'
  size?: 'm' | 's'
  disabled?: boolean
  /** Something else is under way. */
  busy?: boolean
  /** Heading of what went wrong. */
  failed?: string
}) {
  const { act, children, failed, busy = false, ...rest } = props
  const [isRunning, setRunning] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const press = async () => {
    setError(null)
    setRunning(true)
    try {
      await act()
    } catch (thrown) {
      setError(thrown)
    } finally {
      setRunning(false)
    }
  }
  return (
    <div className="action">
      <Button
        {...rest}
        busy={isRunning}
        disabled={rest.disabled === true || busy}
        onClick={() => void press()}
      >
        {children}
      </Button>
      {error === null ? null : (
        <ErrorState error={error} {...(failed === undefined ? {} : { title: failed })} />
      )}
    </div>
  )
}
