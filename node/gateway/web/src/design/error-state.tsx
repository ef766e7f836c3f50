import { describeError } from '../data/api-error.ts'
import { Button } from './button.tsx'

/** What went wrong, its code, and what to do, as the command line says it. */
export function ErrorState(props: { error: unknown; title?: string; retry?: () => void }) {
  const { code, message, fix } = describeError(props.error)
  return (
    <div className="error-state" role="alert">
      <h2>{props.title ?? 'That did not work'}</h2>
      <p>
        {message}
        {code === null ? null : <code className="error-code">{code}</code>}
      </p>
      {fix === null ? null : <p className="error-fix">{fix}</p>}
      {props.retry === undefined ? null : (
        <Button icon="retry" onClick={props.retry}>
          Try again
        </Button>
      )}
    </div>
  )
}
