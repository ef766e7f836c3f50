import pLimit from 'p-limit'
import type { Address, Bytes32 } from '../../protocol/ids.ts'
import type { ChainClient } from '../chain/client.ts'
import type { EventLog } from './event-log.ts'
import type { LoggedAnchor, LogIndex } from './log-index.ts'
import { type AuditEntry, auditEntry, type InclusionProof, proveInclusion } from './merkle.ts'

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

/** Ranges whose entries are kept: most questions are about the latest. */
const MAX_RANGES = 4

/** Proves events of our own log, for whoever checks them without us. */
export class EventProofs {
  readonly #modules: EventProofsModules
  /** Of a range the whole log is read; one question at a time. */
  readonly #one = pLimit(1)
  readonly #ranges = new Map<number, AuditEntry[]>()
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
    const entries = await this.#one(() => this.#entriesOf(anchor))
    const { firstSequence, transaction } = anchor
    return {
      ...{ sequence, record },
      inclusion: proveInclusion({ index: anchor.index, firstSequence, anchoredAt, sequence }, entries),
      anchor: anchoredAt === null ? null : { wallet, index: anchor.index, anchoredAt, transaction },
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

  async #entriesOf({ index, firstSequence, lastSequence }: LoggedAnchor): Promise<AuditEntry[]> {
    const known = this.#ranges.get(index)
    if (known !== undefined) return known
    const entries: AuditEntry[] = []
    for await (const { record } of this.#modules.log.read(firstSequence, lastSequence))
      entries.push(auditEntry(record))
    this.#ranges.set(index, entries)
    if (this.#ranges.size > MAX_RANGES) this.#ranges.delete(this.#ranges.keys().next().value!)
    return entries
  }
}
