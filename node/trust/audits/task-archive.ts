import { z } from 'zod'
import { decodeTrusted, encodeCanonical, encodeMessage, wire } from '../../../protocol/codec.ts'
import type { CidString, ModelId, NodeKey } from '../../../protocol/ids.ts'
import { MAX_TASK_FRAME_BYTES } from '../../../protocol/limits.ts'
import { countersignatureMessage } from '../../../protocol/messages/countersignature.ts'
import { receiptMessage } from '../../../protocol/messages/receipt.ts'
import { requesterFrameMessage } from '../../../protocol/messages/requester-frame.ts'
import { type TaskRequest, tokenIdSchema } from '../../../protocol/messages/task-request.ts'
import { openRecord } from '../../../protocol/signed.ts'
import { type Clock, repeat, type Timer } from '../../clock.ts'
import type { Logger } from '../../log.ts'
import { StoreError } from '../../store/errors.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import type { AcceptedTask, ArchivedTask, TaskTerms } from './archived-task.ts'
import { SealedBox } from './sealed-box.ts'

export interface TaskArchiveOptions {
  /** Of the node key, 32 bytes: what is kept is encrypted with a key derived from it. */
  seed: Uint8Array
  /** What the contents may take on disk, bytes; default 256 MiB. */
  maxBytes?: number
  /** How long a task is kept, ms; default 30 days. */
  maxAgeMs?: number
}

export interface TaskArchiveModules {
  store: Store
  clock: Clock
  log: Logger
}

/** What is known of a kept task without opening it. */
export interface ArchiveEntry {
  cid: CidString
  provider: NodeKey
  model: ModelId
  /** What the task cost, base units. */
  amount: bigint
  /** When it was kept. */
  atMs: number
  /** On disk. */
  bytes: number
}

const MAX_BYTES = 256 * 1024 * 1024
const MAX_AGE_MS = 30 * 24 * 3_600_000
const FORGET_EVERY_MS = 10 * 60_000
const SEAL_BYTES = 64

const entrySchema = z.strictObject({
  provider: wire.nodeKey,
  model: wire.modelId,
  amount: wire.amount,
  atMs: wire.timeMs,
  bytes: wire.count,
})
type StoredEntry = z.infer<typeof entrySchema>

const termsSchema: z.ZodType<TaskTerms> = z.strictObject({
  price: z.strictObject({ inputPerMillion: wire.amount, outputPerMillion: wire.amount }),
  contextTokens: wire.count,
})

const contentSchema = z.strictObject({
  record: wire.bytes(receiptMessage.maxBytes),
  countersignature: wire.bytes(countersignatureMessage.maxBytes),
  request: wire.bytes(MAX_TASK_FRAME_BYTES),
  tokens: z.array(tokenIdSchema),
  text: z.string(),
  terms: termsSchema,
})

/**
 * What a requester keeps of its tasks to audit, dispute or verify them later. Encrypted on disk, whatever the data's
 * class: prompts and answers leave it only through `get`. The oldest are forgotten when there is no room or they are
 * too old, unless somebody holds them.
 */
export class TaskArchive {
  readonly #maxBytes: number
  readonly #maxAgeMs: number
  readonly #modules: TaskArchiveModules
  readonly #box: SealedBox
  readonly #entries: Table<StoredEntry>
  readonly #contents: Table<Uint8Array>
  /** The oldest first. */
  readonly #known = new Map<CidString, ArchiveEntry>()
  readonly #holders = new Map<CidString, Set<string>>()
  #bytes = 0
  #amount = 0n
  readonly #paid = new Map<NodeKey, bigint>()
  #timer: Timer | null = null

