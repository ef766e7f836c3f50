import { useState } from 'react'
import type { MemberView, RoundDetailView, RoundView } from '../../../../learning-views.ts'
import { count, inCredits, readableSpan } from '../../../../readable.ts'
import { postJson } from '../../data/http.ts'
import { useResource } from '../../data/resource.ts'
import { can, useMe } from '../../data/session.ts'
import { Button } from '../../design/button.tsx'
import { Badge, Card, Facts, Figure, type Tone } from '../../design/card.tsx'
import { LineChart } from '../../design/chart.tsx'
import { ErrorState } from '../../design/error-state.tsx'
import { Icon } from '../../design/icon.tsx'
import { Skeleton } from '../../design/skeleton.tsx'
import { Table } from '../../design/table.tsx'
import { Credits, Id } from '../../design/value.tsx'
import { ActionButton } from '../wallet/action.tsx'

const PHASES = ['announce', 'train', 'commit', 'reveal', 'score', 'aggregate', 'vote', 'publish'] as const
const REFRESH_EVERY_MS = 5_000
const PART: Record<RoundView['part'], { words: string; tone: Tone } | null> = {
  none: null,
  joining: { words: 'joining', tone: 'water' },
  member: { words: 'you take part', tone: 'good' },
}

/** A round: where it is, who takes part, how well it learns. Joining takes one click. */
export function RoundCard(props: { round: RoundView; isOpen: boolean; onChanged: () => void }) {
  const { round, onChanged } = props
  const [isOpen, setOpen] = useState(props.isOpen)
  const me = useMe()
  const part = PART[round.part]
  const mayJoin = round.phase === 'announce' && round.part === 'none' && can(me, 'operate')
  return (
    <Card
      title={round.name}
      about={
        <>
          {round.domain}, on {round.base.split('@')[0]} · <Id id={round.round} what="the round’s CID" />
        </>
      }
      actions={
        <>
          {part === null ? null : <Badge tone={part.tone}>{part.words}</Badge>}
          {mayJoin ? (
            <ActionButton
              kind="primary"
              size="s"
              failed="Not joined"
              act={async () => {
                await postJson(`/api/learn/rounds/${encodeURIComponent(round.round)}/join`)
                onChanged()
              }}
            >
              Join
            </ActionButton>
          ) : null}
          <Button
            size="s"
            kind="quiet"
            aria-expanded={isOpen}
            icon={isOpen ? 'close' : 'down'}
            onClick={() => setOpen(!isOpen)}
          >
            {isOpen ? 'Less' : 'More'}
          </Button>
        </>
      }
    >
      <Phases round={round} />
      <div className="figures">
        <Figure name="Members" value={round.members} note={<Credits exact={round.stake} />} />
        <Figure name="Updates" value={round.updates} note="revealed so far" />
        <Figure
          name={round.phase === 'done' || round.phase === 'failed' ? 'Outcome' : 'This phase ends'}
          value={whenOf(round)}
          note={
            round.failure === null
              ? `over at ${new Date(round.endsAt).toLocaleString()}`
              : round.failure.replaceAll('_', ' ')
          }
        />
      </div>
      {isOpen ? <RoundDetail round={round.round} /> : null}
    </Card>
  )
}

function whenOf({ phase, phaseEnds }: RoundView): string {
  if (phase === 'done') return 'accepted'
  if (phase === 'failed') return 'came to nothing'
  return phaseEnds === null ? '–' : `in ${readableSpan(Date.parse(phaseEnds) - Date.now())}`
}

/** The way of a round, and how far along it is. */
function Phases({ round: { phase } }: { round: RoundView }) {
  const at = phase === 'done' ? PHASES.length : PHASES.indexOf(phase as (typeof PHASES)[number])
  return (
    <ol className="phases" aria-label="Phases" data-failed={phase === 'failed'}>
      {PHASES.map((name, index) => (
        <li
          key={name}
          data-state={index < at ? 'past' : index === at ? 'now' : 'next'}
          aria-current={index === at ? 'step' : undefined}
        >
          <span className="phase-bar" aria-hidden="true" />
          <span className="phase-name">{name}</span>
        </li>
      ))}
    </ol>
  )
}

