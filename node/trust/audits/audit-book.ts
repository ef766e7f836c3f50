import { z } from 'zod'
import type { Assessment } from '../../../inference/audit/assessment.ts'
import type { Calibration } from '../../../inference/audit/calibration.ts'
import {
  freshState,
  SequentialTest,
  type SequentialTestState,
  sequentialTestStateSchema,
} from '../../../inference/audit/sequential-test.ts'
import { wire } from '../../../protocol/codec.ts'
import type { CidString, ModelId, NodeKey } from '../../../protocol/ids.ts'
import type { CalibrationKey } from '../../../protocol/messages/calibration.ts'
import type { AuditOutbox } from '../../auditlog/outbox.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import { type AuditEvidence, DOUBT } from './judgement.ts'
import { AUDIT_REASONS, AUDIT_RESULTS, type AuditVerdict } from './verdict.ts'

/** A task that was drawn and waits to be audited. */
export interface AuditTicket {
  receipt: CidString
  provider: NodeKey
  model: ModelId
  /** What the task cost, base units. */
  amount: bigint
  /** What the audit may cost: prompt and output once, as input at the provider's price; base units. */
  price: bigint
  drawnAtMs: number
}

/** What is known of a provider's work with one model. */
export interface AuditRecord {
  provider: NodeKey
  model: ModelId
  test: SequentialTestState
  /** Receipts pooled in the test, the newest last. */
  pooled: CidString[]
  passed: number
  failed: number
  /** Times the test found it cheating. */
  convictions: number
  /** Audits without a calibration for the pair. */
  uncalibrated: number
  lastAtMs: number
}

/** A verdict as it is kept. */
interface StoredVerdict {
  verdict: AuditVerdict
  /** What it was judged by, and when its task had ended; null without a calibration. */
  judgedBy: { key: CalibrationKey; endedAtMs: number; weight: number } | null
  /** What it says of the provider, while that has not been counted; null afterwards, and where it says nothing. */
  evidence: AuditEvidence | null
}

export interface AuditBookOptions {
  /** Tasks that wait at most; default 1,000. The smallest are left out beyond. */
  maxTickets?: number
  /** Verdicts kept at most; default 20,000. */
  maxVerdicts?: number
  /** How long verdicts are kept, ms; default 30 days. */
  maxAgeMs?: number
}

export interface AuditBookModules {
  store: Store
  outbox: AuditOutbox
}

const MAX_TICKETS = 1_000
const MAX_VERDICTS = 20_000
const MAX_AGE_MS = 30 * 24 * 3_600_000
const MAX_POOLED = 256

/** Kept as it was; statistics of older versions stay there to be read, and are not taken up. */
function kept<T>() {
  return z.custom<T>(value => typeof value === 'object' && value !== null)
}

const ticketSchema: z.ZodType<AuditTicket> = z.strictObject({
  receipt: wire.cid,
  provider: wire.nodeKey,
  model: wire.modelId,
  amount: wire.amount,
  price: wire.amount,
  drawnAtMs: wire.timeMs,
})

const recordSchema: z.ZodType<AuditRecord> = z.strictObject({
  provider: wire.nodeKey,
  model: wire.modelId,
  test: kept<SequentialTestState>(),
  pooled: z.array(wire.cid).max(MAX_POOLED),
  passed: wire.count,
  failed: wire.count,
  convictions: wire.count,
  uncalibrated: wire.count,
  lastAtMs: wire.timeMs,
})

const storedVerdictSchema: z.ZodType<StoredVerdict> = z.strictObject({
  verdict: z.strictObject({
    receipt: wire.cid,
    provider: wire.nodeKey,
    model: wire.modelId,
    result: z.enum(AUDIT_RESULTS),
    reasons: z.array(z.enum(AUDIT_REASONS)),
    assessment: kept<Assessment>(),
    isCalibrated: z.boolean(),
    test: z.nullable(
      z.strictObject({
        decision: z.enum(['honest', 'cheating', 'undecided']),
        evidence: z.strictObject({ log: z.number(), threshold: z.number() }),
        receipts: wire.count,
        tokens: wire.count,
        pooled: z.array(wire.cid).max(MAX_POOLED),
      }),
    ),
    auditor: z.nullable(wire.nodeKey),
    backing: z.exactOptional(z.number().min(0)),
    price: wire.amount,
    atMs: wire.timeMs,
  }),
  judgedBy: z.nullable(
    z.strictObject({ key: kept<CalibrationKey>(), endedAtMs: wire.timeMs, weight: z.number().min(0).max(1) }),
  ),
  evidence: z.nullable(
    z.strictObject({ passed: z.boolean(), weight: z.exactOptional(z.number().min(0).max(1)) }),
  ),
})

