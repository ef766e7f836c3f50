import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import { hiddenValidation } from '../../../protocol/messages/learning/common.ts'
import { updateCommitment } from '../../../protocol/messages/learning/update-commitment.ts'
import { isQuorum } from '../acceptance/quorum.ts'
import { admit, memberToForget } from './admission.ts'
import { isRejected, outcomeOf } from './outcome.ts'
import { ROUND_PHASES, type RoundFailure, type RoundPhase } from './phases.ts'
import { examine, isHopeless, ownBasis, proposalKey, turnOf } from './proposal-check.ts'
import { graceMs, isLatecomer, joinsUntilMs, roster, stakeOf } from './roster.ts'
import type { RoundRecord } from './round-record.ts'
import type {
  Heard,
  MemberState,
  ProposalState,
  RoundEffect,
  RoundFault,
  RoundInput,
  RoundState,
} from './round-state.ts'

/** How long a proposal is looked at before it is voted for, so that another one of its signer comes to light. */
const MAX_SETTLE_MS = 2_000
/** Records asked for at once. */
const MAX_ASKED = 64

/**
 * What a round becomes by something that happened, and what is to be done now. Depends on its arguments alone.
 *
 * Safety: a node votes once in a round, for one adapter reckoned of one roster that holds everybody who, as far as it knows, takes
 * part. Two quorums of two thirds then share an honest voter while liars have less than a third of the stake and the joins of honest
 * members reach each other in time; with `quorumStake` at two thirds of all that could join, even when they do not. (No protocol without a
 * fixed set of members can do more while messages get lost: Lewis-Pye and Roughgarden, arXiv 2304.14701.)
 */
export function advance(
  state: RoundState,
  input: RoundInput,
  nowMs: number,
): { state: RoundState; effects: RoundEffect[] } {
  const next = progress(apply(state, input, nowMs), nowMs)
  return { state: next, effects: effects(next, nowMs) }
}

/** When to look again if nothing else happens, ms since the epoch; null when the round is over. */
export function wakeAtMs(state: RoundState, nowMs: number): number | null {
  if (isOver(state)) return null
  const { deadlines } = state.manifest
  const times = [
    ...[joinsUntilMs(state), deadlines.trainMs, deadlines.publishMs],
    ...(['commit', 'reveal', 'score', 'aggregate', 'vote'] as const).map(phase => limitMs(state, phase)),
    ...turns(state).map(({ fromMs }) => fromMs),
    ...state.proposals.map(proposal => settledAtMs(state, proposal)),
  ].filter(time => time > nowMs)
  return times.length === 0 ? null : Math.min(...times)
}

export function isOver({ phase }: Pick<RoundState, 'phase'>): boolean {
  return phase === 'done' || phase === 'failed'
}

function apply(state: RoundState, input: RoundInput, nowMs: number): RoundState {
  switch (input.kind) {
    case 'record':
      return applyRecord(state, input.record, nowMs)
    case 'standing': {
      const member = state.members.get(input.node)
      return member === undefined ? state : withMember(state, { ...member, isStaked: input.isStaked })
    }
    case 'wanted':
      return { ...state, isWanted: input.isWanted }
    case 'trained':
      return { ...state, update: input.isReady ? 'ready' : 'failed' }
    case 'checked': {
      const proposals = state.proposals.map(proposal =>
        proposal.cid === input.proposal
          ? { ...proposal, check: input.isSame ? ('same' as const) : ('different' as const) }
          : proposal,
      )
      const wrong = input.isSame ? undefined : proposals.find(({ cid }) => cid === input.proposal)
      const checked = { ...state, proposals }
      return wrong === undefined
        ? checked
        : blamed(checked, {
            node: wrong.signer,
            kind: 'bad_proposal',
            about: 'proposal',
            records: [wrong.cid],
          })
    }
    case 'reported':
      return {
        ...state,
        faults: state.faults.map(fault =>
          fault.node === input.node && fault.kind === input.fault && fault.about === input.about
            ? { ...fault, isReported: true }
            : fault,
        ),
      }
    case 'tick':
      return state
  }
}

