import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import type { AuditorFault } from '../../../protocol/messages/audit-event.ts'
import type { AuditOutbox } from '../../auditlog/outbox.ts'
import type { Clock } from '../../clock.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import { betaLowerBound } from '../components.ts'
import { DecayingEvidence } from '../decaying-evidence.ts'

export interface AuditorBookModules {
  store: Store
  outbox: AuditOutbox
  clock: Clock
}

/** What is known of an auditor. */
export interface AuditorStanding {
  /** What its word counts against an own audit, 0 to below 1. */
  weight: number
  /** It is asked no more. */
  isExcluded: boolean
  /** Canaries it was right and wrong about, faded. */
  right: number
  wrong: number
  faults: Readonly<Record<AuditorFault, number>>
}

/** What has left the node of a task, and what was learned of it. */
export interface AuditBase {
  /** Auditors that have seen it, as it is or as a canary. */
  seenBy: readonly NodeKey[]
  /** Those of them that were given a canary of it: they are not to see it as it is. */
  testedOn: readonly NodeKey[]
  /** `expectedTurns`; null where nobody has said. */
  turns: number | null
  /** Found honest by us, or by auditors of two operators whose words count. */
  isConfirmed: boolean
}

const HALF_LIFE_MS = 30 * 24 * 3_600_000
/** What is believed of an auditor nobody has tested. */
const PRIOR = { good: 1, bad: 1 }
/** One-sided, in standard deviations: 90 % of a normal distribution. */
const LOWER_BOUND_DEVIATIONS = 1.2816
/** However good its record, it counts less than running the model ourselves. */
const MAX_WEIGHT = 0.95
/** One slip is borne; a second one, where they are more than a share of all, is not. */
const TOLERATED = 1.5
const TOLERATED_SHARE = 0.05
/** Being outvoted is less certain than a truth one knows. */
const FAULT_WEIGHTS: Record<AuditorFault, number> = { passed_bad: 1, failed_good: 1, outvoted: 0.5 }
/** Tests after which every second job is still a canary. */
const TESTED_FIRST = 2
/** Of the first jobs some are real, or the first ones would be known for canaries. */
const MOST_CANARIES = 0.75
const MAX_AUDITORS = 4_096
const MAX_BASES = 4_096
const MAX_SEEN_BY = 32

const recordSchema = z.strictObject({
  evidence: z.array(z.int()),
  faults: z.strictObject({ passed_bad: wire.count, failed_good: wire.count, outvoted: wire.count }),
  lastAtMs: wire.timeMs,
})
type AuditorRecord = z.infer<typeof recordSchema>

const baseSchema = z.strictObject({
  seenBy: z.array(wire.nodeKey).max(MAX_SEEN_BY),
  testedOn: z.array(wire.nodeKey).max(MAX_SEEN_BY),
  turns: z.nullable(z.number().min(0)),
  isConfirmed: z.boolean(),
  atMs: wire.timeMs,
})
type StoredBase = z.infer<typeof baseSchema>

const NO_FAULTS = { passed_bad: 0, failed_good: 0, outvoted: 0 }
const NEW_BASE: AuditBase = { seenBy: [], testedOn: [], turns: null, isConfirmed: false }

/** What other nodes' words on our tasks are worth, as canaries and each other have shown, and which of our tasks they have seen. */
export class AuditorBook {
  readonly #modules: AuditorBookModules
  readonly #records: Table<AuditorRecord>
  readonly #bases: Table<StoredBase>
  /** Those not heard of for longest first. */
  readonly #known = new Map<NodeKey, AuditorRecord>()
  readonly #seen = new Map<CidString, StoredBase>()

  constructor(modules: AuditorBookModules) {
    this.#modules = modules
    this.#records = modules.store.table('auditors', recordSchema)
    this.#bases = modules.store.table('audit-bases', baseSchema)
  }

