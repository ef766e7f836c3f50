import type { CidString } from '../../protocol/ids.ts'
import { type LossPair, MICRO_NATS_PER_NAT } from '../../protocol/messages/learning/common.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { Learning } from '../learning/learning.ts'
import type { LifecycleStatus } from '../learning/lifecycle/lifecycle.ts'
import { phaseEndMs, type RoundFailure, type RoundPhase } from '../learning/rounds/phases.ts'
import { roster, stakeOf } from '../learning/rounds/roster.ts'
import { isOpened } from '../learning/rounds/round-machine.ts'
import type { MemberState, RoundState } from '../learning/rounds/round-state.ts'
import type { KnownRound, PastRound } from '../learning/rounds/rounds.ts'
import type { RoundTrainingProgress } from '../learning/rounds/seams.ts'
import { peerIdOf } from './views.ts'

/** A round in a list. */
export interface RoundView {
  round: string
  name: string
  domain: string
  base: string
  phase: RoundPhase
  /** Why it came to nothing. */
  failure: RoundFailure | null
  /** Since when, and until when at the latest, it is at this phase. */
  phaseFrom: string
  phaseEnds: string | null
  endsAt: string
  members: number
  /** Credits of all who take part. */
  stake: string
  updates: number
  /** What this node does in it. */
  part: 'none' | 'joining' | 'member'
  /** The adapter that was accepted. */
  adapter: string | null
}

export interface MemberView {
  peer: string
  stake: string
  domain: string
  /** Null while the chain has not told. */
  staked: boolean | null
  committed: boolean
  revealed: boolean
  scored: boolean
  voted: 'for' | 'against' | null
  self: boolean
}

/** A round with all there is to know of it. */
export interface RoundDetailView extends RoundView {
  proposer: string
  parent: string | null
  rank: number
  alpha: number
  modules: string[]
  rule: string
  encoding: string
  minimumUpdates: number
  privacy: { clipNorm: number; noiseMultiplier: number; delta: number } | null
  reward: string
  deadlines: Record<string, string>
  people: MemberView[]
  /** Own training so far. */
  training: readonly RoundTrainingProgress[]
  /** What the quorum measured, nats per token. */
  loss: { before: number; after: number } | null
  general: { before: number; after: number } | null
  faults: { peer: string; kind: string; about: string }[]
}

/** What learning is doing on this node. */
export interface LearningView {
  enabled: boolean
  lifecycle: LifecycleStatus
  data: { sets: number; rows: number; domains: string[] }
  blobs: { blobs: number; bytes: number; keptBytes: number; maxBytes: number } | null
  rounds: RoundView[]
  past: { round: string; name: string; endedAt: string | null; failure: RoundFailure | null }[]
}

export async function learningView(learning: Learning): Promise<LearningView> {
  const sets = await learning.data.list()
  const { isEnabled } = learning
  return {
    enabled: isEnabled,
    lifecycle: learning.lifecycle.status(),
    data: {
      sets: sets.length,
      rows: sets.reduce((sum, { rows }) => sum + rows, 0),
      domains: [...new Set(sets.map(({ domain }) => domain))].sort(),
    },
    blobs: isEnabled ? learning.blobs.usage : null,
    rounds: isEnabled ? learning.rounds.list().map(roundView) : [],
    past: isEnabled ? learning.rounds.past().map(pastView) : [],
  }
}

export function roundView({ state }: KnownRound): RoundView {
  const { round, manifest, phase, failure, phaseFromMs, members, self, outcome } = state
  const seats = roster(state)
  const end = phaseEndMs(phase, manifest.deadlines)
  const accepted = state.proposals.find(({ cid }) => cid === outcome?.proposal)
  return {
    ...{ round, name: manifest.name, domain: manifest.domain, base: manifest.base, phase, failure },
    phaseFrom: timeText(phaseFromMs),
    phaseEnds: end === null ? null : timeText(end),
    endsAt: timeText(manifest.deadlines.publishMs),
    members: seats.length,
    stake: formatCredits(stakeOf(seats)),
    updates: [...members.values()].filter(member => isOpened(state, member)).length,
    part: members.has(self) ? 'member' : state.isWanted && phase === 'announce' ? 'joining' : 'none',
    adapter: accepted === undefined ? null : `${manifest.name}@${accepted.body.adapter.digest}`,
  }
}

export function roundDetailView(known: KnownRound): RoundDetailView {
  const { state, curve } = known
  const { manifest, members, outcome, faults, proposer } = state
  const { rank, alpha, modules, rule, encoding, minimumUpdates, privacy } = manifest
  return {
    ...roundView(known),
    proposer: peerIdOf(proposer),
    parent: manifest.parent?.model ?? null,
    ...{ rank, alpha, modules, rule, encoding, minimumUpdates },
    privacy: privacy && {
      ...{ clipNorm: privacy.clipNorm, noiseMultiplier: privacy.noiseMultiplier },
      delta: 10 ** -privacy.deltaExponent,
    },
    reward: formatCredits(manifest.reward),
    deadlines: Object.fromEntries(
      Object.entries(manifest.deadlines).map(([phase, ms]) => [phase.slice(0, -2), timeText(ms as number)]),
    ),
    people: [...members.values()].map(member => memberView(state, member)),
    training: curve,
    loss: inNats(outcome?.loss ?? null),
    general: inNats(outcome?.general ?? null),
    faults: faults.map(({ node, kind, about }) => ({ peer: peerIdOf(node), kind, about })),
  }
}

function memberView(state: RoundState, member: MemberState): MemberView {
  const { node, join, isStaked, commitment, scores, vote } = member
  return {
    ...{ peer: peerIdOf(node), stake: formatCredits(join.body.stake), domain: join.body.domain },
    ...{ staked: isStaked, committed: commitment !== null, revealed: isOpened(state, member) },
    scored: scores !== null,
    voted: vote === null ? null : vote.body.accept ? 'for' : 'against',
    self: node === state.self,
  }
}

function pastView({ round, name, end }: PastRound): LearningView['past'][number] {
  return {
    ...{ round, name },
    endedAt: end === null ? null : timeText(end.atMs),
    failure: end?.failure ?? null,
  }
}

function inNats(pair: LossPair | null) {
  if (pair === null) return null
  return { before: pair.before / MICRO_NATS_PER_NAT, after: pair.after / MICRO_NATS_PER_NAT }
}

const timeText = (ms: number) => new Date(ms).toISOString()

/** Which round is meant by a CID or the beginning or end that lists show. */
export function findRound(rounds: readonly KnownRound[], name: string): CidString | null {
  const [head = '', tail = ''] = name.split('…')
  const found = rounds.filter(({ state }) => {
    const { round, manifest } = state
    return round === name || manifest.name === name || (round.startsWith(head) && round.endsWith(tail))
  })
  return found.length === 1 ? found[0]!.state.round : null
}
