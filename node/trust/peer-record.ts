import type { NodeKey } from '../../protocol/ids.ts'
import type { TrustParameters } from './components.ts'
import { DecayingEvidence, type DecayingState } from './decaying-evidence.ts'
import {
  AUDIT_WEIGHTS,
  DISHONEST_PENALTY_POINTS,
  type DirectWeights,
  type Evidence,
  PENALTY_POINTS,
  REPORT_WEIGHTS,
  type ReportedResult,
  SECURITY_PER_PENALTY_POINT,
  STRANGER_KINDS,
  type StrangerKind,
  TASK_EVIDENCE,
  TASK_WEIGHTS,
  type TaskEvidence,
} from './evidence.ts'

/** What one witness has said of one peer. */
export interface WitnessRecord {
  witness: NodeKey
  /** Place in the order in which witnesses are kept and summed; not to be known by them. */
  rank: number
  evidence: DecayingEvidence
  /** Its own audits of the peer: passed and failed; null when it tells of none. */
  audits: DecayingEvidence | null
  reports: number
  lastAtMs: number
}

/** What is kept of all evidence about a peer: sums and counts, from which every score follows. */
export interface PeerState {
  performance: DecayingState
  speed: DecayingState
  uptime: DecayingState
  security: DecayingState
  penalty: DecayingState
  audited: DecayingState
  /** Unset where it was never compared. */
  compared?: DecayingState
  /** Days since the Unix epoch on which it did a task of ours, ascending. */
  days: readonly number[]
  results: Record<TaskEvidence, number>
  audits: { passed: number; failed: number }
  contacts: { reached: number; missed: number }
  violations: number
  firstAtMs: number
  lastAtMs: number
  /** When an audit of ours first showed what it is; null before that. */
  firstAuditedAtMs: number | null
  /** What it was taken for then; unset where it is not known. */
  firstAuditedAs?: StrangerKind
  witnesses: readonly {
    witness: NodeKey
    evidence: DecayingState
    audits: DecayingState | null
    reports: number
    lastAtMs: number
  }[]
}

const DAY_MS = 24 * 3_600_000
/** Days kept: older ones weigh little in longevity. */
const MAX_DAYS = 365
/** Witnesses kept of each peer. */
const MAX_WITNESSES = 64

/** All evidence about one peer, added up. Sums are of integers, and what is dropped is named by the evidence: any order gives the same. */
export class PeerRecord {
  readonly peer: NodeKey
  readonly performance: DecayingEvidence
  readonly speed: DecayingEvidence
  readonly uptime: DecayingEvidence
  readonly security: DecayingEvidence
  /** Penalty points, as bad evidence. */
  readonly penalty: DecayingEvidence
  /** Audits of ours it passed and failed; what shows dishonest at once is a failed one. */
  readonly audited: DecayingEvidence
  /** Comparisons with other operators in which it agreed, and did not. */
  readonly compared: DecayingEvidence
  #isCompared = false
  readonly results: Record<TaskEvidence, number>
  readonly audits: { passed: number; failed: number }
  readonly contacts: { reached: number; missed: number }
  violations = 0
  firstAtMs = Number.POSITIVE_INFINITY
  lastAtMs = 0
  firstAuditedAtMs: number | null = null
  firstAuditedAs: StrangerKind | null = null
  /** In the order of their ranks. */
  readonly witnesses: WitnessRecord[] = []
  readonly #days: number[]
  readonly #parameters: TrustParameters
  readonly #rankOf: (witness: NodeKey) => number