function applyRecord(state: RoundState, incoming: RoundRecord, nowMs: number): RoundState {
  const { signer, cid } = incoming.record
  // Who has counted the votes may say so without having joined.
  if (incoming.kind === 'version' && signer === state.self && !state.members.has(signer))
    return { ...state, version: cid }
  const admission = admit(state, incoming)
  if (admission !== 'new' && admission !== 'contradiction') return state
  const heard = <T>(body: T): Heard<T> => ({ cid, signer, body, atMs: nowMs })
  if (incoming.kind === 'manifest') return state
  if (incoming.kind === 'proposal') {
    const proposal: ProposalState = { ...heard(incoming.record.body), check: 'unchecked' }
    const before = state.proposals.find(
      other => other.signer === signer && other.body.attempt === proposal.body.attempt,
    )
    const next = { ...state, proposals: [...state.proposals, proposal] }
    return before === undefined ? next : equivocated(next, incoming, before.cid)
  }
  const member = state.members.get(signer)
  if (member === undefined) {
    if (incoming.kind !== 'join') return state
    const gone = memberToForget(state)
    const members = new Map(state.members)
    if (gone !== null) members.delete(gone)
    members.set(signer, {
      ...{ node: signer, join: heard(incoming.record.body), isStaked: null, other: {} },
      ...{ commitment: null, reveal: null, scores: null, vote: null, version: null },
    })
    return { ...state, members }
  }
  const record = heard(incoming.record.body) as never
  const first = member[incoming.kind]
  const next =
    first === null
      ? withMember(state, { ...member, [incoming.kind]: record })
      : equivocated(
          withMember(state, { ...member, other: { ...member.other, [incoming.kind]: record } }),
          incoming,
          first.cid,
        )
  const isOwnVersion = incoming.kind === 'version' && signer === state.self
  return checkReveal(isOwnVersion ? { ...next, version: cid } : next, signer)
}

/** What is revealed must be what was committed to. */
function checkReveal(state: RoundState, node: NodeKey): RoundState {
  const member = state.members.get(node)!
  const { commitment, reveal } = member
  if (commitment === null || reveal === null || isOpened(state, member)) return state
  return blamed(state, {
    ...{ node, kind: 'mismatch', about: 'reveal' },
    records: [member.join.cid, commitment.cid, reveal.cid],
  })
}

/** Whether a member's reveal opens its commitment and keeps to what its join said. */
export function isOpened(
  { round, manifest }: Pick<RoundState, 'round' | 'manifest'>,
  { node, join, commitment, reveal }: MemberState,
): boolean {
  if (commitment === null || reveal === null) return false
  const { update, salt, encoding, domain, validation, privacy } = reveal.body
  const content = { round, update: update.digest, salt, author: node }
  const hidden = join.body.validation
  return (
    reveal.body.commitment === commitment.cid &&
    commitment.body.commitment === updateCommitment(content) &&
    encoding === manifest.encoding &&
    domain === join.body.domain &&
    (privacy === null) === (manifest.privacy === null) &&
    validation.length === hidden.length &&
    validation.every(
      (set, index) =>
        set.domain === hidden[index]!.domain &&
        hiddenValidation(set.blob.digest, set.domain).digest === hidden[index]!.digest,
    )
  )
}

function equivocated(state: RoundState, { kind, record }: RoundRecord, first: CidString): RoundState {
  return blamed(state, {
    node: record.signer,
    kind: 'equivocation',
    about: kind,
    records: [first, record.cid],
  })
}

function blamed(state: RoundState, fault: Omit<RoundFault, 'isReported'>): RoundState {
  const isKnown = state.faults.some(
    ({ node, kind, about }) => node === fault.node && kind === fault.kind && about === fault.about,
  )
  return isKnown ? state : { ...state, faults: [...state.faults, { ...fault, isReported: false }] }
}

function withMember(state: RoundState, member: MemberState): RoundState {
  return { ...state, members: new Map(state.members).set(member.node, member) }
}

