import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import type { Clock } from '../clock.ts'
import type { Violation } from '../p2p/errors.ts'
import type { Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'

/** How a task with a provider went, as its requester saw it. */
export type TaskEvidence = 'completed' | 'failed' | 'stalled' | 'dishonest'

const reputationSchema = z.strictObject({
  peer: wire.nodeKey,
  /** Weights of good and bad evidence at `atMs`, in thousandths. */
  good: wire.count,
  bad: wire.count,
  /** Penalty points for breaking the protocol at `atMs`, in thousandths. */
  penalty: wire.count,
  tasks: wire.count,
  violations: wire.count,
  firstSeenMs: wire.timeMs,
  atMs: wire.timeMs,
})
type Row = z.infer<typeof reputationSchema>

export interface ReputationOptions {
  /** Peers remembered at most; default 50,000. */
  maxPeers?: number
}

/** This node's own opinion of a peer; never a global value. */
export interface PeerScore {
  peer: NodeKey
  /** 0 to 100. */
  score: number
  /** What selection counts with: what the score is at least, with 90 % confidence; 0 to 1. */
  lowerBound: number
  tasks: number
  violations: number
  firstSeenMs: number
  /** Whether we talk to it at all. */
  welcome: boolean
}

/** Evidence counts half after so long. */
const HALF_LIFE_MS = 7 * 24 * 3_600_000
/** Penalty points count half after so long. */
const PENALTY_HALF_LIFE_MS = 10 * 60_000
/** Beta prior: a newcomer starts at a third. */
const PRIOR_GOOD = 1
const PRIOR_BAD = 2
/** Lower end of the one-sided 90 % interval of a normal distribution. */
const Z_90 = 1.2816

const EVIDENCE: Record<TaskEvidence, { good: number; bad: number; penalty: number }> = {
  completed: { good: 1, bad: 0, penalty: 0 },
  failed: { good: 0, bad: 1, penalty: 0 },
  stalled: { good: 0, bad: 2, penalty: 0 },
  // Nobody asks a cheat again at once: it is unwelcome for ten minutes.
  dishonest: { good: 0, bad: 20, penalty: 60 },
}
const PENALTIES: Record<Violation, number> = {
  bad_frame: 10,
  oversize_frame: 10,
  bad_record: 5,
  over_quota: 1,
  silent: 2,
  bad_payment: 10,
  // Honest nodes die too: some debts are forgiven, a habit of them is not.
  unpaid: 1,
}
/** A peer with more points is not talked to until they have decayed. */
const UNWELCOME_ABOVE = 30
const MAX_PEERS = 50_000

/**
 * What we think of each peer: a Beta posterior over how its tasks went, decaying with a half-life, and
 * points for breaking the protocol that fade within the hour.
 */
export class Reputation {
  readonly #table: Table<Row>
  readonly #clock: Clock
  readonly #rows = new Map<NodeKey, Row>()
  readonly #onViolation: (violation: Violation) => void
  readonly #store: Store
  readonly #maxPeers: number

  constructor(
    options: ReputationOptions,
    modules: { store: Store; clock: Clock; onViolation: (violation: Violation) => void },
  ) {
    this.#maxPeers = options.maxPeers ?? MAX_PEERS
    this.#store = modules.store
    this.#table = modules.store.table('reputation', reputationSchema)
    this.#clock = modules.clock
    this.#onViolation = modules.onViolation
  }

  async start(): Promise<void> {
    for await (const row of this.#table.values({ limit: this.#maxPeers })) this.#rows.set(row.peer, row)
  }

  async observe(peer: NodeKey, evidence: TaskEvidence): Promise<void> {
    const { good, bad, penalty } = EVIDENCE[evidence]
    const row = this.#decayed(peer)
    row.good += good * 1_000
    row.bad += bad * 1_000
    row.penalty += penalty * 1_000
    row.tasks++
    await this.#save(row)
  }

  /** @returns whether the peer is still welcome */
  async penalise(peer: NodeKey, violation: Violation): Promise<boolean> {
    this.#onViolation(violation)
    const row = this.#decayed(peer)
    row.penalty += PENALTIES[violation] * 1_000
    row.violations++
    await this.#save(row)
    return this.isWelcome(peer)
  }

  isWelcome(peer: NodeKey): boolean {
    return this.#decayed(peer).penalty <= UNWELCOME_ABOVE * 1_000
  }

  score(peer: NodeKey): PeerScore {
    const row = this.#decayed(peer)
    const good = PRIOR_GOOD + row.good / 1_000
    const bad = PRIOR_BAD + (row.bad + row.penalty) / 1_000
    const total = good + bad
    const mean = good / total
    // Mean and variance of Beta(good, bad).
    const deviation = Math.sqrt((good * bad) / (total * total * (total + 1)))
    return {
      peer,
      score: Math.round(mean * 100),
      lowerBound: Math.max(0, mean - Z_90 * deviation),
      tasks: row.tasks,
      violations: row.violations,
      firstSeenMs: row.firstSeenMs,
      welcome: row.penalty <= UNWELCOME_ABOVE * 1_000,
    }
  }

  /** The row as of now; one that is not known yet is not kept until there is something to keep. */
  #decayed(peer: NodeKey): Row {
    const nowMs = this.#clock.nowMs()
    const known = this.#rows.get(peer)
    if (known === undefined) {
      return { peer, good: 0, bad: 0, penalty: 0, tasks: 0, violations: 0, firstSeenMs: nowMs, atMs: nowMs }
    }
    const passedMs = Math.max(0, nowMs - known.atMs)
    const fade = 2 ** (-passedMs / HALF_LIFE_MS)
    // Rounded only on disk: in small steps, rounding would hold the decay up.
    return {
      ...known,
      good: known.good * fade,
      bad: known.bad * fade,
      penalty: known.penalty * 2 ** (-passedMs / PENALTY_HALF_LIFE_MS),
      atMs: nowMs,
    }
  }

  async #save(row: Row): Promise<void> {
    this.#rows.delete(row.peer)
    this.#rows.set(row.peer, row)
    const { good, bad, penalty } = row
    const stored = {
      ...row,
      good: Math.round(good),
      bad: Math.round(bad),
      penalty: Math.round(penalty),
    }
    const operations = [this.#table.putOperation(row.peer, stored)]
    if (this.#rows.size > this.#maxPeers) {
      const oldest = this.#rows.keys().next().value!
      this.#rows.delete(oldest)
      operations.push(this.#table.deleteOperation(oldest))
    }
    await this.#store.batch(operations, { sync: false })
  }
}