interface KeptVerdict {
  key: string
  price: bigint
  atMs: number
}

/**
 * Audits on disk: tasks that wait, what was found, and where each pooled test stands. A finding, the test that took it in
 * and the end of its ticket are one batch with its audit event: nothing is lost, and nothing counts twice, whenever the process ends.
 */
export class AuditBook {
  readonly #options: Required<AuditBookOptions>
  readonly #outbox: AuditOutbox
  readonly #tickets: Table<AuditTicket>
  readonly #records: Table<AuditRecord>
  readonly #verdicts: Table<StoredVerdict>
  /** Those that wait, the oldest first. */
  readonly #waiting = new Map<CidString, AuditTicket>()
  /** What they cost, by provider. */
  readonly #unresolved = new Map<NodeKey, bigint>()
  readonly #known = new Map<string, AuditRecord>()
  /** The oldest first. */
  readonly #kept: KeptVerdict[] = []
  readonly #uncounted: StoredVerdict[] = []
  /** Prices of all kept verdicts, base units. */
  #spent = 0n

  constructor(options: AuditBookOptions, modules: AuditBookModules) {
    const { maxTickets = MAX_TICKETS, maxVerdicts = MAX_VERDICTS, maxAgeMs = MAX_AGE_MS } = options
    this.#options = { maxTickets, maxVerdicts, maxAgeMs }
    this.#outbox = modules.outbox
    const { store } = modules
    this.#tickets = store.table('audit-tickets', ticketSchema)
    this.#records = store.table('audit-records', recordSchema)
    this.#verdicts = store.table('audit-verdicts', storedVerdictSchema)
  }