  /** @param state as `state` gave it; ranks of its witnesses come from `rankOf` */
  constructor(
    options: { peer: NodeKey; parameters: TrustParameters; state?: PeerState },
    modules: { rankOf: (witness: NodeKey) => number },
  ) {
    const { peer, parameters, state } = options
    const { halfLivesMs, penaltyHalfLifeMs } = parameters
    const sums = (halfLifeMs: number, kept: DecayingState | undefined) =>
      new DecayingEvidence(kept === undefined ? { halfLifeMs } : { halfLifeMs, state: kept })
    this.peer = peer
    this.#parameters = parameters
    this.#rankOf = modules.rankOf
    this.performance = sums(halfLivesMs.performance, state?.performance)
    this.speed = sums(halfLivesMs.speed, state?.speed)
    this.uptime = sums(halfLivesMs.uptime, state?.uptime)
    this.security = sums(halfLivesMs.security, state?.security)
    this.penalty = sums(penaltyHalfLifeMs, state?.penalty)
    this.audited = sums(halfLivesMs.security, state?.audited)
    this.compared = sums(halfLivesMs.security, state?.compared)
    this.#isCompared = state?.compared !== undefined
    this.#days = [...(state?.days ?? [])]
    this.results = { ...(state?.results ?? noResults()) }
    this.audits = { ...(state?.audits ?? { passed: 0, failed: 0 }) }
    this.contacts = { ...(state?.contacts ?? { reached: 0, missed: 0 }) }
    if (state === undefined) return
    this.violations = state.violations
    this.firstAtMs = state.firstAtMs
    this.lastAtMs = state.lastAtMs
    this.firstAuditedAtMs = state.firstAuditedAtMs
    this.firstAuditedAs = state.firstAuditedAs ?? null
    for (const { witness, evidence, audits, reports, lastAtMs } of state.witnesses) {
      this.witnesses.push({
        witness,
        rank: modules.rankOf(witness),
        evidence: sums(halfLivesMs.review, evidence),
        audits: audits === null ? null : sums(halfLivesMs.review, audits),
        reports,
        lastAtMs,
      })
    }
    this.witnesses.sort(byRank)
  }

  /** Of this peer's own doings: everything but reports. */
  addDirect(evidence: Exclude<Evidence, { kind: 'report' }>): void {
    const { atMs } = evidence
    this.#seen(atMs)
    switch (evidence.kind) {
      case 'task': {
        this.results[evidence.result]++
        this.#addWeights(TASK_WEIGHTS[evidence.result], atMs)
        if (evidence.pace !== null) {
          const pace = Math.min(1, Math.max(0, evidence.pace))
          this.speed.add(pace, 1 - pace, atMs)
        }
        if (evidence.result === 'completed') this.#addDay(Math.floor(atMs / DAY_MS))
        if (evidence.result === 'dishonest') {
          this.penalty.add(0, DISHONEST_PENALTY_POINTS, atMs)
          this.#addAudit(false, evidence.as, atMs)
        }
        return
      }
      case 'audit':
        this.#audited(evidence.passed, evidence.weight ?? 1, evidence.as, atMs)
        return
      case 'comparison':
        this.#isCompared = true
        this.compared.add(evidence.agreed ? 1 : 0, evidence.agreed ? 0 : 1, atMs)
        return
      case 'contact':
        this.contacts[evidence.reached ? 'reached' : 'missed']++
        this.uptime.add(evidence.reached ? 1 : 0, evidence.reached ? 0 : 1, atMs)
        return
      case 'violation': {
        this.violations++
        const points = PENALTY_POINTS[evidence.violation]
        this.penalty.add(0, points, atMs)
        this.security.add(0, points * SECURITY_PER_PENALTY_POINT, atMs)
      }
    }
  }