/** Goes through as many phases as are over. */
function progress(state: RoundState, nowMs: number): RoundState {
  let next = blameUnsound(state)
  for (;;) {
    const step = nextPhase(next, nowMs)
    if (step === null) return next
    const from = { phaseFromMs: nowMs }
    if (typeof step === 'object') {
      return { ...next, ...from, phase: 'failed', failure: step.failure }
    }
    next = {
      ...next,
      ...from,
      phase: step,
      failure: null,
      outcome: step === 'publish' ? outcomeOf(next) : next.outcome,
      aggregateFromMs: step === 'aggregate' ? nowMs : next.aggregateFromMs,
    }
  }
}

function blameUnsound(state: RoundState): RoundState {
  let next = state
  for (const proposal of state.proposals) {
    if (examine(state, proposal).is !== 'unsound') continue
    const records = [proposal.cid]
    next = blamed(next, { node: proposal.signer, kind: 'bad_proposal', about: 'proposal', records })
  }
  return next
}

/** The phase that follows by now, or why the round has failed; null when it stays. */
function nextPhase(state: RoundState, nowMs: number): RoundPhase | { failure: RoundFailure } | null {
  const { phase, manifest } = state
  const { deadlines, minimumUpdates } = manifest
  if (phase === 'done') return null
  if (phase === 'publish') {
    if (state.version !== null) return 'done'
    return nowMs >= deadlines.publishMs ? { failure: 'unpublished' } : null
  }
  // Whatever this node has missed, a quorum is a quorum.
  if (outcomeOf(state) !== null && (phase !== 'failed' || state.failure !== 'unpublished')) return 'publish'
  if (phase === 'failed') return null
  const isLate = isLatecomer(state)
  const fails = (failure: RoundFailure) => (isLate ? null : { failure })
  const seated = seatedMembers(state)
  const committed = seated.filter(({ commitment }) => commitment !== null)
  const revealed = committed.filter(member => isOpened(state, member))
  const isPast = (limit: TimedPhase) => nowMs >= limitMs(state, limit)
  switch (phase) {
    case 'announce': {
      const isFull = roster(state).length >= manifest.maximumMembers
      if (nowMs < joinsUntilMs(state) && !isFull) return null
      const mayTakePart = [...state.members.values()].filter(({ isStaked }) => isStaked !== false)
      return mayTakePart.length < minimumUpdates ? (fails('too_few_members') ?? 'train') : 'train'
    }
    case 'train':
      return nowMs >= deadlines.trainMs || isAll(committed, seated, minimumUpdates) ? 'commit' : null
    case 'commit': {
      if (!isAll(committed, seated, minimumUpdates) && !isPast('commit')) return null
      return committed.length < minimumUpdates ? (fails('too_few_updates') ?? 'reveal') : 'reveal'
    }
    case 'reveal': {
      if (!isAll(revealed, committed, minimumUpdates) && !isPast('reveal')) return null
      return revealed.length < minimumUpdates ? (fails('too_few_updates') ?? 'score') : 'score'
    }
    case 'score': {
      const seats = roster(state)
      const scored = seats.filter(({ node }) => state.members.get(node)!.scores !== null)
      if (!(scored.length > 0 && scored.length === seats.length) && !isPast('score')) return null
      const isEnough = isQuorum(stakeOf(scored), stakeOf(seats))
      return isEnough ? 'aggregate' : (fails('too_few_scores') ?? 'aggregate')
    }
    case 'aggregate': {
      if (candidate(state) !== null) return 'vote'
      if (!isPast('aggregate') && !isHopeless(state)) return null
      return fails(ownBasis(state) === null ? 'too_few_accepted' : 'no_aggregate') ?? 'vote'
    }
    case 'vote':
      if (isRejected(state)) return { failure: 'rejected' }
      return isPast('vote') ? { failure: 'no_quorum' } : null
  }
}

/** Everybody who was to has done it, and that is enough. */
function isAll(done: readonly MemberState[], of: readonly MemberState[], least: number): boolean {
  return done.length === of.length && done.length >= least
}

type TimedPhase = 'commit' | 'reveal' | 'score' | 'aggregate' | 'vote'

