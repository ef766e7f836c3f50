import { bytesToHex } from '@noble/hashes/utils.js'
import pLimit from 'p-limit'
import type { Address, Bytes32 } from '../../protocol/ids.ts'
import type { ChainClient } from '../chain/client.ts'
import type { EventLog } from './event-log.ts'
import type { LoggedAnchor, LogIndex } from './log-index.ts'
import { type AuditEntry, auditEntry, auditTree, type InclusionProof } from './merkle.ts'

export interface EventProofsModules {
  log: EventLog
  index: LogIndex
  client: ChainClient
  /** That anchors. */
  wallet: Address
}

/** An event of our own log with all that shows that it is on chain. */
export interface EventProof {
  sequence: number
  record: Uint8Array
  /** Null while no anchor covers it. */
  inclusion: InclusionProof | null
  /** Where its root is on chain; null while it is not, or the chain does not say when that was. */
  anchor: { wallet: Address; index: number; anchoredAt: number; transaction: Bytes32 } | null
}

type AuditTree = ReturnType<typeof auditTree>

/** Trees that are kept: most questions are about the latest anchors. */
const MAX_TREES = 4

/** Proves events of our own log, for whoever checks them without us. */
export class EventProofs {
  readonly #modules: EventProofsModules
  /** For a tree the whole log is read, and much is hashed: one at a time. */
  readonly #one = pLimit(1)
  readonly #trees = new Map<number, AuditTree>()
  readonly #anchoredAt = new Map<number, number>()

  constructor(modules: EventProofsModules) {
    this.#modules = modules
  }

  /** @returns null when the log has no such event */
  async of(sequence: number): Promise<EventProof | null> {
    const { log, index, wallet } = this.#modules
    if (sequence < 1 || sequence > log.lastSequence) return null
    const anchors = await index.anchors()
    const anchor = anchors.findLast(
      range => range.firstSequence <= sequence && sequence <= range.lastSequence,
    )
    const record = await this.#record(sequence)
    if (record === null) return null
    if (anchor === undefined) return { sequence, record, inclusion: null, anchor: null }
    const anchoredAt = await this.#timeOf(anchor)
    const tree = await this.#one(() => this.#treeOf(anchor))
    const { hash, claim } = auditEntry(record)
    const { index: number, firstSequence, lastSequence, transaction } = anchor
    return {
      ...{ sequence, record },
      inclusion: {
        ...{ index: number, root: tree.root, firstSequence, lastSequence, anchoredAt, sequence, claim },
        eventHash: `0x${bytesToHex(hash)}`,
        proof: tree.getProof(sequence - firstSequence),
      },
      anchor: anchoredAt === null ? null : { wallet, index: number, anchoredAt, transaction },
    }
  }

  async #record(sequence: number): Promise<Uint8Array | null> {
    for await (const { record } of this.#modules.log.read(sequence, sequence)) return record
    return null
  }

  async #timeOf({ index, transaction }: LoggedAnchor): Promise<number | null> {
    const known = this.#anchoredAt.get(index)
    if (known !== undefined) return known
    const { client, wallet } = this.#modules
    const anchoredAt = await client.anchoredAt(wallet, { index, transaction })
    if (anchoredAt !== null) this.#anchoredAt.set(index, anchoredAt)
    return anchoredAt
  }

  async #treeOf({ index, firstSequence, lastSequence }: LoggedAnchor): Promise<AuditTree> {
    const known = this.#trees.get(index)
    if (known !== undefined) return known
    const entries: AuditEntry[] = []
    for await (const { record } of this.#modules.log.read(firstSequence, lastSequence))
      entries.push(auditEntry(record))
    const tree = auditTree(firstSequence, entries)
    this.#trees.set(index, tree)
    if (this.#trees.size > MAX_TREES) this.#trees.delete(this.#trees.keys().next().value!)
    return tree
  }
}
