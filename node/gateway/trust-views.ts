import type { NodeKey } from '../../protocol/ids.ts'
import type { ShoalNode } from '../node.ts'
import type { Evidence } from '../trust/evidence.ts'
import { peerNamed } from '../trust/peer-names.ts'
import { type AttestationView, attestationView } from './attestation-views.ts'
import { type AuditorView, type AuditRecordView, auditorView, auditRecordViews } from './audit-views.ts'
import { peerIdOf } from './views.ts'

/** One component of a score, as people read it. */
export interface ComponentView {
  component: string
  /** Share in the score. */
  weight: number
  /** 0 to 100. */
  mean: number
  /** What it is at least, with 90 % confidence. */
  atLeast: number
  /** Points of the score that come from it, before restraint. */
  points: number
  /** Faded weights of the evidence, in tasks (`longevity`: in days). */
  good: number
  bad: number
}

export interface WitnessView {
  peerId: string
  reports: number
  good: number
  bad: number
  /** How much it agreed with our own experience, 0 to 1. */
  agreement: number
  /** What it counts, in tasks. */
  weight: number
  /** Shared by witnesses that may be one operator. */
  cluster: number
  sameOperator: boolean
  lastAt: string
}

export interface PeerDetailView {
  peerId: string
  /** 0 to 100. */
  reputation: number
  /** What the score is at least, with 90 % confidence. */
  reputationAtLeast: number
  /** Whether it has proven to do what it says; only who has is chosen for what it offers, others are tried out. */
  honesty: {
    standing: 'proven' | 'unproven' | 'suspected' | 'caught'
    /** Whether the chain says it has something at stake: a stranger with a stake is tried sooner. */
    hasStake: boolean
    /** Audits passed, faded, with what tasks nobody audited prove, and answers that others made alike. */
    proof: number
    /** Witnesses that vouch for it and that say it cheated, each by its record. */
    vouched: number
    accused: number
    /** Chance that it is honest, 0 to 1. */
    prospect: number
    /** With what chance an answer should be audited, 0 to 1. */
    auditProbability: number
  }
  /** Chance that a task ends well, as choosing counts with it, 0 to 1. */
  reliability: number
  welcome: boolean
  connected: boolean
  components: ComponentView[]
  /** Factor on the sum of the components: below 1 for worse performance or security than a newcomer's. */
  restraint: number
  inheritedPoints: number
  inheritedFrom: { peerId: string; points: number }[]
  penaltyPoints: number
  tasks: number
  results: Record<string, number>
  audits: { passed: number; failed: number }
  /** Of ours, model by model. */
  auditsByModel: AuditRecordView[]
  /** As an auditor of others; null while it was not tested. */
  auditor: AuditorView | null
  contacts: { reached: number; missed: number }
  violations: number
  witnesses: WitnessView[]
  /** The newest first. */
  evidence: { at: string; kind: string; what: string; witness: string | null }[]
  /** Known keys of who is behind it: wallets, funders, networks. */
  operator: string[]
  firstSeen: string | null
  lastSeen: string | null
  models: string[]
  /** Where it has proven to run; null for one that was never asked. */
  attestation: AttestationView | null
}

/**
 * Why a peer is trusted as much as it is.
 * @throws {TrustError} PEER_UNKNOWN, PEER_AMBIGUOUS
 */
export async function peerDetailView(node: ShoalNode, name: string): Promise<PeerDetailView> {
  const { host, book, reputation, trust } = node.parts
  const peer = peerNamed(name, knownPeers(node))
  const opinion = reputation.opinion(peer)
  const honesty = reputation.honesty(peer)
  const recent = await reputation.recentEvidence(peer)
  const isKnown = opinion.firstSeenMs < opinion.lastSeenMs || recent.length > 0
  return {
    peerId: peerIdOf(peer),
    reputation: opinion.score,
    reputationAtLeast: rounded(100 * opinion.lowerBound, 1),
    honesty: {
      standing: honesty.standing,
      hasStake: honesty.hasStake,
      proof: rounded(honesty.proof, 1),
      vouched: rounded(honesty.vouched, 2),
      accused: rounded(honesty.accused, 2),
      prospect: rounded(honesty.prospect),
      auditProbability: rounded(reputation.auditProbability(peer, 0)),
    },
    reliability: rounded(reputation.reliability(peer)),
    welcome: opinion.welcome,
    connected: host.isConnected(peer),
    components: opinion.components.map(({ component, weight, good, bad, mean, lowerBound }) => ({
      component,
      weight,
      mean: rounded(100 * mean, 1),
      atLeast: rounded(100 * lowerBound, 1),
      points: rounded(100 * weight * mean, 1),
      good: rounded(good, 2),
      bad: rounded(bad, 2),
    })),
    restraint: rounded(opinion.restraint),
    inheritedPoints: rounded(opinion.inheritedPoints, 1),
    inheritedFrom: opinion.patrons.map(({ orchestrator, points }) => ({
      peerId: peerIdOf(orchestrator),
      points: rounded(points, 1),
    })),
    penaltyPoints: rounded(opinion.penaltyPoints, 1),
    tasks: opinion.tasks,
    results: opinion.results,
    audits: opinion.audits,
    auditsByModel: auditRecordViews(node, peer),
    auditor: auditorView(node, peer),
    contacts: opinion.contacts,
    violations: opinion.violations,
    witnesses: opinion.witnesses.map(({ witness, lastAtMs, ...said }) => ({
      ...said,
      peerId: peerIdOf(witness),
      good: rounded(said.good, 2),
      bad: rounded(said.bad, 2),
      agreement: rounded(said.agreement),
      weight: rounded(said.weight, 2),
      lastAt: new Date(lastAtMs).toISOString(),
    })),
    evidence: recent.map(evidence => ({
      at: new Date(evidence.atMs).toISOString(),
      kind: evidence.kind,
      what: whatOf(evidence),
      witness: evidence.kind === 'report' ? peerIdOf(evidence.witness) : null,
    })),
    operator: [...trust.operators.clustersOf(peer)],
    firstSeen: isKnown ? new Date(opinion.firstSeenMs).toISOString() : null,
    lastSeen: isKnown ? new Date(opinion.lastSeenMs).toISOString() : null,
    models: book.of(peer)?.offer.models.map(({ model }) => model) ?? [],
    attestation: attestationView(node.parts.attestation, peer),
  }
}

function* knownPeers(node: ShoalNode): Generator<NodeKey> {
  const { host, book, reputation } = node.parts
  yield* host.peers()
  for (const { provider } of book.list()) yield provider
  yield* reputation.peers()
}

function whatOf(evidence: Evidence): string {
  switch (evidence.kind) {
    case 'task':
    case 'report':
      return evidence.result
    case 'audit':
      return evidence.passed ? 'passed' : 'failed'
    case 'comparison':
      return evidence.agreed ? 'agreed' : 'differed'
    case 'contact':
      return evidence.reached ? 'reached' : 'missed'
    case 'violation':
      return evidence.violation
  }
}

function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits))
}
