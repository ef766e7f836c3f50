import { EventEmitter } from 'node:events'
import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { CidString, NodeKey } from '../../../protocol/ids.ts'
import { EXCLUSION_REASONS, type ExclusionReason } from '../../../protocol/messages/audit-event.ts'
import type { SlaClass } from '../../../protocol/sla-class.ts'
import type { AuditOutbox } from '../../auditlog/outbox.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import type { AuditVerdict } from '../audits/verdict.ts'
import { DecayingEvidence } from '../decaying-evidence.ts'
import { CASE_REASONS, type CaseReason } from './case.ts'
import type { OpenCase } from './dispute-desk.ts'

export interface ConsequencesModules {
  store: Store
  outbox: AuditOutbox
  clock: Clock
  log: Logger
  /** Tells others, signed and with the receipt, that a task of ours was not done honestly. */
  accuse: (receipt: CidString) => Promise<void>
}

/** Takes cases to court, once the chain is there. */
export interface Prosecutor {
  open(wish: OpenCase): Promise<unknown>
  /** Why cases are not opened by themselves now; null when they are. */
  readonly automaticPause: string | null
}

/** What follows for a provider now. */
export interface Standing {
  /** Share of its answers that is expected to be worth nothing, 0 to 1: what tasks there cost more than their price. */
  risk: number
  /** Null where it may have tasks of every class. */
  exclusion: { reason: ExclusionReason; untilMs: number } | null
  passed: number
  failed: number
}

interface ConsequencesEvents {
  /** A provider was excluded from the classes A and S, or for longer. */
  excluded: [provider: NodeKey, exclusion: { reason: ExclusionReason; untilMs: number }]
}

const DAY_MS = 24 * 3_600_000
/** What was found of a provider counts half after so long. */
const HALF_LIFE_MS = 14 * DAY_MS
/** Passed audits that a stranger is taken to have, so that one failure is not everything. */
const PRIOR_PASSED = 4
/** In failed audits: all receipts together are more than one; not showing one's log is less than lying. */
const WEIGHTS = { failed: 1, cheating: 10, withheld: 0.5 } as const
/** Of somebody who passed many, a failure is borne; a second one in a while, or a share, is not. */
const TOLERATED = 1.5
const TOLERATED_SHARE = 0.05
/** Weights of the other nodes that found the same, together: no single one, however good its record, reaches it. */
const BACKING_TO_ACCUSE = 1.5
const WITHHELD_TOLERATED = 3
const EXCLUDED_FOR_MS: Record<ExclusionReason, number> = {
  audits: 30 * DAY_MS,
  cheating: 90 * DAY_MS,
  proof_withheld: 7 * DAY_MS,
  convicted: 90 * DAY_MS,
}
/** The classes that rest on a provider's honesty; see `SLA_CLASSES`. */
const GUARDED: ReadonlySet<SlaClass> = new Set(['A', 'S'])
/** A case that could not be opened is tried again for so long. */
const WAITS_FOR_MS = 7 * DAY_MS
const MAX_WAITING = 256
/** Verdicts are told more than once at most within their archive's time. */
const REMEMBERED_FOR_MS = 90 * DAY_MS
/** No later try can change these. */
const FINAL = ['RECEIPT_UNKNOWN', 'DATA_GUARDED', 'ALREADY_DISPUTED'] as const

const recordSchema = z.strictObject({
  evidence: z.array(z.int()),
  withheld: wire.count,
  exclusion: z.nullable(z.strictObject({ reason: z.enum(EXCLUSION_REASONS), untilMs: wire.timeMs })),
})
type ProviderRecord = z.infer<typeof recordSchema>
const seenSchema = z.strictObject({ atMs: wire.timeMs })
const waitingSchema = z.strictObject({ reason: z.enum(CASE_REASONS), atMs: wire.timeMs })
type Waiting = z.infer<typeof waitingSchema>

/**
 * What follows from what audits find, by degrees: what tasks with a provider cost more for the risk; no tasks of the
 * classes that rest on its honesty; a report to others; a case in court. (That the score falls is the reputation's
 * part, and comes first.) Nothing follows twice from one receipt.
 */
export class Consequences extends EventEmitter<ConsequencesEvents> {
  readonly #modules: ConsequencesModules
  readonly #records: Table<ProviderRecord>
  readonly #seen: Table<{ atMs: number }>
  readonly #waitingTable: Table<Waiting>
  readonly #known = new Map<NodeKey, ProviderRecord>()
  readonly #waiting = new Map<CidString, Waiting>()
  #prosecutor: Prosecutor | null = null
  /** One after the other: they read, and write what they have read. */
  #last: Promise<void> = Promise.resolve()

