import { join } from 'node:path'
import type { Calibration } from '../../../../../inference/audit/calibration.ts'
import type { ScoredOutput } from '../../../../../inference/engine.ts'
import { EventLog } from '../../../../../node/auditlog/event-log.ts'
import { AuditOutbox } from '../../../../../node/auditlog/outbox.ts'
import { createNativeNodeSigner } from '../../../../../node/ed25519.ts'
import { Store } from '../../../../../node/store/store.ts'
import { ReceiptBook } from '../../../../../node/tasks/receipt-book.ts'
import type { AcceptedTask } from '../../../../../node/trust/audits/archived-task.ts'
import { AuditBook, type AuditBookOptions } from '../../../../../node/trust/audits/audit-book.ts'
import { AuditDesk } from '../../../../../node/trust/audits/audit-desk.ts'
import { AuditDraw } from '../../../../../node/trust/audits/audit-draw.ts'
import { AuditPolicy } from '../../../../../node/trust/audits/audit-policy.ts'
import type { Auditor, AuditReport, Availability } from '../../../../../node/trust/audits/auditor.ts'
import { TaskArchive } from '../../../../../node/trust/audits/task-archive.ts'
import type { AuditVerdict } from '../../../../../node/trust/audits/verdict.ts'
import { Reputation } from '../../../../../node/trust/reputation.ts'
import { cidOf, encodeMessage } from '../../../../../protocol/codec.ts'
import type { CidString } from '../../../../../protocol/ids.ts'
import { type AuditEventDetails, auditEventMessage } from '../../../../../protocol/messages/audit-event.ts'
import { countersignatureMessage } from '../../../../../protocol/messages/countersignature.ts'
import { outputDigest, type Receipt, receiptMessage } from '../../../../../protocol/messages/receipt.ts'
import { requesterFrameMessage } from '../../../../../protocol/messages/requester-frame.ts'
import type { TaskRequest } from '../../../../../protocol/messages/task-request.ts'
import { CREDIT, costRoundedUp } from '../../../../../protocol/money.ts'
import { createRecord, openRecord } from '../../../../../protocol/signed.ts'
import { silentLog } from '../../../../helpers/hosts.ts'
import { ManualClock } from '../../../../helpers/manual-clock.ts'
import { GREEDY, sampleReceipt, sampleRequest, seedOf } from '../../../../helpers/samples.ts'
import { SYNTHETIC_KEY } from '../../../../helpers/synthetic-outputs.ts'

const requester = createNativeNodeSigner(seedOf(8))
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const PRICE = { inputPerMillion: CREDIT / 4n, outputPerMillion: CREDIT }
/** Of `SyntheticWorld`: what it says of every output. */
const SYNTHETIC = { promptTokens: 20, prompt: `0x${'1'.repeat(64)}`, text: 'text' }

const signerOf = (provider: number) => createNativeNodeSigner(seedOf(100 + provider))
export const providerKey = (provider: number) => hexOf(signerOf(provider).publicKey)

/** A task that was done, as its requester has it. @param index makes it another one */
export function doneTask(
  index: number,
  changes: {
    provider?: number
    tokens?: number
    receipt?: Partial<Receipt>
    request?: Partial<TaskRequest>
  } = {},
): AcceptedTask {
  const signer = signerOf(changes.provider ?? 0)
  const tokens = Array.from({ length: changes.tokens ?? 64 }, (_, token) => token)
  const request: TaskRequest = {
    ...sampleRequest,
    ...{ taskId: index.toString(16).padStart(32, '0'), model: SYNTHETIC_KEY.model, sampling: GREEDY },
    ...{ continuation: null, jsonSchema: null, stop: [], maxTokens: tokens.length },
    ...changes.request,
  }
  const { promptTokens, prompt, text } = SYNTHETIC
  const amount = costRoundedUp(PRICE, { inputTokens: promptTokens, outputTokens: tokens.length })
  const body: Receipt = {
    ...sampleReceipt,
    ...{
      taskId: request.taskId,
      model: request.model,
      request: cidOf(encodeMessage(requesterFrameMessage, request)).toString(),
    },
    ...{ requester: hexOf(requester.publicKey), provider: hexOf(signer.publicKey) },
    ...{
      promptTokens,
      prompt,
      outputTokens: tokens.length,
      output: outputDigest(tokens, text),
      reason: 'length',
    },
    ...{ amount, cumulativeAmount: amount },
    ...changes.receipt,
  }
  const record = createRecord(receiptMessage, body, signer)
  const countersignature = createRecord(
    countersignatureMessage,
    { version: 1 as const, receipt: record.cid },
    requester,
  )
  return { record, countersignature, request, tokens, text, terms: { price: PRICE, contextTokens: 1_024 } }
}

/** Scores as it is told to. */
export class ScriptedAuditor implements Auditor {
  readonly audited: CidString[] = []
  available: Availability = 'now'
  score: (receipt: Receipt) => ScoredOutput | Promise<ScoredOutput>
  chatTemplate: string | null | undefined = undefined

  constructor(score: (receipt: Receipt) => ScoredOutput | Promise<ScoredOutput>) {
    this.score = score
  }

