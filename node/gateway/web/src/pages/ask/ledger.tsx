import { readableCredits } from '../../../../readable.ts'
import { Link } from '../../app/router.tsx'
import { shortId } from '../../design/value.tsx'
import { type Answer, isRunning } from './model/conversation.ts'

/** Who answers, with what, for how much, and the proof of it: a place of its own from the first moment, always as large. */
export function Ledger({ answer }: { answer: Answer }) {
  const { provider, model, cost, receipts } = answer
  const waiting = isRunning(answer)
  const [receipt] = receipts.toReversed()
  return (
    <dl className="ledger" aria-label="About this answer">
      <div>
        <dt>Provider</dt>
        <dd title={provider ?? undefined}>
          {provider === null ? (waiting ? 'choosing …' : 'none') : nameOf(provider)}
        </dd>
      </div>
      <div>
        <dt>Model</dt>
        <dd title={model ?? undefined}>{model === null ? '–' : model.split('@')[0]}</dd>
      </div>
      <div>
        <dt>Cost</dt>
        <dd title={cost === null ? undefined : `${cost} credits`}>
          {cost === null ? '–' : `${readableCredits(cost)} credits${waiting ? ' so far' : ''}`}
        </dd>
      </div>
      <div>
        <dt>Tokens</dt>
        <dd>{tokensOf(answer)}</dd>
      </div>
      <div>
        <dt>Receipt</dt>
        <dd>
          {receipt === undefined ? (
            waiting ? (
              'after the answer'
            ) : (
              'none'
            )
          ) : (
            <Link href={`/proof/${receipt}`} title={receipt}>
              {shortId(receipt)}
            </Link>
          )}
        </dd>
      </div>
    </dl>
  )
}

/** `local` and cloud services by their names, nodes by both ends of theirs. */
export function nameOf(provider: string): string {
  if (provider === 'local') return 'this node'
  return provider.startsWith('cloud:') ? provider.slice('cloud:'.length) : shortId(provider)
}

function tokensOf({ outputTokens, firstTextAtMs, endedAtMs, state }: Answer): string {
  if (outputTokens === 0) return '–'
  const untilMs = endedAtMs ?? (state === 'streaming' ? Date.now() : null)
  const seconds = firstTextAtMs === null || untilMs === null ? 0 : (untilMs - firstTextAtMs) / 1_000
  return seconds < 0.2 ? String(outputTokens) : `${outputTokens}, ${Math.round(outputTokens / seconds)}/s`
}