  constructor(options: TaskArchiveOptions, modules: TaskArchiveModules) {
    this.#maxBytes = options.maxBytes ?? MAX_BYTES
    this.#maxAgeMs = options.maxAgeMs ?? MAX_AGE_MS
    this.#modules = modules
    this.#box = new SealedBox('task-archive', options.seed)
    this.#entries = modules.store.table('task-archive-entries', entrySchema)
    this.#contents = modules.store.table(
      'task-archive',
      z.custom<Uint8Array>(value => value instanceof Uint8Array),
    )
  }

  /** Reads back what is there. */
  async start(): Promise<void> {
    const entries: ArchiveEntry[] = []
    for await (const [cid, entry] of this.#entries.entries()) entries.push({ cid, ...entry })
    for (const entry of entries.toSorted((a, b) => a.atMs - b.atMs)) this.#know(entry)
    this.#timer ??= repeat(this.#modules.clock, FORGET_EVERY_MS, () => this.#forgetSoon())
  }

  /** Tasks kept, and what they take, bytes. */
  get size(): { tasks: number; bytes: number } {
    return { tasks: this.#known.size, bytes: this.#bytes }
  }

  /** What the kept tasks have cost together, base units. */
  get amount(): bigint {
    return this.#amount
  }

  /** The same of one provider's. */
  paidTo(provider: NodeKey): bigint {
    return this.#paid.get(provider) ?? 0n
  }

  /**
   * Keeps a task once the operations returned are written: in the same batch as its receipt. Empty where there is no
   * room for it beside those that are held.
   */
  keep(task: AcceptedTask): BatchOperation[] {
    const { record, countersignature, request, tokens, text, terms } = task
    const content = encodeCanonical({
      record: record.bytes,
      countersignature: countersignature.bytes,
      request: encodeMessage(requesterFrameMessage, request),
      tokens,
      text,
      terms: z.encode(termsSchema, terms),
    })
    const { cid } = record
    const { provider, model, amount } = record.body
    const bytes = content.length + SEAL_BYTES
    const forgotten = this.#makeRoom(bytes)
    if (forgotten === null) return []
    const entry = { provider, model, amount, atMs: this.#modules.clock.nowMs(), bytes }
    this.#know({ cid, ...entry })
    return [
      ...forgotten,
      this.#entries.putOperation(cid, entry),
      this.#contents.putOperation(cid, this.#box.seal(cid, content)),
    ]
  }

  has(cid: CidString): boolean {
    return this.#known.has(cid)
  }

  entry(cid: CidString): ArchiveEntry | null {
    return this.#known.get(cid) ?? null
  }

  /** What is kept, the oldest first. */
  entries(): IterableIterator<ArchiveEntry> {
    return this.#known.values()
  }

  /**
   * A kept task; null where it is not, or no longer.
   * @throws {StoreError} STORE_CORRUPT
   */
  async get(cid: CidString): Promise<ArchivedTask | null> {
    const sealed = await this.#contents.get(cid)
    if (sealed === undefined) return null
    try {
      const content = z.decode(contentSchema, decodeTrusted(this.#box.open(cid, sealed)) as never)
      const { record, countersignature, request: requestFrame, tokens, text, terms } = content
      // Both were checked before they were kept.
      const { body: receipt } = openRecord(receiptMessage, record, () => true)
      const request = decodeTrustedRequest(requestFrame)
      return { cid, receipt, record, countersignature, requestFrame, request, tokens, text, terms }
    } catch (cause) {
      throw new StoreError('STORE_CORRUPT', `the kept task ${cid} cannot be read`, {
        fix: 'The disk or another program has damaged the database, or the node key was exchanged; this task cannot be audited any more.',
        details: { cid },
        cause,
      })
    }
  }

  /** A held task is not forgotten until all holders have let go; holds do not outlive the process. */
  hold(cid: CidString, holder: string): void {
    const holders = this.#holders.get(cid) ?? new Set()
    this.#holders.set(cid, holders.add(holder))
  }

  release(cid: CidString, holder: string): void {
    const holders = this.#holders.get(cid)
    if (holders?.delete(holder) === true && holders.size === 0) this.#holders.delete(cid)
  }

  /** Forgets what is too old. */
  async forgetOld(): Promise<void> {
    const beforeMs = this.#modules.clock.nowMs() - this.#maxAgeMs
    const old = [...this.#known.values()].filter(
      ({ cid, atMs }) => atMs < beforeMs && !this.#holders.has(cid),
    )
    if (old.length > 0)
      await this.#modules.store.batch(
        old.flatMap(({ cid }) => this.#forget(cid)),
        { sync: false },
      )
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
  }

  async #forgetSoon(): Promise<void> {
    try {
      await this.forgetOld()
    } catch (error) {
      this.#modules.log.warn({ err: error }, 'old tasks could not be forgotten; it is tried again')
    }
  }

  /** Null: those that are held leave no room. */
  #makeRoom(bytes: number): BatchOperation[] | null {
    const leaving: CidString[] = []
    let free = this.#maxBytes - this.#bytes
    for (const { cid, bytes: taken } of this.#known.values()) {
      if (free >= bytes) break
      if (this.#holders.has(cid)) continue
      leaving.push(cid)
      free += taken
    }
    return free >= bytes ? leaving.flatMap(cid => this.#forget(cid)) : null
  }

  #know(entry: ArchiveEntry): void {
    this.#unknow(entry.cid)
    this.#known.set(entry.cid, entry)
    this.#bytes += entry.bytes
    this.#amount += entry.amount
    this.#paid.set(entry.provider, this.paidTo(entry.provider) + entry.amount)
  }

  #unknow(cid: CidString): void {
    const entry = this.#known.get(cid)
    if (entry === undefined) return
    const { provider, amount, bytes } = entry
    this.#known.delete(cid)
    this.#bytes -= bytes
    this.#amount -= amount
    const left = this.paidTo(provider) - amount
    if (left > 0n) this.#paid.set(provider, left)
    else this.#paid.delete(provider)
  }

  #forget(cid: CidString): BatchOperation[] {
    this.#unknow(cid)
    return [this.#entries.deleteOperation(cid), this.#contents.deleteOperation(cid)]
  }
}

function decodeTrustedRequest(frame: Uint8Array): TaskRequest {
  const request = z.decode(requesterFrameMessage.schema, decodeTrusted(frame) as never)
  if (request.kind !== 'request') throw new RangeError('not a request')
  return request
}