  availability(): Availability {
    return this.available
  }

  async audit({ cid, receipt }: { cid: CidString; receipt: Receipt }): Promise<AuditReport> {
    this.audited.push(cid)
    const scored = await this.score(receipt)
    const { chatTemplate } = this
    const { quantization, auditorBackend: backend } = SYNTHETIC_KEY
    return {
      scored,
      backend,
      quantization,
      auditor: null,
      ...(chatTemplate === undefined ? {} : { chatTemplate }),
    }
  }
}

export interface AuditWorldOptions {
  folder: string
  auditors: Auditor[]
  calibration?: Calibration | null
  share?: number
  unresolvedLimit?: bigint
  probability?: number
  book?: AuditBookOptions
  archive?: { maxBytes?: number; maxAgeMs?: number }
  clock?: ManualClock
  /** The process is killed before its n-th write from the beginning of work on; null for never. */
  dieBefore?: number | null
}

class Killed extends Error {}

/** A requester's books on a real disk, with everything that audits touch. */
export class AuditWorld {
  readonly clock: ManualClock
  readonly verdicts: AuditVerdict[] = []
  store!: Store
  log!: EventLog
  archive!: TaskArchive
  outbox!: AuditOutbox
  book!: AuditBook
  desk!: AuditDesk
  reputation!: Reputation
  receipts!: ReceiptBook
  writes = 0
  isDead = false
  readonly #options: AuditWorldOptions

  private constructor(options: AuditWorldOptions) {
    this.#options = options
    this.clock = options.clock ?? new ManualClock(sampleReceipt.endedAtMs)
  }

  static async open(options: AuditWorldOptions): Promise<AuditWorld> {
    const world = new AuditWorld(options)
    await world.#open()
    return world
  }

  async #open(): Promise<void> {
    const { folder, auditors, calibration = null, share = 1, probability = 1 } = this.#options
    const { clock } = this
    const real = await Store.open(join(folder, 'store'))
    this.store = this.#mortal(real, 'batch')
    const knownSequence = await AuditOutbox.knownSequence(real)
    const log = await EventLog.open(
      { path: join(folder, 'audit.log'), knownSequence },
      { signer: requester, clock },
    )
    this.log = log
    const outbox = new AuditOutbox({ store: this.store, log: this.#mortal(log, 'append') })
    await outbox.recover()
    this.outbox = outbox
    const { store } = this
    this.reputation = new Reputation({}, { store, clock, onViolation: () => {} })
    await this.reputation.start()
    this.archive = new TaskArchive(
      { seed: seedOf(8), ...this.#options.archive },
      { store, clock, log: silentLog },
    )
    await this.archive.start()
    this.book = new AuditBook(this.#options.book ?? {}, { store, outbox })
    await this.book.start()
    this.desk = new AuditDesk(
      { share },
      {
        ...{ archive: this.archive, book: this.book, draw: new AuditDraw(seedOf(8)), auditors },
        policy: new AuditPolicy(
          { least: 0, unresolvedLimit: this.#options.unresolvedLimit ?? 10n ** 18n },
          { trust: () => probability, proofOf: () => 0, stakeOf: () => 10n ** 24n, paidTo: () => 0n },
        ),
        calibrations: { find: async () => calibration },
        observe: (provider, evidence, also) => this.reputation.observe(provider, evidence, also),
        ...{ clock, log: silentLog },
      },
    )
    this.desk.on('verdict', verdict => this.verdicts.push(verdict))
    this.receipts = new ReceiptBook({
      ...{ store, outbox },
      onCountersigned: ({ cid }) => this.desk.accepted(cid),
      alsoWrite: task => [...this.archive.keep(task), ...this.desk.accept(task)],
    })
  }

  /** Takes receipts, and audits until there is nothing left to do. */
  async take(...tasks: AcceptedTask[]): Promise<void> {
    for (const task of tasks) await this.receipts.countersign(task)
    await this.settle()
  }

  async settle(): Promise<void> {
    this.desk.wake()
    await this.desk.settled()
  }

  /** Of the audit log. */
  async events(): Promise<AuditEventDetails[]> {
    const events: AuditEventDetails[] = []
    for await (const { record } of this.log.read(1, this.log.lastSequence))
      events.push(openRecord(auditEventMessage, record, () => true).body.event)
    return events
  }

  async close(): Promise<void> {
    await this.desk.stop()
    await this.archive.stop()
    await this.store.close()
    await this.log.close()
  }

  /** Whatever it writes counts, and from a number on nothing reaches the disk any more. */
  #mortal<T extends object>(target: T, method: keyof T): T {
    const guard = () => {
      if (this.writes++ === (this.#options.dieBefore ?? -1)) this.isDead = true
      if (this.isDead) throw new Killed('killed')
    }
    return new Proxy(target, {
      get: (real, name) => {
        const value: unknown = Reflect.get(real, name, real)
        if (typeof value !== 'function') return value
        if (name !== method) return value.bind(real)
        return async (...args: unknown[]) => {
          guard()
          return value.apply(real, args)
        }
      },
    })
  }
}
