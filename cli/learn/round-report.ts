import type { LearningView, RoundDetailView, RoundView } from '../../node/gateway/learning-views.ts'
import { drawLines } from '../ui/line-chart.ts'
import { modelName, type Output, paint, properties, shortPeer, table } from '../ui/output.ts'
import {
  count,
  inCredits,
  readableBytes,
  readableCredits,
  readableSpan,
  readableTime,
} from '../ui/readable.ts'

const BAR_CHARS = 24
const CHART_ROWS = 6
const MAX_CHART_COLUMNS = 64
const PHASES = ['announce', 'train', 'commit', 'reveal', 'score', 'aggregate', 'vote', 'publish', 'done']

/** What learning is doing on a node, for people. */
export function describeLearning(view: LearningView, output: Output): string {
  const { enabled, lifecycle, data, blobs, rounds, past } = view
  const { state, current, waiting, hindrances, unknown } = lifecycle
  const doing =
    current === null
      ? state
      : `${state}: ${current.name}${current.phase === 'running' ? '' : ` (${current.phase})`}`
  const parts = [
    properties([
      ['Learning', enabled ? doing : 'off; shoal up --learn begins it'],
      [
        'Waits for',
        hindrances.length === 0 ? 'nothing' : hindrances.map(({ message }) => message).join('\n'),
      ],
      ['Work', waiting === 0 ? 'none waits' : `${waiting} wait`],
      ...(unknown.length === 0 ? [] : [['Not known', unknown.join(', ')] as [string, string]]),
      [
        'Data',
        data.rows === 0
          ? 'none; shoal learn add takes some'
          : `${count(data.rows, 'row')} of ${data.domains.join(', ')}`,
      ],
      ...(blobs === null
        ? []
        : [
            ['Disk', `${readableBytes(blobs.bytes)} of ${readableBytes(blobs.maxBytes)}`] as [string, string],
          ]),
    ]),
  ]
  if (rounds.length > 0) parts.push(describeRounds(rounds, output))
  else if (enabled) parts.push('No round goes on; shoal learn propose begins one.')
  const over = past.slice(0, 5).map(({ name, failure, endedAt }) => {
    const how = failure === null ? paint('green', 'accepted') : failure.replaceAll('_', ' ')
    return `${name}: ${how}${endedAt === null ? '' : `, ${readableTime(endedAt)}`}`
  })
  if (over.length > 0) parts.push(`Before:\n${over.map(line => `  ${line}`).join('\n')}`)
  return parts.join('\n\n')
}

/** Rounds in a table. */
export function describeRounds(rounds: readonly RoundView[], output: Output): string {
  if (rounds.length === 0) return 'No round goes on; shoal learn propose begins one.'
  return table(
    ['ROUND', 'NAME', 'DOMAIN', 'BASE', 'PHASE', 'UNTIL', 'MEMBERS', 'STAKE', 'UPDATES', 'PART'],
    rounds.map(round => [
      shortRound(round.round),
      round.name,
      round.domain,
      modelName(round.base),
      round.failure === null ? round.phase : `failed: ${round.failure.replaceAll('_', ' ')}`,
      round.phaseEnds === null ? '' : readableTime(round.phaseEnds),
      round.members,
      readableCredits(round.stake),
      round.updates,
      round.part,
    ]),
    { columns: output.columns, mayLack: ['STAKE', 'UPDATES', 'BASE', 'DOMAIN'] },
  )
}