/** Until when records of a phase are waited for. */
function limitMs({ manifest }: RoundState, phase: TimedPhase): number {
  const { trainMs, commitMs, revealMs, scoreMs, aggregateMs, voteMs } = manifest.deadlines
  const starts = { commit: trainMs, reveal: commitMs, score: revealMs, aggregate: scoreMs, vote: aggregateMs }
  const ends = { commit: commitMs, reveal: revealMs, score: scoreMs, aggregate: aggregateMs, vote: voteMs }
  return ends[phase] + graceMs(starts[phase], ends[phase])
}

function seatedMembers(state: RoundState): MemberState[] {
  return roster(state).map(({ node }) => state.members.get(node)!)
}

/** Updates to be scored: committed to in time, by one commitment, and opened; in the order of their commitments. */
function scorable(state: RoundState): MemberState[] {
  const untilMs = limitMs(state, 'commit')
  return seatedMembers(state)
    .filter(
      member =>
        member.commitment !== null &&
        member.commitment.atMs < untilMs &&
        member.other.commitment === undefined &&
        member.other.reveal === undefined &&
        isOpened(state, member),
    )
    .sort((a, b) => a.commitment!.atMs - b.commitment!.atMs || (a.node < b.node ? -1 : 1))
}

/** How long each member has its turn to aggregate, ms. */
function turnMs({ manifest }: RoundState): number {
  return (manifest.deadlines.aggregateMs - manifest.deadlines.scoreMs) / manifest.aggregateAttempts
}

function turns(state: RoundState): { attempt: number; fromMs: number }[] {
  const { aggregateFromMs } = state
  if (aggregateFromMs === null) return []
  return Array.from({ length: state.manifest.aggregateAttempts }, (_, attempt) => ({
    attempt,
    fromMs: aggregateFromMs + attempt * turnMs(state),
  }))
}

function settledAtMs(state: RoundState, { atMs }: ProposalState): number {
  return atMs + Math.min(MAX_SETTLE_MS, turnMs(state) / 16)
}

/**
 * The proposal to vote for: sound, found to give the same bytes here, of a member that made but one at that attempt, unless more than
 * a third has voted for it before the other came to light. Rather one that others have voted for, then the earliest attempt, so
 * that votes come together.
 */
export function candidate(state: RoundState): ProposalState | null {
  const voted = new Map<string, bigint>()
  for (const { vote, join } of state.members.values()) {
    if (vote === null) continue
    const key = `${vote.body.adapter}|${vote.body.roster}`
    voted.set(key, (voted.get(key) ?? 0n) + join.body.stake)
  }
  const stakeFor = (proposal: ProposalState) => voted.get(proposalKey(proposal)) ?? 0n
  const participating = stakeOf(roster(state))
  const isMember = roster(state).some(({ node }) => node === state.self)
  return (
    state.proposals
      .filter(
        proposal =>
          (proposal.check === 'same' || (!isMember && proposal.check === 'unchecked')) &&
          (!isContradicted(state, proposal) || stakeFor(proposal) * 3n > participating) &&
          examine(state, proposal).is === 'sound',
      )
      .sort((a, b) => {
        const [left, right] = [stakeFor(a), stakeFor(b)]
        if (left !== right) return left > right ? -1 : 1
        return a.body.attempt - b.body.attempt || (a.cid < b.cid ? -1 : 1)
      })[0] ?? null
  )
}

function isContradicted({ proposals }: RoundState, { cid, signer, body }: ProposalState): boolean {
  return proposals.some(
    other => other.cid !== cid && other.signer === signer && other.body.attempt === body.attempt,
  )
}