  /** Reads back what is there. */
  async start(): Promise<void> {
    const tickets: AuditTicket[] = []
    for await (const ticket of this.#tickets.values()) tickets.push(ticket)
    for (const ticket of tickets.toSorted((a, b) => a.drawnAtMs - b.drawnAtMs)) this.#wait(ticket)
    for await (const [key, record] of this.#records.entries()) this.#known.set(key, record)
    for await (const [key, stored] of this.#verdicts.entries()) {
      const { price, atMs } = stored.verdict
      this.#kept.push({ key, price, atMs })
      this.#spent += price
      if (stored.evidence !== null) this.#uncounted.push(stored)
    }
  }

  /** Tasks that wait, the oldest first. */
  tickets(): IterableIterator<AuditTicket> {
    return this.#waiting.values()
  }

  isWaiting(receipt: CidString): boolean {
    return this.#waiting.has(receipt)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** What audits of the time verdicts are kept have cost together, base units. */
  get spent(): bigint {
    return this.#spent
  }

  /** What a provider's tasks that wait have cost together, base units. */
  unresolved(provider: NodeKey): bigint {
    return this.#unresolved.get(provider) ?? 0n
  }

  /** What is known of each provider's work with each model. */
  records(): IterableIterator<AuditRecord> {
    return this.#known.values()
  }

  record(provider: NodeKey, model: ModelId): AuditRecord | null {
    return this.#known.get(recordKey(provider, model)) ?? null
  }

  /**
   * Has a task wait for its audit, once the operations are written: in the batch of its receipt. Where too many wait, those that
   * cost least are left out.
   */
  draw(ticket: AuditTicket): BatchOperation[] {
    this.#wait(ticket)
    const operations = [this.#tickets.putOperation(ticket.receipt, ticket)]
    if (this.#waiting.size <= this.#options.maxTickets) return operations
    let least = ticket
    for (const other of this.#waiting.values()) if (other.amount < least.amount) least = other
    this.#waitNoMore(least.receipt)
    if (least === ticket) return []
    return [...operations, this.#tickets.deleteOperation(least.receipt)]
  }

  /** A task that cannot be audited any more waits no longer. */
  async drop(receipt: CidString): Promise<void> {
    this.#waitNoMore(receipt)
    await this.#outbox.record([this.#tickets.deleteOperation(receipt)], [])
  }

  /**
   * Writes what an audit found: on disk, with its event in the audit log, when this resolves.
   * @param test after the receipt was taken in
   * @returns the verdict, and the operations with which its evidence is to be counted
   */
  async conclude(
    ticket: AuditTicket,
    found: Omit<AuditVerdict, 'receipt' | 'provider' | 'model' | 'test'>,
    {
      test,
      evidence,
      judgedBy,
    }: { test: SequentialTest; evidence: AuditEvidence | null; judgedBy: StoredVerdict['judgedBy'] },
  ): Promise<AuditVerdict> {
    const { receipt, provider, model } = ticket
    const before = this.record(provider, model) ?? emptyRecord(provider, model, test)
    const pooled = found.isCalibrated ? [...before.pooled, receipt].slice(-MAX_POOLED) : before.pooled
    const summary = testSummary(test, pooled)
    const isConviction = found.result === 'cheating'
    if (isConviction) test.renew()
    const record: AuditRecord = {
      ...before,
      test: test.state,
      pooled: isConviction ? [] : pooled,
      passed: before.passed + (found.result === 'passed' ? 1 : 0),
      failed: before.failed + (found.result === 'passed' ? 0 : 1),
      convictions: before.convictions + (isConviction ? 1 : 0),
      uncalibrated: before.uncalibrated + (found.isCalibrated ? 0 : 1),
      lastAtMs: found.atMs,
    }
    const verdict: AuditVerdict = { receipt, provider, model, ...found, test: summary }
    const stored: StoredVerdict = { verdict, judgedBy, evidence }
    const kept = { key: verdictKey(verdict), price: verdict.price, atMs: verdict.atMs }
    const key = recordKey(provider, model)
    await this.#outbox.record(
      [
        this.#tickets.deleteOperation(receipt),
        this.#records.putOperation(key, record),
        this.#verdicts.putOperation(kept.key, stored),
        ...this.#forgetOld(found.atMs),
      ],
      [
        {
          ...{ kind: 'task.audited', v: 1, receipt, provider, model, result: verdict.result },
          ...{
            reasons: [...verdict.reasons],
            tokens: verdict.assessment.tokens,
            calibrated: found.isCalibrated,
          },
        },
      ],
    )
    this.#waitNoMore(receipt)
    this.#known.set(key, record)
    this.#kept.push(kept)
    this.#spent += kept.price
    if (evidence !== null) this.#uncounted.push(stored)
    return verdict
  }

  /** Verdicts whose evidence has not been counted yet. */
  uncounted(): readonly { verdict: AuditVerdict; evidence: AuditEvidence | null }[] {
    return [...this.#uncounted]
  }

  /** To be written in the same batch as the evidence: it has been counted. */
  counted(verdict: AuditVerdict): BatchOperation[] {
    const at = this.#uncounted.findIndex(stored => stored.verdict.receipt === verdict.receipt)
    const [stored] = at >= 0 ? this.#uncounted.splice(at, 1) : []
    const judgedBy = stored?.judgedBy ?? null
    return [this.#verdicts.putOperation(verdictKey(verdict), { verdict, judgedBy, evidence: null })]
  }

  /** Verdicts, the newest first. */
  async *verdicts(options: { limit?: number } = {}): AsyncGenerator<AuditVerdict> {
    for await (const { verdict } of this.#verdicts.values({ reverse: true, ...options })) yield verdict
  }

  /** Whether the pooled test of a provider's work with a model has begun to lean against it. */
  isDoubted(provider: NodeKey, model: ModelId): boolean {
    const { log, threshold } = this.test(provider, model).evidence
    return log >= DOUBT * threshold
  }

  /** Where the pooled test of a provider's work with a model stands. */
  test(provider: NodeKey, model: ModelId): SequentialTest {
    const state = sequentialTestStateSchema.safeParse(this.record(provider, model)?.test)
    return state.success ? new SequentialTest({}, state.data) : new SequentialTest()
  }

  /**
   * Makes the pooled tests anew that took an auditor's word, without it: from the verdicts that are kept, since the last
   * conviction of each.
   */
  async discount(
    auditor: NodeKey,
    calibrations: { find(key: CalibrationKey): Promise<Calibration | null> },
  ): Promise<void> {
    const touched = new Map<string, { test: SequentialTest; pooled: CidString[]; isTouched: boolean }>()
    const renewed = (record: AuditRecord | undefined) => {
      const renewals = sequentialTestStateSchema.safeParse(record?.test).data?.renewals ?? 0
      return new SequentialTest({}, freshState(renewals))
    }
    for await (const { verdict, judgedBy } of this.#verdicts.values()) {
      const key = recordKey(verdict.provider, verdict.model)
      const known = touched.get(key) ?? { test: renewed(this.#known.get(key)), pooled: [], isTouched: false }
      touched.set(key, known)
      if (verdict.result === 'cheating') {
        touched.delete(key)
        continue
      }
      if (judgedBy === null) continue
      if (verdict.auditor === auditor) known.isTouched = true
      const calibration = verdict.auditor === auditor ? null : await calibrations.find(judgedBy.key)
      if (calibration === null) continue
      known.test.add(verdict.assessment, calibration, judgedBy.endedAtMs, judgedBy.weight)
      known.pooled = [...known.pooled, verdict.receipt].slice(-MAX_POOLED)
    }
    const operations: BatchOperation[] = []
    for (const [key, { test, pooled, isTouched }] of touched) {
      const before = this.#known.get(key)
      if (!isTouched || before === undefined) continue
      const record = { ...before, test: test.state, pooled }
      this.#known.set(key, record)
      operations.push(this.#records.putOperation(key, record))
    }
    if (operations.length > 0) await this.#outbox.record(operations, [])
  }

  #wait(ticket: AuditTicket): void {
    this.#waitNoMore(ticket.receipt)
    this.#waiting.set(ticket.receipt, ticket)
    this.#unresolved.set(ticket.provider, this.unresolved(ticket.provider) + ticket.amount)
  }

  #waitNoMore(receipt: CidString): void {
    const ticket = this.#waiting.get(receipt)
    if (ticket === undefined) return
    this.#waiting.delete(receipt)
    const left = this.unresolved(ticket.provider) - ticket.amount
    if (left > 0n) this.#unresolved.set(ticket.provider, left)
    else this.#unresolved.delete(ticket.provider)
  }

  /** Those that are too old or too many. */
  #forgetOld(nowMs: number): BatchOperation[] {
    const { maxVerdicts, maxAgeMs } = this.#options
    const operations: BatchOperation[] = []
    for (;;) {
      const oldest = this.#kept[0]
      const isTooMuch = this.#kept.length >= maxVerdicts || (oldest?.atMs ?? nowMs) < nowMs - maxAgeMs
      if (oldest === undefined || !isTooMuch) return operations
      this.#kept.shift()
      this.#spent -= oldest.price
      operations.push(this.#verdicts.deleteOperation(oldest.key))
    }
  }
}

function emptyRecord(provider: NodeKey, model: ModelId, test: SequentialTest): AuditRecord {
  return {
    ...{ provider, model, test: test.state, pooled: [] },
    ...{ passed: 0, failed: 0, convictions: 0, uncalibrated: 0, lastAtMs: 0 },
  }
}

function testSummary(test: SequentialTest, pooled: readonly CidString[]): AuditVerdict['test'] {
  const { decision, evidence, state } = test
  if (state.receipts === 0) return null
  return { decision, evidence, receipts: state.receipts, tokens: state.tokens, pooled }
}

/** The model's digest alone identifies it. */
function recordKey(provider: NodeKey, model: ModelId): string {
  return `${provider}-${model.slice(model.lastIndexOf(':') + 1)}`
}

function verdictKey({ atMs, receipt }: AuditVerdict): string {
  return `${String(atMs).padStart(15, '0')}-${receipt}`
}
