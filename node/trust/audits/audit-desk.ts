import { EventEmitter } from 'node:events'
import type { Calibration, CalibrationKey } from '../../../inference/audit/calibration.ts'
import type { SequentialTest } from '../../../inference/audit/sequential-test.ts'
import { isShoalError } from '../../../protocol/errors.ts'
import type { CidString, ModelId, NodeKey } from '../../../protocol/ids.ts'
import { costRoundedUp } from '../../../protocol/money.ts'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import type { BatchOperation } from '../../store/table.ts'
import type { AcceptedTask, ArchivedTask } from './archived-task.ts'
import type { AuditBook, AuditTicket } from './audit-book.ts'
import type { AuditDraw } from './audit-draw.ts'
import { type AuditPolicy, CALIBRATED, UNCALIBRATED } from './audit-policy.ts'
import type { Auditor, AuditReport } from './auditor.ts'
import { type AuditEvidence, calibrationKeyOf, type Judgement, judge } from './judgement.ts'
import type { TaskArchive } from './task-archive.ts'
import type { AuditVerdict } from './verdict.ts'

export interface AuditDeskOptions {
  /** What audits may cost, as a share of what our tasks cost, 0 to 1. */
  share: number
}

export interface AuditDeskModules {
  archive: TaskArchive
  book: AuditBook
  draw: AuditDraw
  policy: AuditPolicy
  /** Asked in this order. */
  auditors: readonly Auditor[]
  calibrations: { find(key: CalibrationKey): Promise<Calibration | null> }
  /** Counts evidence; `also` is written in the same batch. */
  observe: (
    provider: NodeKey,
    evidence: { kind: 'audit' } & AuditEvidence,
    also: readonly BatchOperation[],
  ) => Promise<void>
  clock: Clock
  log: Logger
}

interface AuditDeskEvents {
  verdict: [verdict: AuditVerdict]
}

/** What is done with a task that waits. */
export interface AuditQueueView {
  waiting: number
  /** Of all providers we know of. */
  passed: number
  failed: number
  /** What may still be spent, base units; below 0 while the last audit cost more than there was. */
  budget: bigint
  spent: bigint
}

type Found = Judgement & { report: AuditReport; isCalibrated: boolean; judgedBy: JudgedBy | null }
type JudgedBy = { key: CalibrationKey; endedAtMs: number; weight: number }

const LOOK_EVERY_MS = 15_000
/** A task that could not be audited so often is given up. */
const MAX_TRIES = 3
/** A task whose receipt should have been written so long ago was not. */
const STAGED_FOR_MS = 60_000
/** What nobody could look at for so long is looked at no more: it must not stand against its provider for ever. */
const GIVE_UP_UNAUDITABLE_AFTER_MS = 10 * 60_000
const GIVE_UP_AFTER_MS = 24 * 3_600_000
const HOLDER = 'audit'

/**
 * Draws tasks to be audited, has them scored when there is capacity and budget, judges, and counts what it finds. One audit at a
 * time: what is gained by more is not worth what it takes from tasks.
 */
export class AuditDesk extends EventEmitter<AuditDeskEvents> {
  readonly #options: AuditDeskOptions
  readonly #modules: AuditDeskModules
  /** Drawn, and not yet known to be on disk. */
  readonly #staged = new Map<CidString, AuditTicket>()
  readonly #tries = new Map<CidString, number>()
  readonly #abort = new AbortController()
  #timer: Timer | null = null
  #working: Promise<void> | null = null
  #isWanted = false

  constructor(options: AuditDeskOptions, modules: AuditDeskModules) {
    super()
    this.#options = options
    this.#modules = modules
  }

  /** Counts what a crash left uncounted, and begins to work. The book has been read back before. */
  async start(): Promise<void> {
    const { archive, book, clock } = this.#modules
    for (const ticket of book.tickets()) archive.hold(ticket.receipt, HOLDER)
    for (const { verdict, evidence } of book.uncounted()) await this.#count(verdict, evidence)
    this.#timer ??= repeat(clock, LOOK_EVERY_MS, async () => this.wake())
    this.wake()
  }

