import type { CidString, NodeKey } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { Violation } from '../p2p/errors.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation } from '../store/table.ts'
import type { Evidence, EvidenceDetails, StrangerKind, TaskEvidence } from './evidence.ts'
import { EvidenceLog } from './evidence-log.ts'
import { gossipScore } from './gossip-score.ts'
import { type Honesty, strangerKindOf } from './honesty.ts'
import type { Opinion, PeerScore } from './opinion.ts'
import type { TrustFacts } from './trust-facts.ts'
import { TrustModel } from './trust-model.ts'

export type { TaskEvidence } from './evidence.ts'
export type { PeerScore } from './opinion.ts'

export interface ReputationOptions {
  /** Peers remembered at most; default 50,000. */
  maxPeers?: number
  /** See `TrustModelOptions`. */
  secret?: string
}

export interface ReputationModules {
  store: Store
  clock: Clock
  onViolation: (violation: Violation) => void
  facts?: TrustFacts
}

const MAX_PEERS = 50_000
/** Share of all peers forgotten at once when there are too many. */
const FORGOTTEN_SHARE = 0.02
/** Reports on tasks that ended longer ago are not counted. */
export const MAX_REPORT_AGE_MS = 30 * 24 * 3_600_000
/** Reports counted in that time, at most. */
const MAX_COUNTED_REPORTS = 200_000

/** This node's opinion of its peers over time: the trust model with a clock and a disk. */
export class Reputation {
  readonly #clock: Clock
  readonly #onViolation: (violation: Violation) => void
  readonly #maxPeers: number
  readonly #model: TrustModel
  readonly #log: EvidenceLog

