import { z } from 'zod'
import { wire } from '../../protocol/codec.ts'
import type { CidString, NodeKey } from '../../protocol/ids.ts'
import { REPORTED_RESULTS } from '../../protocol/messages/reputation-report.ts'
import { VIOLATIONS } from '../p2p/errors.ts'
import type { Store } from '../store/store.ts'
import type { BatchOperation, Table } from '../store/table.ts'
import { type Evidence, STRANGER_KINDS, TASK_EVIDENCE } from './evidence.ts'
import type { PeerState } from './peer-record.ts'

/** Typed, so that what the model keeps and what is stored cannot part. */
interface StoredState {
  /** Evidence with a greater number is not in it yet. */
  through: number
  state: PeerState
}

const base = { peer: wire.nodeKey, atMs: wire.timeMs }
const evidenceSchema: z.ZodType<Evidence> = z.discriminatedUnion('kind', [
  z.strictObject({
    ...base,
    kind: z.literal('task'),
    result: z.enum(TASK_EVIDENCE),
    pace: z.nullable(z.number().min(0).max(1)),
    as: z.exactOptional(z.enum(STRANGER_KINDS)),
  }),
  z.strictObject({
    ...base,
    kind: z.literal('audit'),
    passed: z.boolean(),
    weight: z.exactOptional(z.number().min(0).max(1)),
    as: z.exactOptional(z.enum(STRANGER_KINDS)),
  }),
  z.strictObject({ ...base, kind: z.literal('comparison'), agreed: z.boolean() }),
  z.strictObject({ ...base, kind: z.literal('contact'), reached: z.boolean() }),
  z.strictObject({ ...base, kind: z.literal('violation'), violation: z.enum(VIOLATIONS) }),
  z.strictObject({
    ...base,
    kind: z.literal('report'),
    witness: wire.nodeKey,
    receipt: wire.cid,
    result: z.enum(REPORTED_RESULTS),
  }),
])
const sums = z.array(z.int())
const stateSchema: z.ZodType<StoredState> = z.strictObject({
  through: wire.count,
  state: z.strictObject({
    performance: sums,
    speed: sums,
    uptime: sums,
    security: sums,
    penalty: sums,
    audited: sums,
    compared: z.exactOptional(sums),
    days: sums,
    results: z.record(z.enum(TASK_EVIDENCE), wire.count),
    audits: z.strictObject({ passed: wire.count, failed: wire.count }),
    contacts: z.strictObject({ reached: wire.count, missed: wire.count }),
    violations: wire.count,
    firstAtMs: wire.timeMs,
    lastAtMs: wire.timeMs,
    firstAuditedAtMs: z.nullable(wire.timeMs),
    firstAuditedAs: z.exactOptional(z.enum(STRANGER_KINDS)),
    witnesses: z.array(
      z.strictObject({
        witness: wire.nodeKey,
        evidence: sums,
        audits: z.nullable(sums),
        reports: wire.count,
        lastAtMs: wire.timeMs,
      }),
    ),
  }),
})
const receiptSchema = z.strictObject({ endedAtMs: wire.timeMs })

/** Evidence of a peer that is folded into its sums at once, and that stays to be shown. */
const FOLD_AT = 32
const KEEP = 12

export interface EvidenceLogModules {
  store: Store
  /** The state with all evidence so far. */
  stateOf: (peer: NodeKey) => PeerState | null
}

/**
 * Evidence on disk: what came lately piece by piece, what is older as exact sums, so that what is read back gives
 * the same opinions to the last bit.
 */
export class EvidenceLog {
  readonly #store: Store
  readonly #stateOf: EvidenceLogModules['stateOf']
  readonly #evidence: Table<Evidence>
  readonly #states: Table<StoredState>
  readonly #receipts: Table<z.infer<typeof receiptSchema>>
  /** Numbers of the pieces on disk of each peer, ascending. */
  readonly #numbers = new Map<NodeKey, number[]>()
  readonly #folded = new Set<NodeKey>()
  #last = 0