  /**
   * Decides whether a task we have just countersigned is audited.
   * @returns what is to be written with its receipt, in the same batch
   */
  accept(task: AcceptedTask): BatchOperation[] {
    const { archive, book, draw, policy, clock } = this.#modules
    const { cid, body: receipt } = task.record
    const { provider, model, amount } = receipt
    // What will never be paid for need not wait either.
    if (this.#options.share === 0) return []
    if (receipt.outputTokens === 0 || !archive.has(cid)) return []
    const quality = this.#isCalibrated(provider, model) ? CALIBRATED : UNCALIBRATED
    // Who asked for class S was promised an audit.
    const chance = task.request.slaClass === 'S' ? 1 : policy.probability(provider, amount, quality)
    if (!draw.isDrawn(cid, chance)) return []
    const inputTokens = receipt.promptTokens + receipt.outputTokens
    const price = costRoundedUp(task.terms.price, { inputTokens, outputTokens: 0 })
    const ticket = { receipt: cid, provider, model, amount, price, drawnAtMs: clock.nowMs() }
    archive.hold(cid, HOLDER)
    this.#staged.set(cid, ticket)
    return book.draw(ticket)
  }

  /** The batch of a receipt is on disk. */
  accepted(cid: CidString): void {
    this.#staged.delete(cid)
    this.wake()
  }

  /** Whether work of a provider that waits for its audit is worth more than its proof and stake allow. */
  isOverdrawn(provider: NodeKey): boolean {
    const { policy, book } = this.#modules
    const unresolved = book.unresolved(provider)
    return unresolved > 0n && unresolved >= policy.unresolvedCap(provider)
  }

  /** How things stand. */
  view(): AuditQueueView {
    const { book } = this.#modules
    let [passed, failed] = [0, 0]
    for (const record of book.records()) {
      passed += record.passed
      failed += record.failed
    }
    return { waiting: book.waiting, passed, failed, budget: this.#budget(), spent: book.spent }
  }

  /** Looks for work now: there may be capacity, budget or a model that was not there before. */
  wake(): void {
    this.#isWanted = true
    if (this.#abort.signal.aborted) return
    this.#working ??= this.#work().finally(() => {
      this.#working = null
      if (this.#isWanted) this.wake()
    })
  }

  /** Resolves once there is nothing that could be done now. */
  async settled(): Promise<void> {
    while (this.#working !== null) await this.#working
  }

  /** Gives up what is being audited: it waits again. Idempotent; ends within a second or two. */
  async stop(): Promise<void> {
    this.#abort.abort()
    this.#timer?.cancel()
    this.#timer = null
    await this.settled()
    this.removeAllListeners()
  }

  async #work(): Promise<void> {
    const { log } = this.#modules
    while (this.#isWanted && !this.#abort.signal.aborted) {
      this.#isWanted = false
      try {
        while (await this.#next());
      } catch (error) {
        log.error({ err: error }, 'audits could not go on; they are tried again')
      }
    }
  }

  /** @returns whether something was done, so that there may be more */
  async #next(): Promise<boolean> {
    if (this.#abort.signal.aborted) return false
    const { clock } = this.#modules
    const seen = this.#auditsByProvider()
    for (const ticket of this.#inOrder(seen)) {
      const task = await this.#taskOf(ticket)
      if (task === null) continue
      const auditor = this.#canAfford(ticket, seen) ? await this.#auditorFor(task) : 'later'
      // What fails now waits for another time, and so do the others: what is busy is busy for all.
      if (typeof auditor !== 'string') return this.#audit(ticket, task, auditor)
      const patienceMs = auditor === 'never' ? GIVE_UP_UNAUDITABLE_AFTER_MS : GIVE_UP_AFTER_MS
      if (clock.nowMs() - ticket.drawnAtMs > patienceMs) await this.#drop(ticket.receipt)
    }
    return false
  }

  /** Who has shown us least first, of those the oldest: of whom we have caught, we have seen enough. */
  #inOrder(seen: ReadonlyMap<NodeKey, number>): AuditTicket[] {
    return [...this.#modules.book.tickets()]
      .filter(({ receipt }) => !this.#isStaged(receipt))
      .toSorted(
        (a, b) => (seen.get(a.provider) ?? 0) - (seen.get(b.provider) ?? 0) || a.drawnAtMs - b.drawnAtMs,
      )
  }

  /** How often each provider was audited. */
  #auditsByProvider(): Map<NodeKey, number> {
    const audits = new Map<NodeKey, number>()
    for (const { provider, passed, failed } of this.#modules.book.records())
      audits.set(provider, (audits.get(provider) ?? 0) + passed + failed)
    return audits
  }

  #isStaged(receipt: CidString): boolean {
    const ticket = this.#staged.get(receipt)
    if (ticket === undefined) return false
    if (this.#modules.clock.nowMs() - ticket.drawnAtMs < STAGED_FOR_MS) return true
    // Written or not, the archive will tell.
    this.#staged.delete(receipt)
    return false
  }

  /** Null, and the ticket is dropped, where the task is not kept any more. */
  async #taskOf({ receipt }: AuditTicket): Promise<ArchivedTask | null> {
    const { archive, log } = this.#modules
    try {
      const task = await archive.get(receipt)
      if (task === null) await this.#drop(receipt)
      return task
    } catch (error) {
      if (!isShoalError(error, 'STORE_CORRUPT')) throw error
      log.error({ err: error, receipt }, 'a task that was to be audited cannot be read')
      await this.#drop(receipt)
      return null
    }
  }

  async #auditorFor(task: ArchivedTask): Promise<Auditor | 'later' | 'never'> {
    for (const auditor of this.#modules.auditors) {
      const availability = await auditor.availability(task)
      if (availability === 'now') return auditor
      // Whoever comes first is preferred, even if it takes a while.
      if (availability === 'later') return 'later'
    }
    return 'never'
  }

  /** @returns whether the ticket is dealt with */
  async #audit(ticket: AuditTicket, task: ArchivedTask, auditor: Auditor): Promise<boolean> {
    const { book } = this.#modules
    let found: Found
    let test: SequentialTest
    try {
      const report = await auditor.audit(task, { signal: this.#abort.signal })
      // Only now: what its auditor said before may have been taken back meanwhile.
      test = book.test(ticket.provider, ticket.model)
      const key = calibrationKeyOf(task, report)
      const calibration = await this.#modules.calibrations.find(key)
      const isCalibrated = calibration !== null
      const judgedBy = { key, endedAtMs: task.receipt.endedAtMs, weight: report.weight ?? 1 }
      const judgement = judge(task, report, calibration, test)
      found = { ...judgement, report, isCalibrated, judgedBy: isCalibrated ? judgedBy : null }
    } catch (error) {
      return this.#failed(ticket, error)
    }
    await this.#conclude(ticket, found, test)
    return true
  }

  async #failed({ receipt }: AuditTicket, error: unknown): Promise<boolean> {
    if (this.#abort.signal.aborted || isShoalError(error, ...NOT_ITS_FAULT)) return false
    const tries = (this.#tries.get(receipt) ?? 0) + 1
    this.#modules.log.warn({ err: error, receipt, tries }, 'a task could not be audited')
    this.#tries.set(receipt, tries)
    if (tries < MAX_TRIES) return false
    await this.#drop(receipt)
    return true
  }

  async #conclude(ticket: AuditTicket, found: Found, test: SequentialTest): Promise<void> {
    const { book, clock, archive } = this.#modules
    const { assessment, result, reasons, evidence, isCalibrated, report, judgedBy } = found
    const verdict = await book.conclude(
      ticket,
      {
        ...{ result, reasons, assessment, isCalibrated },
        ...{ auditor: report.auditor, price: report.auditor === null ? ticket.price : 0n },
        ...(report.backing === undefined ? {} : { backing: report.backing }),
        atMs: clock.nowMs(),
      },
      { test, evidence, judgedBy },
    )
    this.#tries.delete(ticket.receipt)
    archive.release(ticket.receipt, HOLDER)
    await this.#count(verdict, evidence)
  }

  /** Evidence and the note that it was counted are one batch. */
  async #count(verdict: AuditVerdict, evidence: AuditEvidence | null): Promise<void> {
    const { book, observe } = this.#modules
    if (evidence !== null)
      await observe(verdict.provider, { kind: 'audit', ...evidence }, book.counted(verdict))
    this.emit('verdict', verdict)
  }

  async #drop(receipt: CidString): Promise<void> {
    const { book, archive } = this.#modules
    await book.drop(receipt)
    this.#tries.delete(receipt)
    archive.release(receipt, HOLDER)
  }

  /**
   * An audit may cost more than there is, if there is anything: what is over is saved up before the next. The first few of each
   * provider do not wait for that: until it is known, it gets no more of our tasks than what these cost is worth, and a cheat would
   * live on tasks that nobody can afford to look at.
   */
  #canAfford({ price, provider }: AuditTicket, seen: ReadonlyMap<NodeKey, number>): boolean {
    if (price === 0n || this.#budget() > 0n) return true
    return (seen.get(provider) ?? 0) < FIRST_AUDITS
  }

  /** The share of what our kept tasks cost, less what audits did. */
  #budget(): bigint {
    const { archive, book } = this.#modules
    return (archive.amount * BigInt(Math.round(this.#options.share * PARTS))) / BigInt(PARTS) - book.spent
  }

  /** Whether audits of it could be judged by statistics, as far as the last ones tell. */
  #isCalibrated(provider: NodeKey, model: ModelId): boolean {
    return (this.#modules.book.record(provider, model)?.test.receipts ?? 0) > 0
  }
}

const PARTS = 1_000_000
/** Audits of a provider that are made whatever the budget: about as many as prove somebody honest. */
const FIRST_AUDITS = 4
/** The auditor's trouble, not the task's: it is tried again whenever there is capacity. */
const NOT_ITS_FAULT = [
  'ENGINE_BUSY',
  'ENGINE_UNAVAILABLE',
  'MODEL_NOT_LOADED',
  'CANCELLED',
  'AUDITORS_AWAY',
  'CHAIN_UNREACHABLE',
] as const