  constructor(options: ReputationOptions, modules: ReputationModules) {
    const { store, clock, onViolation, facts } = modules
    this.#maxPeers = options.maxPeers ?? MAX_PEERS
    this.#clock = clock
    this.#onViolation = onViolation
    this.#model = new TrustModel(
      options.secret === undefined ? {} : { secret: options.secret },
      facts === undefined ? {} : { facts },
    )
    this.#log = new EvidenceLog({ store, stateOf: peer => this.#model.stateOf(peer) })
  }

  /** Rebuilds all opinions from the evidence on disk. */
  async start(): Promise<void> {
    await this.#log.load({
      restore: (peer, state) => this.#model.restore(peer, state),
      add: evidence => void this.#model.add(evidence),
      markCounted: (receipt, endedAtMs) => this.#model.markCounted(receipt, endedAtMs),
    })
    await this.forgetOldReceipts()
  }

  /**
   * Takes what was seen of a peer now.
   * @param evidence what it was, or only how a task went
   * @param also written to disk together with it, or not at all
   */
  async observe(
    peer: NodeKey,
    evidence: TaskEvidence | Exclude<EvidenceDetails, { kind: 'report' }>,
    also: readonly BatchOperation[] = [],
  ): Promise<void> {
    const details = typeof evidence === 'string' ? plainTask(evidence) : evidence
    const atMs = this.#clock.nowMs()
    const isShown = details.kind === 'audit' || (details.kind === 'task' && details.result === 'dishonest')
    // What it is by now is what it was when it got the task, or it is known for what it is.
    await this.#take(
      isShown
        ? { as: strangerKindOf(this.honesty(peer)), ...details, peer, atMs }
        : { ...details, peer, atMs },
      also,
    )
  }

  /** @returns whether the peer is still welcome */
  async penalise(peer: NodeKey, violation: Violation): Promise<boolean> {
    this.#onViolation(violation)
    await this.#take({ peer, atMs: this.#clock.nowMs(), kind: 'violation', violation })
    return this.isWelcome(peer)
  }

  /**
   * Takes a report whose receipt has been found paid.
   * @param report `atMs`: when the task ended
   * @returns whether it counts: not where its receipt has counted, is too old, or too many have come
   */
  async takeReport(report: Extract<Evidence, { kind: 'report' }>): Promise<boolean> {
    if (!this.mayCount(report.receipt, report.atMs)) return false
    return this.#take(report)
  }

  /** Whether a report on this receipt could count at all. */
  mayCount(receipt: CidString, endedAtMs: number): boolean {
    const ageMs = this.#clock.nowMs() - endedAtMs
    if (ageMs > MAX_REPORT_AGE_MS || this.#model.hasCounted(receipt)) return false
    return this.#model.countedReceipts < MAX_COUNTED_REPORTS
  }

  isWelcome(peer: NodeKey): boolean {
    return this.#model.isWelcome(peer, this.#clock.nowMs())
  }

  score(peer: NodeKey): PeerScore {
    return this.#model.score(peer, this.#clock.nowMs())
  }

  /** The chance that a task with this provider ends well, as selection counts with it, 0 to 1. */
  reliability(peer: NodeKey): number {
    return this.#model.reliability(peer, this.#clock.nowMs())
  }

  /** Whether it does what it says it does; see `honesty.ts`. */
  honesty(peer: NodeKey): Honesty {
    return this.#model.honesty(peer, this.#clock.nowMs())
  }

  /** Chance that a stranger of a kind turns out to cheat, by those we came to know, 0 to 1. */
  strangerRisk(kind?: StrangerKind): number {
    return this.#model.strangerRisk(kind)
  }

  /**
   * With what chance an answer of this peer should be audited, 0 to 1.
   * @param least what a node can afford for those it knows best
   */
  auditProbability(peer: NodeKey, least: number): number {
    return this.#model.auditProbability(peer, this.#clock.nowMs(), least)
  }

  /** The score taken apart. */
  opinion(peer: NodeKey): Opinion {
    return this.#model.opinion(peer, this.#clock.nowMs())
  }

  /** Whether it has worked for us, or what it said of others counts. */
  isKnown(peer: NodeKey): boolean {
    return this.#model.isWitness(peer) || this.score(peer).tasks > 0
  }

  /** Everybody there is evidence about. */
  peers(): IterableIterator<NodeKey> {
    return this.#model.peers()
  }

  /** The latest evidence on a peer, the newest first. */
  recentEvidence(peer: NodeKey): Promise<Evidence[]> {
    return this.#log.recent(peer)
  }

  /** What gossip makes of it; see `gossip-score.ts`. */
  gossipScore(peer: NodeKey): number {
    return gossipScore(this.#model.penaltyPoints(peer, this.#clock.nowMs()), this.score(peer))
  }

  /** Drops receipts of tasks on which no report is taken any more. */
  async forgetOldReceipts(): Promise<void> {
    const old = this.#model.forgetReceiptsBefore(this.#clock.nowMs() - MAX_REPORT_AGE_MS)
    if (old.length > 0) await this.#log.forgetReceipts(old)
  }

  async #take(evidence: Evidence, also: readonly BatchOperation[] = []): Promise<boolean> {
    if (!this.#model.add(evidence)) return false
    await this.#log.append(evidence, also)
    if (this.#model.size > this.#maxPeers) await this.#log.forget(this.#forgetLeast())
    return true
  }

  /** Makes room for many at a time: strangers first, then those not heard of for longest. @returns who was forgotten */
  #forgetLeast(): NodeKey[] {
    const nowMs = this.#clock.nowMs()
    const known = [...this.#model.peers()].map(peer => ({
      peer,
      isStranger: this.#model.score(peer, nowMs).tasks === 0,
      lastAtMs: this.#model.stateOf(peer)?.lastAtMs ?? 0,
    }))
    known.sort((a, b) => Number(b.isStranger) - Number(a.isStranger) || a.lastAtMs - b.lastAtMs)
    const tooMany = this.#model.size - this.#maxPeers + Math.floor(this.#maxPeers * FORGOTTEN_SHARE)
    const gone = known.slice(0, tooMany).map(({ peer }) => peer)
    for (const peer of gone) this.#model.forget(peer)
    return gone
  }
}

function plainTask(result: TaskEvidence) {
  return { kind: 'task' as const, result, pace: null }
}
