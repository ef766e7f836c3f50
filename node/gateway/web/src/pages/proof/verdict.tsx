import { Icon } from '../../design/icon.tsx'
import type { ProofVerdict } from '../../proof/check-proof.ts'

const WORDS: Record<ProofVerdict['verdict'], { title: string; text: string }> = {
  proven: {
    title: 'Proven',
    text: 'Every step holds, checked here from the bytes themselves and the chain. Nobody’s word was taken for it.',
  },
  incomplete: {
    title: 'Not proven yet',
    text: 'Nothing is false, but something cannot be said yet. The open steps tell what is missing.',
  },
  false: {
    title: 'False',
    text: 'At least one step does not hold. Do not rely on this: whoever gave it to you is wrong, or lies.',
  },
}

/** The answer, before its reasons. */
export function Verdict({ verdict }: { verdict: ProofVerdict['verdict'] }) {
  const { title, text } = WORDS[verdict]
  return (
    <div className="verdict" data-verdict={verdict} role="status">
      <span className="verdict-mark" aria-hidden="true">
        {verdict === 'proven' ? (
          <Icon name="proof" size={32} />
        ) : (
          <Icon name={verdict === 'false' ? 'warning' : 'proof'} size={32} />
        )}
      </span>
      <div>
        <h2>{title}</h2>
        <p>{text}</p>
      </div>
    </div>
  )
}