  constructor(modules: ConsequencesModules) {
    super()
    this.#modules = modules
    this.#records = modules.store.table('consequences', recordSchema)
    this.#seen = modules.store.table('consequence-receipts', seenSchema)
    this.#waitingTable = modules.store.table('consequence-cases', waitingSchema)
  }

  /** Reads back what is known. */
  async start(): Promise<void> {
    for await (const [provider, record] of this.#records.entries()) this.#known.set(provider, record)
    for await (const [receipt, waiting] of this.#waitingTable.entries()) this.#waiting.set(receipt, waiting)
    const beforeMs = this.#modules.clock.nowMs() - REMEMBERED_FOR_MS
    const old: BatchOperation[] = []
    for await (const [receipt, { atMs }] of this.#seen.entries())
      if (atMs < beforeMs) old.push(this.#seen.deleteOperation(receipt))
    if (old.length > 0) await this.#modules.store.batch(old, { sync: false })
  }

  /** Cases can be opened from now on; null: no longer. */
  useProsecutor(prosecutor: Prosecutor | null): void {
    this.#prosecutor = prosecutor
  }

  /** Waits for what is in progress. */
  async settled(): Promise<void> {
    await this.#last
  }

  /** What follows for a provider now. */
  of(provider: NodeKey): Standing {
    const record = this.#known.get(provider)
    if (record === undefined) return { risk: 0, exclusion: null, passed: 0, failed: 0 }
    const nowMs = this.#modules.clock.nowMs()
    const { good, bad } = amounts(record, nowMs)
    const exclusion = record.exclusion !== null && record.exclusion.untilMs > nowMs ? record.exclusion : null
    return { risk: riskOf(good, bad), exclusion, passed: good, failed: bad }
  }

  /** Share of a provider's answers that is expected to be worth nothing, 0 to 1. */
  risk(provider: NodeKey): number {
    return this.of(provider).risk
  }

  /** Providers that get no tasks of a class now. */
  excludedFrom(slaClass: SlaClass): NodeKey[] {
    if (!GUARDED.has(slaClass)) return []
    const nowMs = this.#modules.clock.nowMs()
    const isExcluded = ({ exclusion }: ProviderRecord) => exclusion !== null && exclusion.untilMs > nowMs
    return [...this.#known].flatMap(([provider, record]) => (isExcluded(record) ? [provider] : []))
  }

  /** An audit has found something. */
  audited(verdict: AuditVerdict): Promise<void> {
    return this.#inTurn(() => this.#audited(verdict))
  }

  /** A provider does not show where a receipt of its stands in its log. */
  withheld(provider: NodeKey, receipt: CidString): Promise<void> {
    return this.#inTurn(async () => {
      const name = `withheld:${receipt}`
      if ((await this.#seen.get(name)) !== undefined) return
      const record = this.#recordOf(provider)
      const withheld = record.withheld + 1
      const changed = { ...this.#counted(record, 0, WEIGHTS.withheld), withheld }
      const reason = withheld >= WITHHELD_TOLERATED ? 'proof_withheld' : null
      await this.#apply(provider, changed, reason, name)
    })
  }

  /** A court has found a provider guilty; known to everybody by the chain. */
  convicted(provider: NodeKey, disputeId: number): Promise<void> {
    return this.#inTurn(async () => {
      const name = `convicted:${disputeId}`
      if ((await this.#seen.get(name)) !== undefined) return
      const changed = this.#counted(this.#recordOf(provider), 0, WEIGHTS.cheating)
      await this.#apply(provider, changed, 'convicted', name)
    })
  }

  /** Tries again to open what could not be opened. */
  async tick(): Promise<void> {
    for (const [receipt, waiting] of [...this.#waiting]) await this.#prosecute(receipt, waiting)
  }

  async #audited({ receipt, provider, result, reasons, backing }: AuditVerdict): Promise<void> {
    if ((await this.#seen.get(receipt)) !== undefined) return
    const record = this.#recordOf(provider)
    const weight = Math.min(1, backing ?? 1)
    // On others' word alone nobody is accused before others or in court, unless two of good record agree.
    const isOurs = backing === undefined || backing >= BACKING_TO_ACCUSE
    const changed =
      result === 'passed'
        ? this.#counted(record, weight, 0)
        : this.#counted(record, 0, weight * WEIGHTS[isOurs ? result : 'failed'])
    const reason = result === 'passed' ? null : this.#exclusionFor(isOurs ? result : 'failed', changed)
    const caseReason = result === 'passed' || !isOurs ? null : caseReasonOf(reasons)
    await this.#apply(provider, changed, reason, receipt, caseReason)
    if (result === 'passed' || !isOurs) return
    await this.#modules.accuse(receipt)
    const waiting = this.#waiting.get(receipt)
    if (waiting !== undefined) await this.#prosecute(receipt, waiting)
  }

  #exclusionFor(result: 'failed' | 'cheating', record: ProviderRecord): ExclusionReason | null {
    if (result === 'cheating') return 'cheating'
    const { good, bad } = amounts(record, this.#modules.clock.nowMs())
    return bad >= TOLERATED && bad > TOLERATED_SHARE * (good + bad) ? 'audits' : null
  }

  /** Writes down what follows, with its event, and that it followed from this: all of it or nothing. */
  async #apply(
    provider: NodeKey,
    record: ProviderRecord,
    reason: ExclusionReason | null,
    from: string,
    caseReason: CaseReason | null = null,
  ): Promise<void> {
    const { outbox, clock } = this.#modules
    const nowMs = clock.nowMs()
    const untilMs = reason === null ? 0 : nowMs + EXCLUDED_FOR_MS[reason]
    const isLonger = reason !== null && untilMs > (record.exclusion?.untilMs ?? 0)
    const exclusion = isLonger ? { reason, untilMs } : record.exclusion
    const changed = { ...record, exclusion }
    const operations = [
      this.#records.putOperation(provider, changed),
      this.#seen.putOperation(from, { atMs: nowMs }),
    ]
    const isToBeTried = caseReason !== null && this.#waiting.size < MAX_WAITING
    if (isToBeTried) operations.push(this.#wait(from, { reason: caseReason, atMs: nowMs }))
    await outbox.record(
      operations,
      isLonger ? [{ kind: 'provider.excluded', v: 1, peer: provider, reason, untilMs }] : [],
    )
    this.#known.set(provider, changed)
    if (isLonger) this.emit('excluded', provider, { reason, untilMs })
  }

  async #prosecute(receipt: CidString, { reason, atMs }: Waiting): Promise<void> {
    const { clock, log } = this.#modules
    const prosecutor = this.#prosecutor
    if (clock.nowMs() - atMs > WAITS_FOR_MS) return await this.#dropCase(receipt)
    if (prosecutor === null || prosecutor.automaticPause !== null) return
    try {
      await prosecutor.open({ receipt, reason, isAutomatic: true })
      await this.#dropCase(receipt)
    } catch (error) {
      if (!isShoalError(error)) throw error
      log.info({ err: error, receipt }, 'a case was not opened')
      if (isShoalError(error, ...FINAL)) await this.#dropCase(receipt)
    }
  }

  #wait(receipt: CidString, waiting: Waiting): BatchOperation {
    this.#waiting.set(receipt, waiting)
    return this.#waitingTable.putOperation(receipt, waiting)
  }

  async #dropCase(receipt: CidString): Promise<void> {
    this.#waiting.delete(receipt)
    await this.#modules.store.batch([this.#waitingTable.deleteOperation(receipt)], { sync: false })
  }

  #recordOf(provider: NodeKey): ProviderRecord {
    return this.#known.get(provider) ?? { evidence: [], withheld: 0, exclusion: null }
  }

  #counted(record: ProviderRecord, good: number, bad: number): ProviderRecord {
    const evidence = new DecayingEvidence({ halfLifeMs: HALF_LIFE_MS, state: record.evidence })
    evidence.add(good, bad, this.#modules.clock.nowMs())
    return { ...record, evidence: [...evidence.state] }
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work)
    this.#last = done.catch(error =>
      this.#modules.log.error({ err: error }, 'what should follow from an audit did not'),
    )
    return this.#last
  }
}

function amounts(record: ProviderRecord, nowMs: number): { good: number; bad: number } {
  const evidence = new DecayingEvidence({ halfLifeMs: HALF_LIFE_MS, state: record.evidence })
  return { good: evidence.good(nowMs), bad: evidence.bad(nowMs) }
}

/** The posterior mean of a Beta distribution over failed and passed audits; 0 where nothing failed. */
function riskOf(good: number, bad: number): number {
  return bad / (good + bad + PRIOR_PASSED)
}

/**
 * What a jury, which has one receipt before it, could find the same of; null where only all receipts together show it.
 */
function caseReasonOf(reasons: AuditVerdict['reasons']): CaseReason | null {
  if (reasons.some(reason => reason !== 'pooled' && reason !== 'tokens')) return 'contradiction'
  return reasons.includes('tokens') ? 'inexplicable' : null
}