  /**
   * What a witness says of it.
   * @returns the witness that is not kept any more for it, or is not kept at all; null when there is room
   */
  addReport(witness: NodeKey, result: ReportedResult, atMs: number): NodeKey | null {
    this.#seen(atMs)
    const at = this.witnesses.findIndex(known => known.witness === witness)
    const [good, bad] = REPORT_WEIGHTS[result]
    if (at >= 0) {
      const known = this.witnesses[at]!
      known.evidence.add(good, bad, atMs)
      known.audits = this.#auditsOf(known.audits, result, atMs)
      known.reports++
      known.lastAtMs = Math.max(known.lastAtMs, atMs)
      return null
    }
    const evidence = new DecayingEvidence({ halfLifeMs: this.#parameters.halfLivesMs.review })
    evidence.add(good, bad, atMs)
    const audits = this.#auditsOf(null, result, atMs)
    const rank = this.#rankOf(witness)
    this.witnesses.push({ witness, rank, evidence, audits, reports: 1, lastAtMs: atMs })
    this.witnesses.sort(byRank)
    return this.witnesses.length > MAX_WITNESSES ? this.witnesses.pop()!.witness : null
  }

  /** Days on which it worked for us, each fading with the half-life. */
  longevityDays(nowMs: number): number {
    const fade = DAY_MS / this.#parameters.halfLivesMs.longevity
    const today = Math.floor(nowMs / DAY_MS)
    let sum = 0
    for (const day of this.#days) sum += 2 ** (-Math.max(0, today - day) * fade)
    return sum
  }

  get state(): PeerState {
    return {
      performance: this.performance.state,
      speed: this.speed.state,
      uptime: this.uptime.state,
      security: this.security.state,
      penalty: this.penalty.state,
      audited: this.audited.state,
      ...(this.#isCompared ? { compared: this.compared.state } : {}),
      days: this.#days,
      results: this.results,
      audits: this.audits,
      contacts: this.contacts,
      violations: this.violations,
      firstAtMs: this.firstAtMs,
      lastAtMs: this.lastAtMs,
      firstAuditedAtMs: this.firstAuditedAtMs,
      ...(this.firstAuditedAs === null ? {} : { firstAuditedAs: this.firstAuditedAs }),
      witnesses: this.witnesses.map(({ witness, evidence, audits, reports, lastAtMs }) => ({
        witness,
        evidence: evidence.state,
        audits: audits?.state ?? null,
        reports,
        lastAtMs,
      })),
    }
  }

  #auditsOf(known: DecayingEvidence | null, result: ReportedResult, atMs: number): DecayingEvidence | null {
    if (result !== 'verified' && result !== 'dishonest') return known
    const audits = known ?? new DecayingEvidence({ halfLifeMs: this.#parameters.halfLivesMs.review })
    audits.add(result === 'verified' ? 1 : 0, result === 'dishonest' ? 1 : 0, atMs)
    return audits
  }

  /** @param weight what it counts, 0 to 1; what counts less than half is no audit to show */
  #audited(passed: boolean, weight: number, as: StrangerKind | undefined, atMs: number): void {
    const result = passed ? 'passed' : 'failed'
    if (weight >= 0.5) this.audits[result]++
    this.#addWeights(AUDIT_WEIGHTS[result], atMs, weight)
    this.#addAudit(passed, as, atMs, weight)
    if (!passed) this.penalty.add(0, weight * DISHONEST_PENALTY_POINTS, atMs)
  }

  #addAudit(passed: boolean, as: StrangerKind | undefined, atMs: number, weight = 1): void {
    this.audited.add(passed ? weight : 0, passed ? 0 : weight, atMs)
    if (weight < 0.5) return
    const first = this.firstAuditedAtMs ?? Number.POSITIVE_INFINITY
    this.firstAuditedAtMs = Math.min(first, atMs)
    if (atMs > first) return
    // Of two at the same time either may come first: it must not matter which.
    const known = atMs < first ? null : this.firstAuditedAs
    const rank = (kind: StrangerKind) => STRANGER_KINDS.indexOf(kind)
    this.firstAuditedAs = as === undefined || (known !== null && rank(known) < rank(as)) ? known : as
  }

  #seen(atMs: number): void {
    this.firstAtMs = Math.min(this.firstAtMs, atMs)
    this.lastAtMs = Math.max(this.lastAtMs, atMs)
  }

  #addWeights({ performance, uptime, security }: DirectWeights, atMs: number, weight = 1): void {
    this.performance.add(weight * performance[0], weight * performance[1], atMs)
    if (uptime[0] + uptime[1] > 0) this.uptime.add(weight * uptime[0], weight * uptime[1], atMs)
    if (security[0] + security[1] > 0) this.security.add(weight * security[0], weight * security[1], atMs)
  }

  #addDay(day: number): void {
    const days = this.#days
    let at = days.length
    while (at > 0 && days[at - 1]! > day) at--
    if (days[at - 1] === day) return
    days.splice(at, 0, day)
    const oldest = days[days.length - 1]! - MAX_DAYS
    while (days[0]! <= oldest) days.shift()
  }
}

export function noResults(): Record<TaskEvidence, number> {
  return Object.fromEntries(TASK_EVIDENCE.map(result => [result, 0])) as Record<TaskEvidence, number>
}

function byRank(a: WitnessRecord, b: WitnessRecord): number {
  return a.rank - b.rank || (a.witness < b.witness ? -1 : 1)
}
