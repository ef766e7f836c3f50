import { z } from 'zod'
import { wire } from '../../../protocol/codec.ts'
import type { Bytes32, CidString } from '../../../protocol/ids.ts'
import type { AuditEventDetails } from '../../../protocol/messages/audit-event.ts'
import { type BlobRef, blobRefSchema } from '../../../protocol/messages/learning/blob-ref.ts'
import { domainSchema, MAX_VALIDATION_SETS } from '../../../protocol/messages/learning/common.ts'
import { MAX_ROUND_RECORDS } from '../../../protocol/messages/learning/learning-sync.ts'
import { UPDATE_ENCODINGS, type UpdateEncoding } from '../../../protocol/messages/learning/round-manifest.ts'
import type { PrivacyClaim, RevealedValidation } from '../../../protocol/messages/learning/update-reveal.ts'
import { AuditLogError } from '../../auditlog/errors.ts'
import type { AuditOutbox } from '../../auditlog/outbox.ts'
import type { Store } from '../../store/store.ts'
import type { BatchOperation, Table } from '../../store/table.ts'
import { RoundError } from './errors.ts'
import { ROUND_FAILURES, type RoundFailure } from './phases.ts'
import { MAX_ROUND_RECORD_BYTES } from './round-record.ts'
import { ROUND_FAULTS, type RoundFaultKind } from './round-state.ts'

/** Rounds that go on at once. */
const MAX_OPEN_ROUNDS = 16
/** Rounds remembered, those that are over included. */
const MAX_ROUNDS = 64
const KEEP_MS = 30 * 24 * 3_600_000
const MAX_REPORTED = 256

/** What became of a round. */
export interface RoundEnd {
  atMs: number
  /** Null where its adapter was accepted. */
  failure: RoundFailure | null
}

/** A round as it lies on disk. */
export interface StoredRound {
  /** The manifest's record. */
  manifest: Uint8Array
  heardAtMs: number
  publishMs: number
  isWanted: boolean
  end: RoundEnd | null
  /** Whose score has been lowered already. */
  reported: { node: string; fault: RoundFaultKind; about: string }[]
  /** What the chain said of those who joined, when it was asked. */
  standings: { node: string; isStaked: boolean }[]
}

/** What nobody else may know before it is revealed. */
export interface OwnUpdate {
  blob: BlobRef
  salt: Bytes32
  encoding: UpdateEncoding
  domain: string
  privacy: PrivacyClaim | null
  tokens: number
}

/** This node's part in a round, beside its records. */
export interface OwnPart {
  validation: RevealedValidation[]
  update: OwnUpdate | null
}

export interface StoredRecord {
  bytes: Uint8Array
  atMs: number
}

export interface RoundBookModules {
  store: Store
  outbox: AuditOutbox
}

/**
 * The rounds that this node knows of, on disk: their records in the order in which they came, and its own part. What is its own
 * is there before anybody hears of it.
 */
export class RoundBook {
  readonly #modules: RoundBookModules
  readonly #rounds: Table<StoredRound>
  readonly #records: Table<StoredRecord>
  readonly #own: Table<OwnPart>
  readonly #known = new Map<CidString, StoredRound>()
  /** How many records each round has. */
  readonly #counts = new Map<CidString, number>()

  constructor(modules: RoundBookModules) {
    this.#modules = modules
    this.#rounds = modules.store.table('learning-rounds', roundSchema)
    this.#records = modules.store.table('learning-round-records', recordSchema)
    this.#own = modules.store.table('learning-own-parts', ownSchema)
  }

