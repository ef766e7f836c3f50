import { inCredits, readableCredits, readableTime } from '../../../readable.ts'
import { Icon } from './icon.tsx'
import { useCopy } from './use-copy.ts'

/** An amount as the command line writes it; exact on hover. */
export function Credits({ exact, unit = true }: { exact: string; unit?: boolean }) {
  return (
    <data className="credits" value={exact} title={`${exact} credits`}>
      {unit ? inCredits(exact) : readableCredits(exact)}
    </data>
  )
}

export function Time({ iso }: { iso: string }) {
  return <time dateTime={iso}>{readableTime(iso)}</time>
}

const SHOWN = 6

/** `12D3Ko…9fQz2a`: enough to tell two apart. */
export function shortId(id: string): string {
  return id.length <= SHOWN * 2 + 1 ? id : `${id.slice(0, SHOWN)}…${id.slice(-SHOWN)}`
}

/** An identifier, shortened, to be copied whole by a press. */
export function Id({ id, what }: { id: string; what: string }) {
  const { isCopied, copy } = useCopy(id)
  return (
    <button
      type="button"
      className="id"
      title={id}
      aria-label={isCopied ? 'Copied' : `${shortId(id)}, copy ${what}`}
      onClick={copy}
    >
      <code>{shortId(id)}</code>
      <Icon name={isCopied ? 'check' : 'copy'} size={14} />
    </button>
  )
}