function RoundDetail({ round }: { round: string }) {
  const { data, error, reload } = useResource<RoundDetailView>(
    `/api/learn/rounds/${encodeURIComponent(round)}`,
    {
      everyMs: REFRESH_EVERY_MS,
    },
  )
  if (data === null)
    return error === null ? <Skeleton height="12rem" /> : <ErrorState error={error} retry={reload} />
  return (
    <>
      <LossCurve round={data} />
      <div className="round-terms">
        <Facts
          of={[
            {
              name: 'Adapter',
              value: `rank ${data.rank}, alpha ${data.alpha}`,
              note: data.modules.join(', '),
            },
            { name: 'Rule', value: data.rule, note: `at least ${count(data.minimumUpdates, 'update')}` },
            { name: 'Reward', value: inCredits(data.reward) },
            {
              name: 'Privacy',
              value:
                data.privacy === null
                  ? 'none: updates are sent as they are'
                  : `noise ${data.privacy.noiseMultiplier}, clipped at ${data.privacy.clipNorm}`,
            },
            { name: 'Proposed by', value: <Id id={data.proposer} what="the proposer’s PeerId" /> },
            ...(data.parent === null ? [] : [{ name: 'Goes on from', value: data.parent.split('@')[0] }]),
          ]}
        />
      </div>
      <Members people={data.people} />
      {data.faults.length === 0 ? null : (
        <Facts
          of={data.faults.map(({ peer, kind, about }) => ({
            name: kind,
            value: <Id id={peer} what="PeerId" />,
            note: about,
          }))}
        />
      )}
    </>
  )
}

/** How the loss falls: own training as it goes, and what the quorum measured in the end. */
function LossCurve({ round: { training, loss, general } }: { round: RoundDetailView }) {
  const digits = (value: number) => value.toFixed(3)
  return (
    <div className="loss">
      {training.length < 2 ? (
        <p className="card-about past-none">
          The loss of this node’s own training is drawn here while it trains.
        </p>
      ) : (
        <LineChart
          label="Loss of this node’s training, nats per token, by step"
          fromZero={false}
          height={220}
          x={step => `step ${step}`}
          y={digits}
          series={[
            {
              name: 'training',
              tone: 'soft',
              points: training.map(({ step, loss }) => ({ x: step, y: loss })),
            },
            {
              name: 'held out',
              tone: 'roe',
              points: training
                .map(({ step, heldOutLoss }) => ({ x: step, y: heldOutLoss }))
                // It is measured now and then; between two measurements the last one is told again.
                .filter(
                  ({ y }, index, all) => y !== null && (y !== all[index - 1]?.y || index === all.length - 1),
                ),
            },
          ]}
        />
      )}
      {loss === null ? null : (
        <div className="figures">
          <LossFigure name="What it is for" pair={loss} />
          {general === null ? null : <LossFigure name="Everything else" pair={general} />}
        </div>
      )}
    </div>
  )
}

function LossFigure({ name, pair }: { name: string; pair: { before: number; after: number } }) {
  const share = ((pair.after - pair.before) / pair.before) * 100
  const isBetter = pair.after < pair.before
  return (
    <Figure
      name={name}
      value={
        <span className="loss-pair">
          {pair.before.toFixed(3)} <Icon name="forward" size={16} /> {pair.after.toFixed(3)}
        </span>
      }
      unit="nats per token"
      note={
        <span className="loss-change" data-better={isBetter}>
          {isBetter ? '−' : '+'}
          {Math.abs(share).toFixed(1)} % loss
        </span>
      }
    />
  )
}

function Members({ people }: { people: readonly MemberView[] }) {
  const mark = (is: boolean) => (is ? <Icon name="check" size={14} /> : <span className="member-not">·</span>)
  const said = (is: boolean, what: string) => (
    <>
      {mark(is)}
      <span className="visually-hidden">{is ? what : `not ${what}`}</span>
    </>
  )
  return (
    <Table
      caption="Members"
      rows={people}
      keyOf={({ peer }) => peer}
      columns={[
        {
          id: 'peer',
          head: 'Member',
          cell: ({ peer, self }) => (
            <>
              <Id id={peer} what="PeerId" /> {self ? <Badge tone="water">you</Badge> : null}
            </>
          ),
        },
        {
          id: 'stake',
          head: 'Stake',
          isNumber: true,
          cell: ({ stake }) => <Credits exact={stake} unit={false} />,
          order: ({ stake }) => Number(stake),
        },
        { id: 'committed', head: 'Committed', cell: ({ committed }) => said(committed, 'committed') },
        { id: 'revealed', head: 'Revealed', cell: ({ revealed }) => said(revealed, 'revealed') },
        { id: 'scored', head: 'Scored', cell: ({ scored }) => said(scored, 'scored') },
        { id: 'voted', head: 'Voted', cell: ({ voted }) => voted ?? '–' },
      ]}
      empty={<p className="card-about">Nobody has joined yet.</p>}
    />
  )
}