  /** Reads back what is known. */
  async start(): Promise<void> {
    const records: [NodeKey, AuditorRecord][] = []
    for await (const entry of this.#records.entries()) records.push(entry)
    for (const [auditor, record] of records.toSorted(([, a], [, b]) => a.lastAtMs - b.lastAtMs))
      this.#known.set(auditor, record)
    const bases: [CidString, StoredBase][] = []
    for await (const entry of this.#bases.entries()) bases.push(entry)
    for (const [cid, base] of bases.toSorted(([, a], [, b]) => a.atMs - b.atMs)) this.#seen.set(cid, base)
  }

  /** Auditors that were tested. */
  auditors(): IterableIterator<NodeKey> {
    return this.#known.keys()
  }

  of(auditor: NodeKey): AuditorStanding {
    const record = this.#known.get(auditor)
    const { right, wrong } = this.#amounts(record)
    const isExcluded = wrong >= TOLERATED && wrong > TOLERATED_SHARE * (right + wrong)
    const beta = { good: PRIOR.good + right, bad: PRIOR.bad + wrong }
    const weight = isExcluded ? 0 : Math.min(MAX_WEIGHT, betaLowerBound(beta, LOWER_BOUND_DEVIATIONS))
    return { weight, isExcluded, right, wrong, faults: record?.faults ?? NO_FAULTS }
  }

  /**
   * With what chance the next job of an auditor is a canary: most of the first ones, and never fewer than `least`.
   * @param least 0 to 1
   */
  canaryChance(auditor: NodeKey, least: number): number {
    const { right, wrong } = this.of(auditor)
    return Math.min(MOST_CANARIES, Math.max(least, TESTED_FIRST / (TESTED_FIRST + right + wrong)))
  }

  /** An auditor was right about a canary. */
  async wasRight(auditor: NodeKey): Promise<void> {
    const record = this.#counted(auditor, 1, 0)
    await this.#modules.store.batch(this.#put(auditor, record), { sync: false })
  }

  /**
   * An auditor's word was wrong.
   * @param certainty how sure that is, 0 to 1; 1 for canaries
   * @returns whether it is excluded with that, and was not before
   */
  async wasWrong(auditor: NodeKey, fault: AuditorFault, certainty = 1): Promise<boolean> {
    const before = this.of(auditor).isExcluded
    const counted = this.#counted(auditor, 0, certainty * FAULT_WEIGHTS[fault])
    const record = { ...counted, faults: { ...counted.faults, [fault]: counted.faults[fault] + 1 } }
    const operations = this.#put(auditor, record)
    const { isExcluded: excluded } = this.of(auditor)
    await this.#modules.outbox.record(operations, [
      { kind: 'auditor.failed', v: 1, peer: auditor, fault, excluded },
    ])
    return excluded && !before
  }

  /** What is known of one of our tasks. */
  base(receipt: CidString): AuditBase {
    return this.#seen.get(receipt) ?? NEW_BASE
  }

  /** To be on disk before it goes: an auditor is about to see a task. */
  async shows(receipt: CidString, auditor: NodeKey, as: 'task' | 'canary'): Promise<void> {
    const base = this.base(receipt)
    const seenBy = withOne(base.seenBy, auditor)
    const testedOn = as === 'canary' ? withOne(base.testedOn, auditor) : base.testedOn
    if (seenBy !== base.seenBy || testedOn !== base.testedOn)
      await this.#putBase(receipt, { ...base, seenBy, testedOn })
  }

  /** Something was learned of a task. */
  async learned(
    receipt: CidString,
    learned: Partial<Pick<AuditBase, 'turns' | 'isConfirmed'>>,
  ): Promise<void> {
    await this.#putBase(receipt, { ...this.base(receipt), ...learned })
  }

  async #putBase(receipt: CidString, base: AuditBase): Promise<void> {
    const stored = {
      ...base,
      seenBy: [...base.seenBy],
      testedOn: [...base.testedOn],
      atMs: this.#modules.clock.nowMs(),
    }
    this.#seen.delete(receipt)
    this.#seen.set(receipt, stored)
    const operations = [this.#bases.putOperation(receipt, stored)]
    if (this.#seen.size > MAX_BASES) operations.push(this.#bases.deleteOperation(forgetOldest(this.#seen)))
    await this.#modules.store.batch(operations, { sync: false })
  }

  #amounts(record: AuditorRecord | undefined): { right: number; wrong: number } {
    if (record === undefined) return { right: 0, wrong: 0 }
    const evidence = new DecayingEvidence({ halfLifeMs: HALF_LIFE_MS, state: record.evidence })
    const nowMs = this.#modules.clock.nowMs()
    return { right: evidence.good(nowMs), wrong: evidence.bad(nowMs) }
  }

  #counted(auditor: NodeKey, good: number, bad: number): AuditorRecord {
    const known = this.#known.get(auditor) ?? { evidence: [], faults: NO_FAULTS, lastAtMs: 0 }
    const evidence = new DecayingEvidence({ halfLifeMs: HALF_LIFE_MS, state: known.evidence })
    const nowMs = this.#modules.clock.nowMs()
    evidence.add(good, bad, nowMs)
    return { ...known, evidence: [...evidence.state], lastAtMs: nowMs }
  }

  #put(auditor: NodeKey, record: AuditorRecord): BatchOperation[] {
    this.#known.delete(auditor)
    this.#known.set(auditor, record)
    const operations = [this.#records.putOperation(auditor, record)]
    if (this.#known.size > MAX_AUDITORS)
      operations.push(this.#records.deleteOperation(forgetOldest(this.#known)))
    return operations
  }
}

function withOne(list: readonly NodeKey[], one: NodeKey): readonly NodeKey[] {
  return list.includes(one) ? list : [...list, one].slice(-MAX_SEEN_BY)
}

function forgetOldest<V>(map: Map<string, V>): string {
  const oldest = map.keys().next().value!
  map.delete(oldest)
  return oldest
}