  constructor(modules: EvidenceLogModules) {
    this.#store = modules.store
    this.#stateOf = modules.stateOf
    this.#evidence = modules.store.table('trust-evidence', evidenceSchema)
    this.#states = modules.store.table('trust-peers', stateSchema)
    this.#receipts = modules.store.table('trust-receipts', receiptSchema)
  }

  /** Reads all back. */
  async load(into: {
    restore: (peer: NodeKey, state: PeerState) => void
    add: (evidence: Evidence) => void
    markCounted: (receipt: CidString, endedAtMs: number) => void
  }): Promise<void> {
    const through = new Map<NodeKey, number>()
    for await (const [peer, stored] of this.#states.entries()) {
      into.restore(peer, stored.state)
      through.set(peer, stored.through)
      this.#folded.add(peer)
      this.#last = Math.max(this.#last, stored.through)
    }
    for await (const [key, evidence] of this.#evidence.entries()) {
      const number = numberIn(key)
      this.#last = Math.max(this.#last, number)
      this.#numbersOf(evidence.peer).push(number)
      if (number > (through.get(evidence.peer) ?? 0)) into.add(evidence)
    }
    for await (const [receipt, { endedAtMs }] of this.#receipts.entries())
      into.markCounted(receipt, endedAtMs)
  }

  /** Keeps a piece that `stateOf` already has. @param also written in the same batch */
  async append(evidence: Evidence, also: readonly BatchOperation[] = []): Promise<void> {
    const { peer } = evidence
    const number = ++this.#last
    const numbers = this.#numbersOf(peer)
    numbers.push(number)
    const operations = [...also, this.#evidence.putOperation(keyOf(peer, number), evidence)]
    if (evidence.kind === 'report') {
      const counted = { endedAtMs: evidence.atMs }
      operations.push(this.#receipts.putOperation(evidence.receipt, counted))
    }
    if (numbers.length >= FOLD_AT) operations.push(...this.#fold(peer, number))
    await this.#store.batch(operations, { sync: false })
  }

  /** The latest evidence on a peer, the newest first. */
  async recent(peer: NodeKey): Promise<Evidence[]> {
    const evidence: Evidence[] = []
    const range = {
      gt: keyOf(peer, 0),
      lte: keyOf(peer, Number.MAX_SAFE_INTEGER),
      reverse: true,
      limit: KEEP,
    }
    for await (const piece of this.#evidence.values(range)) evidence.push(piece)
    return evidence
  }

  async forget(peers: readonly NodeKey[]): Promise<void> {
    const operations = peers.flatMap(peer => {
      const numbers = this.#numbers.get(peer) ?? []
      this.#numbers.delete(peer)
      const pieces = numbers.map(number => this.#evidence.deleteOperation(keyOf(peer, number)))
      return this.#folded.delete(peer) ? [...pieces, this.#states.deleteOperation(peer)] : pieces
    })
    await this.#store.batch(operations, { sync: false })
  }

  async forgetReceipts(receipts: readonly CidString[]): Promise<void> {
    await this.#store.batch(
      receipts.map(receipt => this.#receipts.deleteOperation(receipt)),
      { sync: false },
    )
  }

  #fold(peer: NodeKey, through: number): BatchOperation[] {
    const state = this.#stateOf(peer)
    if (state === null) return []
    const gone = this.#numbersOf(peer).splice(0, FOLD_AT - KEEP)
    this.#folded.add(peer)
    return [
      this.#states.putOperation(peer, { through, state }),
      ...gone.map(number => this.#evidence.deleteOperation(keyOf(peer, number))),
    ]
  }

  #numbersOf(peer: NodeKey): number[] {
    let numbers = this.#numbers.get(peer)
    if (numbers === undefined) {
      numbers = []
      this.#numbers.set(peer, numbers)
    }
    return numbers
  }
}

const NUMBER_DIGITS = 16

function keyOf(peer: NodeKey, number: number): string {
  return `${peer}-${String(number).padStart(NUMBER_DIGITS, '0')}`
}

function numberIn(key: string): number {
  return Number(key.slice(-NUMBER_DIGITS))
}
