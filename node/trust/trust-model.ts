import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { CidString, NodeKey } from '../../protocol/ids.ts'
import {
  type Beta,
  betaLowerBound,
  betaMean,
  betaVariance,
  COMPONENTS,
  type Component,
  DEFAULT_PARAMETERS,
  type TrustParameters,
} from './components.ts'
import type { Evidence, StrangerKind } from './evidence.ts'
import { auditProbability, type Honesty, honestyOf } from './honesty.ts'
import type { ComponentOpinion, Opinion, PeerScore } from './opinion.ts'
import { noResults, PeerRecord, type PeerState } from './peer-record.ts'
import { type Hearsay, heard, NOTHING_HEARD } from './propagation.ts'
import { NO_FACTS, type TrustFacts } from './trust-facts.ts'
import { WitnessAgreement } from './witness-agreement.ts'

export interface TrustModelOptions {
  parameters?: Partial<TrustParameters>
  /** Decides which witnesses of a peer with too many are kept; nobody else must know it. */
  secret?: string
}

/** What rounding to whole units can add to the points of a peer that is at the limit. */
const POINTS_RESOLUTION = 1e-5

/**
 * This node's opinion of every peer, computed from evidence alone: no clock, no disk, no network. Six components,
 * each the posterior of a Beta distribution (Jøsang & Ismail, "The Beta Reputation System", 2002) whose evidence
 * fades with a half-life. Evidence has its own time, and its sums are exact: whatever the order in which it comes,
 * and however often a report comes, opinions are the same to the last bit.
 */
export class TrustModel {
  readonly parameters: TrustParameters
  readonly #secret: string
  readonly #facts: TrustFacts
  readonly #peers = new Map<NodeKey, PeerRecord>()
  readonly #agreement: WitnessAgreement
  /** Whether peers were honest, as own audits showed; and what follows for strangers, where it is worked out. */
  readonly #turnedOut = new Map<NodeKey, boolean>()
  readonly #strangerRisk = new Map<StrangerKind, number>()
  /** Receipts whose report was counted, with the time of the task. */
  readonly #receipts = new Map<CidString, number>()