/** One round: how far it is, own training as a curve, who takes part. */
export function describeRound(round: RoundDetailView, output: Output, nowMs: number): string {
  const { loss, general, people, faults } = round
  const parts = [
    phaseBar(round, nowMs),
    properties([
      ['Round', round.round],
      ['Adapter', `${round.name}, rank ${round.rank}, of ${modelName(round.base)}`],
      ['About', round.domain],
      ['Proposed by', shortPeer(round.proposer)],
      ['Rule', `${round.rule}; at least ${count(round.minimumUpdates, 'update')}`],
      [
        'Privacy',
        round.privacy === null
          ? 'none'
          : `noise ${round.privacy.noiseMultiplier} over norm ${round.privacy.clipNorm}, δ ${round.privacy.delta}`,
      ],
      ['Promised', round.reward === '0' ? 'nothing beside the learners’ pool' : inCredits(round.reward)],
      ...(loss === null ? [] : [['Loss', nats(loss)] as [string, string]]),
      ...(general === null ? [] : [['General text', nats(general)] as [string, string]]),
      ...(round.adapter === null ? [] : [['Accepted', round.adapter] as [string, string]]),
    ]),
  ]
  const curve = lossCurve(round, output.columns)
  if (curve !== '') parts.push(curve)
  if (people.length > 0) {
    parts.push(
      table(
        ['MEMBER', 'STAKE', 'DOMAIN', 'COMMITTED', 'REVEALED', 'SCORED', 'VOTED'],
        people.map(member => [
          `${shortPeer(member.peer)}${member.self ? ' (this node)' : ''}`,
          member.staked === false ? 'not staked' : readableCredits(member.stake),
          member.domain,
          tick(member.committed),
          tick(member.revealed),
          tick(member.scored),
          member.voted ?? '',
        ]),
        { columns: output.columns, mayLack: ['DOMAIN', 'STAKE'] },
      ),
    )
  }
  if (faults.length > 0) {
    const lines = faults.map(
      ({ peer, kind, about }) => `  ${shortPeer(peer)}: ${kind.replaceAll('_', ' ')} (${about})`,
    )
    parts.push(`${paint('red', 'Faults')}:\n${lines.join('\n')}`)
  }
  return parts.join('\n\n')
}

/** How far a round is: phases that are over, and the time of the one it is at. */
export function phaseBar(round: RoundView, nowMs: number): string {
  if (round.phase === 'failed')
    return `${paint('red', '✗')} Failed: ${(round.failure ?? '').replaceAll('_', ' ')}.`
  if (round.phase === 'done') return `${paint('green', '✓')} Accepted.`
  const index = PHASES.indexOf(round.phase)
  const fromMs = Date.parse(round.phaseFrom)
  const endMs = round.phaseEnds === null ? nowMs : Date.parse(round.phaseEnds)
  const share = endMs <= fromMs ? 1 : Math.min(1, Math.max(0, (nowMs - fromMs) / (endMs - fromMs)))
  const done = Math.round((BAR_CHARS * (index + share)) / (PHASES.length - 1))
  const left = endMs > nowMs ? `, at most ${readableSpan(endMs - nowMs)}` : ''
  const bar = `${'█'.repeat(done)}${'░'.repeat(Math.max(0, BAR_CHARS - done))}`
  return `· ${bar} ${round.phase} (${index + 1} of ${PHASES.length - 1}${left})`
}

/** Own training of a round; empty while there is too little of it. */
function lossCurve({ training }: RoundDetailView, columns: number): string {
  const last = training.at(-1)
  if (last === undefined || training.length < 2) return ''
  const width = Math.max(8, Math.min(MAX_CHART_COLUMNS, columns - 12))
  const every = Math.ceil(training.length / width)
  const losses = training.filter((_, index) => index % every === 0).map(({ loss }) => loss)
  const held = last.heldOutLoss === null ? '' : `, held out ${last.heldOutLoss.toFixed(4)}`
  const caption = `  own training: step ${last.step} of ${last.steps}, loss ${last.loss.toFixed(4)}${held}`
  return `${drawLines([losses], { rows: CHART_ROWS, format: value => value.toFixed(3).padStart(8) })}\n${caption}`
}

const nats = ({ before, after }: { before: number; after: number }) =>
  `${before.toFixed(4)} → ${after.toFixed(4)} nats a token`

const tick = (is: boolean) => (is ? paint('green', '✓') : '')

const shortRound = (cid: string) => `${cid.slice(0, 8)}…${cid.slice(-6)}`
