import type { LearningView } from '../../../../learning-views.ts'
import { count, readableBytes, readableTime } from '../../../../readable.ts'
import { useRoute } from '../../app/router.tsx'
import { useLive } from '../../data/live.ts'
import { useResource } from '../../data/resource.ts'
import { Badge, Card, Facts, Notice } from '../../design/card.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { PageBody, PageHeader } from '../../design/page.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { RoundCard } from './round.tsx'
import { VersionsCard } from './versions.tsx'
import './learn.css'

const REFRESH_EVERY_MS = 10_000
const MAX_PAST_SHOWN = 6

/** Rounds of learning: which go on, how well they learn, what came of them. */
export default function LearnPage() {
  const { query } = useRoute()
  const { data, error, reload } = useResource<LearningView>('/api/learn', { everyMs: REFRESH_EVERY_MS })
  useLive(['learning'], reload)
  const wanted = query.get('round')
  return (
    <PageBody>
      <PageHeader
        title="Learn"
        about="Nodes train on text of their own and exchange adapters, never the text. A new adapter counts once two thirds of the stake have measured it as better."
      />
      {data === null ? (
        error === null ? (
          <>
            <Skeleton height="10rem" />
            <Skeleton height="14rem" />
          </>
        ) : (
          <ErrorState error={error} title="Learning cannot be shown" retry={reload} />
        )
      ) : (
        <>
          {data.enabled ? null : (
            <Notice tone="water">
              This node does not learn. <code>shoal up --learn</code> begins it; tasks always come first.
            </Notice>
          )}
          <RoundsSection view={data} wanted={wanted} onChanged={reload} />
          <div className="page-columns">
            <StateCard view={data} />
            <PastCard view={data} />
          </div>
          <VersionsCard />
        </>
      )}
    </PageBody>
  )
}

function RoundsSection(props: { view: LearningView; wanted: string | null; onChanged: () => void }) {
  const { rounds, enabled } = props.view
  if (rounds.length === 0) {
    return (
      <Card title="Rounds">
        <EmptyState title="No round goes on" level={3}>
          {enabled
            ? 'Rounds of others appear here as soon as they are proposed. Begin one with shoal learn propose.'
            : 'Rounds appear here once this node learns.'}
        </EmptyState>
      </Card>
    )
  }
  return rounds.map(round => (
    <RoundCard
      key={round.round}
      round={round}
      isOpen={rounds.length === 1 || round.round === props.wanted}
      onChanged={props.onChanged}
    />
  ))
}

function StateCard({ view: { enabled, lifecycle, data, blobs } }: { view: LearningView }) {
  const { state, current, waiting, hindrances, unknown } = lifecycle
  return (
    <Card title="This node">
      <Facts
        of={[
          {
            name: 'Learning',
            value: enabled ? (current === null ? state : `${state}: ${current.name}`) : 'off',
            ...(current === null || current.phase === 'running' ? {} : { note: current.phase }),
          },
          {
            name: 'Waits for',
            value:
              hindrances.length === 0 ? (
                'nothing'
              ) : (
                <ul>
                  {hindrances.map(({ code, message }) => (
                    <li key={code}>{message}</li>
                  ))}
                </ul>
              ),
          },
          { name: 'Work', value: waiting === 0 ? 'none waits' : `${waiting} wait` },
          ...(unknown.length === 0 ? [] : [{ name: 'Not known', value: unknown.join(', ') }]),
          {
            name: 'Data',
            value: data.rows === 0 ? 'none' : `${count(data.rows, 'row')} of ${data.domains.join(', ')}`,
            note:
              data.rows === 0
                ? 'shoal learn add takes some; it never leaves this machine'
                : 'encrypted; it never leaves this machine',
          },
          ...(blobs === null
            ? []
            : [{ name: 'Disk', value: `${readableBytes(blobs.bytes)} of ${readableBytes(blobs.maxBytes)}` }]),
        ]}
      />
    </Card>
  )
}

function PastCard({ view: { past } }: { view: LearningView }) {
  return (
    <Card title="Before">
      {past.length === 0 ? (
        <p className="card-about past-none">Rounds that are over stand here, with what came of them.</p>
      ) : (
        <ul className="past">
          {past.slice(0, MAX_PAST_SHOWN).map(({ round, name, endedAt, failure }) => (
            <li key={round}>
              <span>{name}</span>
              <Badge tone={failure === null ? 'good' : 'plain'}>
                {failure === null ? 'accepted' : failure.replaceAll('_', ' ')}
              </Badge>
              {endedAt === null ? null : <time dateTime={endedAt}>{readableTime(endedAt)}</time>}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
