import { useState } from 'react'
import { count, readableBytes } from '../../../../readable.ts'
import type { LineageStepView, LineageView, VersionView } from '../../../../version-views.ts'
import { useResource } from '../../data/resource.ts'
import { Badge, Card } from '../../design/card.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { Credits, Id, Time } from '../../design/value.tsx'
import '../wallet/action.css'

/** What came of the rounds that were accepted, and what each goes on from. */
export function VersionsCard() {
  const { data, error, reload } = useResource<VersionView[]>('/api/learn/versions')
  return (
    <Card
      title="Lineage"
      about="Adapters that a quorum found better, newest first; each goes on from the one beneath it."
    >
      {error !== null ? (
        <ErrorState error={error} retry={reload} />
      ) : data === null ? (
        <Skeleton lines={4} />
      ) : data.length === 0 ? (
        <EmptyState title="No adapter yet" level={3}>
          The first round that is accepted makes one. Until then, every model is what it was downloaded as.
        </EmptyState>
      ) : (
        <ul className="lines">
          {heads(data).map(head => (
            <Line key={head.version} head={head} />
          ))}
        </ul>
      )}
    </Card>
  )
}

/** Versions that no other goes on from. */
function heads(versions: readonly VersionView[]): VersionView[] {
  const parents = new Set(versions.map(({ parent }) => parent))
  return versions.filter(({ version }) => !parents.has(version))
}

function Line({ head }: { head: VersionView }) {
  const [isOpen, setOpen] = useState(false)
  const path = `/api/learn/versions/${encodeURIComponent(head.version)}`
  const { data, error, reload } = useResource<LineageView>(isOpen ? path : null)
  return (
    <li>
      <Step step={head} isHead />
      {isOpen ? (
        error !== null ? (
          <ErrorState error={error} retry={reload} />
        ) : data === null ? (
          <Skeleton lines={3} />
        ) : (
          <>
            <ol className="line">
              {data.steps.slice(1).map(step => (
                <li key={step.version}>
                  <Step step={step} isHead={false} />
                </li>
              ))}
              <li className="line-base">
                <strong>{data.base.split('@')[0]}</strong>{' '}
                <span>{data.reachesBase ? 'the base' : 'the base; what lies between is not known here'}</span>
              </li>
            </ol>
            <p>
              {data.holds ? (
                <Badge tone="good">every signature, vote and anchor holds</Badge>
              ) : (
                <Badge tone="warn">not all of it holds</Badge>
              )}
            </p>
          </>
        )
      ) : (
        <button type="button" className="link-button" onClick={() => setOpen(true)}>
          Follow it down to the base
        </button>
      )}
    </li>
  )
}

function Step({ step, isHead }: { step: VersionView | LineageStepView; isHead: boolean }) {
  const { loss, general, adapter, domain, contributors, votes, stakeFor, acceptedAt, bytes, isCurrent } = step
  const change = (loss.after / loss.before - 1) * 100
  return (
    <div className="step">
      <div className="step-head">
        <strong>{adapter.split('@')[0]}</strong>
        <Badge>{domain}</Badge>
        {isCurrent ? <Badge tone="good">worn now</Badge> : null}
        {'anchoring' in step ? (
          <Badge tone={step.anchoring === 'anchored' ? 'good' : 'plain'}>{step.anchoring}</Badge>
        ) : null}
        <Id id={step.version} what="the version’s CID" />
      </div>
      <p>
        Loss {loss.before.toFixed(3)} to {loss.after.toFixed(3)} (
        <span className="loss-change" data-better={change < 0}>
          {change < 0 ? '−' : '+'}
          {Math.abs(change).toFixed(1)} %
        </span>
        )
        {general === null
          ? ''
          : `, on everything else ${general.before.toFixed(3)} to ${general.after.toFixed(3)}`}
      </p>
      {isHead ? (
        <p>
          By {count(contributors.length, 'node')}, {count(votes, 'vote')} with <Credits exact={stakeFor} />{' '}
          for it · {readableBytes(bytes)} · <Time iso={acceptedAt} />
        </p>
      ) : null}
    </div>
  )
}