/** All that is to be done now, done by nobody yet. */
function effects(state: RoundState, nowMs: number): RoundEffect[] {
  const { phase, manifest, self } = state
  const { deadlines } = manifest
  const due: RoundEffect[] = state.faults
    .filter(({ isReported }) => !isReported)
    .map(fault => ({ kind: 'report', fault }))
  if (phase === 'done') return due
  for (const { node, isStaked } of state.members.values()) {
    // Who joins as soon as its stake is there may be ahead of what others know of the chain.
    const isAgain = isStaked === false && phase === 'announce'
    if (isStaked === null || isAgain) due.push({ kind: 'check-standing', node, isAgain })
  }
  const missing = missingRecords(state)
  if (missing.length > 0) due.push({ kind: 'ask', records: missing.slice(0, MAX_ASKED) })
  if (phase === 'failed') return due
  if (phase === 'publish') return [...due, { kind: 'publish' }]

  const own = state.members.get(self) ?? null
  if (own === null) {
    if (phase === 'announce' && state.isWanted && nowMs < deadlines.joinMs) due.push({ kind: 'join' })
    return due
  }
  const isSeated = roster(state).some(({ node }) => node === self)
  const isAt = (...phases: RoundPhase[]) => phases.includes(phase)
  if (isSeated && own.commitment === null && isAt('train', 'commit')) {
    if (state.update === 'none' && nowMs < deadlines.trainMs) due.push({ kind: 'train' })
    if (state.update === 'ready' && nowMs < deadlines.commitMs) due.push({ kind: 'commit' })
  }
  const mayReveal = nowMs < deadlines.revealMs && isFrom(phase, 'reveal')
  if (own.commitment !== null && own.reveal === null && mayReveal) due.push({ kind: 'reveal' })
  if (isSeated && phase === 'score' && own.scores === null) {
    // The scorer takes the earlier of two that are one for the original.
    const inOrder = scorable(state).toSorted((a, b) => a.commitment!.atMs - b.commitment!.atMs)
    due.push({ kind: 'score', updates: inOrder.map(({ reveal }) => reveal!.cid) })
  }
  if (isAt('aggregate', 'vote') && own.vote === null) due.push(...ballots(state, nowMs, isSeated))
  return due
}

/** What brings an adapter and our vote on it about. */
function ballots(state: RoundState, nowMs: number, isSeated: boolean): RoundEffect[] {
  const { self, manifest } = state
  const due: RoundEffect[] = []
  for (const proposal of state.proposals) {
    if (proposal.check !== 'unchecked') continue
    const soundness = examine(state, proposal)
    if (soundness.is !== 'sound') continue
    if (soundness.seats.some(({ node }) => node === self)) due.push({ kind: 'check', proposal: proposal.cid })
  }
  const chosen = candidate(state)
  if (chosen !== null) {
    const isHeld = chosen.body.roster.includes(state.members.get(self)!.join.cid)
    const mayVote = nowMs < manifest.deadlines.voteMs && nowMs >= settledAtMs(state, chosen)
    if (isHeld && mayVote) due.push({ kind: 'vote', proposal: chosen.cid })
    return due
  }
  if (!isSeated || nowMs >= manifest.deadlines.aggregateMs) return due
  const basis = ownBasis(state)
  if (basis === null) return due
  const nodes = roster(state).map(({ node }) => node)
  const turn = turns(state).findLast(({ fromMs }) => fromMs <= nowMs)
  if (turn === undefined || turnOf(state, turn.attempt, nodes) !== self) return due
  const isMade = state.proposals.some(({ signer, body }) => signer === self && body.attempt === turn.attempt)
  if (!isMade) due.push({ kind: 'propose', attempt: turn.attempt, basis })
  return due
}

function isFrom(phase: RoundPhase, first: RoundPhase): boolean {
  return ROUND_PHASES.indexOf(phase) >= ROUND_PHASES.indexOf(first)
}

/** What others rest on and this node has not. */
function missingRecords(state: RoundState): CidString[] {
  const missing = new Set<CidString>()
  for (const proposal of state.proposals) {
    const soundness = examine(state, proposal)
    if (soundness.is === 'open') for (const cid of soundness.missing) missing.add(cid)
  }
  const proposals = new Set(state.proposals.map(({ cid }) => cid))
  const votes = new Set<CidString>()
  for (const { vote, other } of state.members.values()) {
    if (vote !== null) votes.add(vote.cid)
    if (other.vote !== undefined) votes.add(other.vote.cid)
    if (vote !== null && !proposals.has(vote.body.proposal)) missing.add(vote.body.proposal)
  }
  if (state.outcome === null) {
    for (const { version } of state.members.values()) {
      for (const cid of version?.body.votes ?? []) if (!votes.has(cid)) missing.add(cid)
    }
  }
  return [...missing]
}