  /** Reads back which rounds there are. */
  async start(): Promise<void> {
    for await (const [round, stored] of this.#rounds.entries()) this.#known.set(round, stored)
  }

  /** All rounds that are remembered. */
  rounds(): ReadonlyMap<CidString, StoredRound> {
    return this.#known
  }

  /**
   * Begins to keep a round.
   * @throws {RoundError} TOO_MANY_ROUNDS
   * @throws {StoreError} nothing happened
   */
  async open(
    round: CidString,
    stored: Pick<StoredRound, 'manifest' | 'heardAtMs' | 'publishMs' | 'isWanted'>,
    events: readonly AuditEventDetails[] = [],
  ): Promise<void> {
    if (this.#known.has(round)) return
    const open = [...this.#known.values()].filter(({ end }) => end === null)
    if (open.length >= MAX_OPEN_ROUNDS) {
      throw new RoundError('TOO_MANY_ROUNDS', `${MAX_OPEN_ROUNDS} rounds are going on`, {
        fix: 'Wait until one of them is over: shoal learn rounds.',
      })
    }
    const kept: StoredRound = { ...stored, end: null, reported: [], standings: [] }
    await this.#write([this.#rounds.putOperation(round, kept)], events)
    this.#known.set(round, kept)
    await this.forgetOld(stored.heardAtMs)
  }

  /** A round's records in the order in which they came, the manifest aside. */
  async *records(round: CidString): AsyncGenerator<StoredRecord> {
    let count = 0
    for await (const [key, record] of this.#records.entries(rangeOf(round))) {
      count = Number(key.slice(round.length + 1)) + 1
      yield record
    }
    this.#counts.set(round, count)
  }

  /** The bytes of all that is kept of a round, the manifest first; none for one that is not known. */
  async allRecords(round: CidString): Promise<Uint8Array[]> {
    const stored = this.#known.get(round)
    if (stored === undefined) return []
    const all = [stored.manifest]
    for await (const [, { bytes }] of this.#records.entries(rangeOf(round))) all.push(bytes)
    return all
  }

  /** This node's part in a round. */
  async own(round: CidString): Promise<OwnPart> {
    return (await this.#own.get(round)) ?? { validation: [], update: null }
  }

  /**
   * Keeps a record; the round's `records` have been read before.
   * @param options.own what it comes of, written with it, all or nothing
   * @returns false where the round has as many as one may have
   */
  async add(
    round: CidString,
    record: StoredRecord,
    options: { own?: OwnPart; events?: readonly AuditEventDetails[]; isOurs?: boolean } = {},
  ): Promise<boolean> {
    const { own, events = [], isOurs = false } = options
    const count = this.#counts.get(round) ?? 0
    if (count >= MAX_ROUND_RECORDS) return false
    const operations: BatchOperation[] = [this.#records.putOperation(keyOf(round, count), record)]
    if (own !== undefined) operations.push(this.#own.putOperation(round, own))
    this.#counts.set(round, count + 1)
    // Others' records can be had again, and a later write of our own brings them to disk with it.
    if (isOurs) await this.#write(operations, events)
    else await this.#modules.store.batch(operations, { sync: false })
    return true
  }

  /** Keeps what is not to be shown yet. */
  async keepOwn(round: CidString, own: OwnPart): Promise<void> {
    await this.#write([this.#own.putOperation(round, own)], [])
  }

  /** Changes what is remembered of a round. */
  async change(
    round: CidString,
    changes: Partial<Pick<StoredRound, 'isWanted' | 'end' | 'reported' | 'standings'>>,
  ): Promise<void> {
    const stored = this.#known.get(round)
    if (stored === undefined) return
    const changed = { ...stored, ...changes }
    changed.reported = changed.reported.slice(-MAX_REPORTED)
    changed.standings = changed.standings.slice(-MAX_REPORTED)
    await this.#write([this.#rounds.putOperation(round, changed)], [])
    this.#known.set(round, changed)
  }

  /** Drops rounds that are long over, or that there are too many of. @returns which */
  async forgetOld(nowMs: number): Promise<CidString[]> {
    const over = [...this.#known]
      .filter(([, { end }]) => end !== null)
      .sort((a, b) => a[1].end!.atMs - b[1].end!.atMs)
    const tooMany = Math.max(0, this.#known.size - MAX_ROUNDS)
    const gone = over.filter(([, { end }], index) => index < tooMany || nowMs - end!.atMs > KEEP_MS)
    for (const [round] of gone) {
      const operations = [this.#rounds.deleteOperation(round), this.#own.deleteOperation(round)]
      for await (const [key] of this.#records.entries(rangeOf(round)))
        operations.push(this.#records.deleteOperation(key))
      await this.#modules.store.batch(operations, { sync: false })
      this.#known.delete(round)
      this.#counts.delete(round)
    }
    return gone.map(([round]) => round)
  }

  async #write(operations: readonly BatchOperation[], events: readonly AuditEventDetails[]): Promise<void> {
    await this.#modules.outbox.record(operations, events).catch((error: unknown) => {
      // The change is made, and the outbox itself brings its events to the log: to do it again would be a second word of ours.
      if (!(error instanceof AuditLogError)) throw error
    })
  }
}

const keyOf = (round: CidString, count: number) => `${round}/${String(count).padStart(6, '0')}`
const rangeOf = (round: CidString) => ({ gte: `${round}/`, lt: `${round}0` })

const roundSchema: z.ZodType<StoredRound> = z.strictObject({
  manifest: wire.bytes(MAX_ROUND_RECORD_BYTES),
  heardAtMs: wire.timeMs,
  publishMs: wire.timeMs,
  isWanted: z.boolean(),
  end: z.nullable(z.strictObject({ atMs: wire.timeMs, failure: z.nullable(z.enum(ROUND_FAILURES)) })),
  reported: z
    .array(z.strictObject({ node: wire.nodeKey, fault: z.enum(ROUND_FAULTS), about: z.string().max(16) }))
    .max(MAX_REPORTED),
  standings: z.array(z.strictObject({ node: wire.nodeKey, isStaked: z.boolean() })).max(MAX_REPORTED),
})

const recordSchema: z.ZodType<StoredRecord> = z.strictObject({
  bytes: wire.bytes(MAX_ROUND_RECORD_BYTES),
  atMs: wire.timeMs,
})

const ownSchema: z.ZodType<OwnPart> = z.strictObject({
  validation: z.array(z.strictObject({ blob: blobRefSchema, domain: domainSchema })).max(MAX_VALIDATION_SETS),
  update: z.nullable(
    z.strictObject({
      blob: blobRefSchema,
      salt: wire.bytes32,
      encoding: z.enum(UPDATE_ENCODINGS),
      domain: domainSchema,
      privacy: z.nullable(
        z.strictObject({
          epsilon: z.number(),
          delta: z.number(),
          clipNorm: z.number(),
          noiseMultiplier: z.number(),
        }),
      ),
      tokens: wire.count,
    }),
  ),
})