  constructor(options: TrustModelOptions = {}, modules: { facts?: TrustFacts } = {}) {
    this.parameters = { ...DEFAULT_PARAMETERS, ...options.parameters }
    this.#secret = options.secret ?? ''
    this.#facts = modules.facts ?? NO_FACTS
    this.#agreement = new WitnessAgreement({
      parameters: this.parameters,
      recordOf: peer => this.#peers.get(peer),
    })
  }

  /**
   * Takes a piece of evidence.
   * @returns false when it changes nothing: a report on oneself, or on a receipt that counted already
   */
  add(evidence: Evidence): boolean {
    if (evidence.kind !== 'report') {
      const record = this.#record(evidence.peer)
      record.addDirect(evidence)
      this.#sort(record)
      this.#agreement.ownExperienceChanged(record)
      return true
    }
    const { peer, witness, receipt, result, atMs } = evidence
    if (witness === peer || this.#receipts.has(receipt)) return false
    this.#receipts.set(receipt, atMs)
    const dropped = this.#record(peer).addReport(witness, result, atMs)
    this.#agreement.reported(witness, peer)
    if (dropped !== null) this.#agreement.dropped(dropped, peer)
    return true
  }

  /** See `PeerScore.lowerBound`. */
  lowerBound(peer: NodeKey, nowMs: number): number {
    return this.#judge(this.#peers.get(peer), nowMs).lowerBound
  }

  /** Whether a peer does what it says it does. */
  honesty(peer: NodeKey, nowMs: number): Honesty {
    const { parameters } = this
    const unknown = betaMean(parameters.witnessPrior)
    const record = this.#peers.get(peer)
    const atMs = Math.max(nowMs, record?.lastAtMs ?? nowMs)
    const witnesses = {
      clustersOf: this.#facts.clustersOf,
      standingOf: (witness: NodeKey) => Math.max(0, (this.#agreement.of(witness) - unknown) / (1 - unknown)),
    }
    const hasStake = this.#facts.hasStake(peer)
    const strangerRisk = this.strangerRisk(hasStake ? 'staked' : 'unstaked')
    return honestyOf(record, atMs, parameters.honesty, witnesses, { hasStake, strangerRisk })
  }

  /**
   * Chance that a task ends well there, as selection counts with it, 0 to 1: the mean of a Beta posterior over how our
   * tasks went. Whoever is proven starts as most honest providers are, not as a stranger: else nobody would ever catch
   * up with those we know longest.
   */
  reliability(peer: NodeKey, nowMs: number): number {
    const record = this.#peers.get(peer)
    const { provenPerformance } = this.parameters
    if (record === undefined) return betaMean(provenPerformance)
    const atMs = Math.max(nowMs, record.lastAtMs)
    const { performance } = record
    return betaMean({
      good: provenPerformance.good + performance.good(atMs),
      bad: provenPerformance.bad + performance.bad(atMs),
    })
  }

  /** With what chance an answer of a peer should be audited; see `auditProbability`. */
  auditProbability(peer: NodeKey, nowMs: number, least: number): number {
    return auditProbability(this.honesty(peer, nowMs), least, this.parameters.honesty)
  }

  /**
   * Chance that a stranger of a kind turns out to cheat, 0 to 1: as the last of those did that own audits have shown for
   * what they are. What strangers were long ago does not count, nor when they were first heard of: that others can
   * arrange. What they were taken for when they were first audited does, not what they are by now: whoever takes its
   * stake away, or is suspected later, leaves its mark where it was tried.
   */
  strangerRisk(kind: StrangerKind = 'unstaked'): number {
    const known = this.#strangerRisk.get(kind)
    if (known !== undefined) return known
    const { strangers, suspects } = this.parameters.honesty
    const prior = kind === 'suspected' ? suspects : strangers
    const newest = this.#newest(kind)
    const good = prior.good + newest.filter(peer => this.#turnedOut.get(peer)).length
    const risk = 1 - good / (prior.good + prior.bad + newest.length)
    this.#strangerRisk.set(kind, risk)
    return risk
  }

  /** The score of a peer, of a newcomer when it is not known. */
  score(peer: NodeKey, nowMs: number): PeerScore {
    const record = this.#peers.get(peer)
    const { score, lowerBound } = this.#judge(record, nowMs)
    return { peer, score, lowerBound, ...this.#summary(record, nowMs) }
  }

  /** A score taken apart. */
  opinion(peer: NodeKey, nowMs: number): Opinion {
    const record = this.#peers.get(peer)
    const { hearsay, inheritedPoints, ...judgement } = this.#judge(record, nowMs)
    return {
      peer,
      ...judgement,
      ...this.#summary(record, nowMs),
      inheritedPoints,
      patrons: hearsay.patrons.map(({ orchestrator, share }) => ({
        orchestrator,
        points: share * inheritedPoints,
      })),
      penaltyPoints: this.#penaltyPoints(record, nowMs),
      results: { ...(record?.results ?? noResults()) },
      audits: { ...(record?.audits ?? { passed: 0, failed: 0 }) },
      contacts: { ...(record?.contacts ?? { reached: 0, missed: 0 }) },
      witnesses: hearsay.witnesses,
      lastSeenMs: record?.lastAtMs ?? nowMs,
    }
  }

  /** Whether we talk to it at all. */
  isWelcome(peer: NodeKey, nowMs: number): boolean {
    return this.#isWelcome(this.#peers.get(peer), nowMs)
  }

  /** Points for breaking the protocol, faded. */
  penaltyPoints(peer: NodeKey, nowMs: number): number {
    return this.#penaltyPoints(this.#peers.get(peer), nowMs)
  }

  /** How much a witness's reports count by how they agreed with our own experience, 0 to 1. */
  agreement(witness: NodeKey): number {
    return this.#agreement.of(witness)
  }

  /** Whether anything it said of others counts. */
  isWitness(peer: NodeKey): boolean {
    return this.#agreement.knows(peer)
  }

  get size(): number {
    return this.#peers.size
  }

  peers(): IterableIterator<NodeKey> {
    return this.#peers.keys()
  }

  /** What is to be kept of a peer; null when nothing is known. */
  stateOf(peer: NodeKey): PeerState | null {
    return this.#peers.get(peer)?.state ?? null
  }

  /** Puts back what `stateOf` gave, in place of what is known of the peer. */
  restore(peer: NodeKey, state: PeerState): void {
    this.forget(peer)
    const { parameters } = this
    const record = new PeerRecord({ peer, parameters, state }, { rankOf: witness => this.#rankOf(witness) })
    this.#peers.set(peer, record)
    this.#sort(record)
    for (const { witness } of record.witnesses) this.#agreement.reported(witness, peer)
  }

  /** Forgets a peer's doings; not what it said of others. */
  forget(peer: NodeKey): void {
    const record = this.#peers.get(peer)
    if (record === undefined) return
    for (const { witness } of record.witnesses) this.#agreement.dropped(witness, peer)
    this.#turnedOut.delete(peer)
    this.#strangerRisk.clear()
    this.#peers.delete(peer)
  }

  get countedReceipts(): number {
    return this.#receipts.size
  }

  hasCounted(receipt: CidString): boolean {
    return this.#receipts.has(receipt)
  }

  /** Marks a receipt as counted, without counting it. */
  markCounted(receipt: CidString, atMs: number): void {
    this.#receipts.set(receipt, atMs)
  }

  /** Forgets receipts of tasks before a time; whoever calls takes no reports on them any more. @returns which */
  forgetReceiptsBefore(timeMs: number): CidString[] {
    const old = [...this.#receipts].flatMap(([receipt, atMs]) => (atMs < timeMs ? [receipt] : []))
    for (const receipt of old) this.#receipts.delete(receipt)
    return old
  }

  /** The last peers of a kind own audits have shown for what they are: one pass over all. */
  #newest(kind: StrangerKind): NodeKey[] {
    const { newestStrangers } = this.parameters.honesty
    const newest: { peer: NodeKey; atMs: number }[] = []
    for (const peer of this.#turnedOut.keys()) {
      const { firstAuditedAtMs, firstAuditedAs } = this.#peers.get(peer)!
      if ((firstAuditedAs ?? 'unstaked') !== kind) continue
      const atMs = firstAuditedAtMs!
      const isNewer = (other: { peer: NodeKey; atMs: number }) =>
        atMs > other.atMs || (atMs === other.atMs && peer < other.peer)
      if (newest.length === newestStrangers && !isNewer(newest.at(-1)!)) continue
      const at = newest.findIndex(isNewer)
      newest.splice(at < 0 ? newest.length : at, 0, { peer, atMs })
      if (newest.length > newestStrangers) newest.pop()
    }
    return newest.map(({ peer }) => peer)
  }

  /** Notes what own audits have shown a peer to be. */
  #sort({ peer, audits, results, firstAuditedAtMs }: PeerRecord): void {
    if (firstAuditedAtMs === null) return
    const isBad = audits.failed > 0 || results.dishonest > 0
    // Some serve well until they are trusted: they count when it is seen what comes then.
    if (!isBad && audits.passed < this.parameters.honesty.knownAudits) return
    this.#turnedOut.set(peer, !isBad)
    this.#strangerRisk.clear()
  }

  #record(peer: NodeKey): PeerRecord {
    let record = this.#peers.get(peer)
    if (record === undefined) {
      const { parameters } = this
      record = new PeerRecord({ peer, parameters }, { rankOf: witness => this.#rankOf(witness) })
      this.#peers.set(peer, record)
    }
    return record
  }

  /** 48 bits that only we can foretell: nobody can make keys that push honest witnesses out. */
  #rankOf(witness: NodeKey): number {
    const digest = sha256(utf8ToBytes(`${this.#secret}:${witness}`))
    return (
      new DataView(digest.buffer, digest.byteOffset).getUint32(0) * 65_536 + digest[4]! * 256 + digest[5]!
    )
  }

  #penaltyPoints(record: PeerRecord | undefined, nowMs: number): number {
    return record === undefined ? 0 : record.penalty.bad(Math.max(nowMs, record.lastAtMs))
  }

  #isWelcome(record: PeerRecord | undefined, nowMs: number): boolean {
    return this.#penaltyPoints(record, nowMs) <= this.parameters.unwelcomeAbovePoints + POINTS_RESOLUTION
  }

  #summary(
    record: PeerRecord | undefined,
    nowMs: number,
  ): Pick<PeerScore, 'tasks' | 'violations' | 'firstSeenMs' | 'welcome'> {
    return {
      tasks: record === undefined ? 0 : Object.values(record.results).reduce((sum, count) => sum + count, 0),
      violations: record?.violations ?? 0,
      firstSeenMs: record?.firstAtMs ?? nowMs,
      welcome: this.#isWelcome(record, nowMs),
    }
  }

  /**
   * The score: `Σ weight · mean` of the components, times the restraint, plus what is inherited. The restraint is
   * `min(1, mean / newcomer's mean)` of performance and of security, the smaller: whoever cheats or fails is not
   * redeemed by being quick. The lower bound takes the variance of the same sum (components are independent, so the
   * variances of `weight · mean` add up), and never exceeds that of performance, in which hearsay counts a little.
   */
  #judge(record: PeerRecord | undefined, nowMs: number) {
    const { weights, priors, lowerBoundDeviations, maxInheritedPoints, inheritanceFade } = this.parameters
    // A clock that goes back makes nothing undone.
    const atMs = Math.max(nowMs, record?.lastAtMs ?? nowMs)
    const hearsay =
      record === undefined || record.witnesses.length === 0
        ? NOTHING_HEARD
        : heard(record, atMs, {
            parameters: this.parameters,
            facts: this.#facts,
            agreementOf: witness => this.#agreement.of(witness),
          })
    const components: ComponentOpinion[] = []
    let base = 0
    let variance = 0
    let performance: Beta = priors.performance
    let restraint = 1
    for (const component of COMPONENTS) {
      const { good, bad } = evidenceOf(component, record, hearsay, atMs)
      const posterior = { good: priors[component].good + good, bad: priors[component].bad + bad }
      const mean = betaMean(posterior)
      const weight = weights[component]
      base += weight * mean
      variance += weight * weight * betaVariance(posterior)
      if (component === 'performance' || component === 'security')
        restraint = Math.min(restraint, mean / betaMean(priors[component]))
      if (component === 'performance') performance = posterior
      const lowerBound = betaLowerBound(posterior, lowerBoundDeviations)
      components.push({ component, weight, good, bad, mean, lowerBound })
    }
    const direct = performance.good + performance.bad - priors.performance.good - priors.performance.bad
    const inheritedPoints =
      maxInheritedPoints * hearsay.patronage * restraint * (inheritanceFade / (inheritanceFade + direct))
    const inherited = inheritedPoints / 100
    const next = {
      good: performance.good + hearsay.hearsayGood,
      bad: performance.bad + hearsay.hearsayBad,
    }
    const ofScore = base - lowerBoundDeviations * Math.sqrt(variance)
    const least = Math.min(ofScore, betaLowerBound(next, lowerBoundDeviations)) * restraint + inherited
    return {
      score: Math.round(100 * Math.min(1, base * restraint + inherited)),
      lowerBound: Math.min(1, Math.max(0, least)),
      components,
      basePoints: 100 * base,
      restraint,
      inheritedPoints,
      hearsay,
    }
  }
}

function evidenceOf(
  component: Component,
  record: PeerRecord | undefined,
  hearsay: Hearsay,
  atMs: number,
): Beta {
  if (record === undefined) return { good: 0, bad: 0 }
  if (component === 'review') return { good: hearsay.good, bad: hearsay.bad }
  if (component === 'longevity') return { good: record.longevityDays(atMs), bad: 0 }
  return { good: record[component].good(atMs), bad: record[component].bad(atMs) }
}
