import type { Address, CidString } from '../../../protocol/ids.ts'
import { adapterVersionMessage } from '../../../protocol/messages/learning/adapter-version.ts'
import { aggregateProposalMessage } from '../../../protocol/messages/learning/aggregate-proposal.ts'
import { bodyOf, openRecord } from '../../../protocol/signed.ts'
import type { EventLog } from '../../auditlog/event-log.ts'
import type { LoggedAnchor, LogIndex } from '../../auditlog/log-index.ts'
import { type AuditEntry, auditEntry, proveInclusion, verifyInclusion } from '../../auditlog/merkle.ts'
import type { ChainClient } from '../../chain/client.ts'
import { verifyEd25519Natively } from '../../ed25519.ts'
import { VersionError, type VersionErrorCode } from './errors.ts'
import { namedRecords, proveVersion } from './prove-version.ts'
import type { KnownVersion } from './version-book.ts'
import type { AdapterVersions } from './versions.ts'

/**
 * Where a version's acceptance stands on chain. `anchored`: the contract says that the event is under an anchor of this node.
 * `waiting`: it is in the log and not anchored yet. `unasked`: the chain has not answered. `wrong`: the contract, or the root, says otherwise. `missing`: the log has no such event.
 */
export type Anchoring = 'anchored' | 'waiting' | 'unasked' | 'wrong' | 'missing'

/** One version of a lineage, with what was checked of it just now. */
export interface LineageStep {
  version: KnownVersion
  /** Null: all signatures are right and the votes are a quorum of the stakes that were at stake then. */
  problem: { code: VersionErrorCode | 'BAD_SIGNATURE'; message: string } | null
  /** Records whose signatures were checked. */
  signatures: number
  anchoring: Anchoring
  /** Of the event in this node's audit log; null when there is none. */
  sequence: number | null
  /** Transaction of the anchor. */
  transaction: string | null
  /** Seconds since the Unix epoch. */
  anchoredAt: number | null
}

export interface AnchorSource {
  client: Pick<ChainClient, 'anchoredAt' | 'verifyInclusion'>
  wallet: Address
  index: Pick<LogIndex, 'sequenceOfVersion' | 'anchors'>
}

export interface LineageModules {
  versions: Pick<AdapterVersions, 'ancestry' | 'evidence'>
  log: Pick<EventLog, 'read'>
  /** The chain, whose anchors are ours, and where they stand in our log; null while the chain has not answered. */
  chain: () => AnchorSource | null
}

/** Tells where adapters come from, and whether what is kept of it still holds. */
export class Lineage {
  readonly #modules: LineageModules

  constructor(modules: LineageModules) {
    this.#modules = modules
  }

  /** From a version back to the base. @throws {ChainError} CHAIN_UNREACHABLE */
  async of(cid: CidString): Promise<LineageStep[]> {
    const steps: LineageStep[] = []
    for (const version of this.#modules.versions.ancestry(cid)) {
      steps.push({ version, ...(await this.#proof(version)), ...(await this.#anchoring(version)) })
    }
    return steps
  }

  async #proof({ record }: KnownVersion): Promise<Pick<LineageStep, 'problem' | 'signatures'>> {
    try {
      const opened = openRecord(adapterVersionMessage, record.bytes, verifyEd25519Natively)
      const records = await this.#records(opened.body)
      // What was at stake was asked of the chain when the version came; stakes move on.
      const proven = proveVersion(
        opened,
        name => records.get(name) ?? null,
        (_node, join) => join.stake,
      )
      return { problem: null, signatures: proven.records.length + 1 }
    } catch (error) {
      const code = error instanceof VersionError ? error.code : 'BAD_SIGNATURE'
      return { problem: { code, message: (error as Error).message }, signatures: 0 }
    }
  }

  async #records(version: KnownVersion['record']['body']): Promise<Map<CidString, Uint8Array>> {
    const records = new Map<CidString, Uint8Array>()
    const read = async (names: readonly CidString[]) => {
      for (const name of names) {
        const bytes = await this.#modules.versions.evidence(name)
        if (bytes !== null) records.set(name, bytes)
      }
    }
    await read(namedRecords(version))
    const proposal = records.get(version.proposal)
    if (proposal !== undefined) await read(bodyOf(aggregateProposalMessage, proposal).roster)
    return records
  }

  async #anchoring({
    cid,
  }: KnownVersion): Promise<Pick<LineageStep, 'anchoring' | 'sequence' | 'transaction' | 'anchoredAt'>> {
    const source = this.#modules.chain()
    const nothing = { sequence: null, transaction: null, anchoredAt: null }
    if (source === null) return { ...nothing, anchoring: 'unasked' }
    const { client, wallet, index } = source
    const sequence = await index.sequenceOfVersion(cid)
    if (sequence === null) return { ...nothing, anchoring: 'missing' }
    const anchors = await index.anchors()
    const anchor = anchors.findLast(
      range => range.firstSequence <= sequence && sequence <= range.lastSequence,
    )
    if (anchor === undefined) return { ...nothing, sequence, anchoring: 'waiting' }
    const anchoredAt = await client.anchoredAt(wallet, anchor)
    const proof = proveInclusion(
      { index: anchor.index, firstSequence: anchor.firstSequence, anchoredAt, sequence },
      await this.#entries(anchor),
    )
    const isSound = proof.root === anchor.root && verifyInclusion(proof)
    const isAnchored = isSound && (await client.verifyInclusion(wallet, proof))
    const { transaction } = anchor
    return { sequence, transaction, anchoredAt, anchoring: isAnchored ? 'anchored' : 'wrong' }
  }

  async #entries({ firstSequence, lastSequence }: LoggedAnchor): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = []
    for await (const { record } of this.#modules.log.read(firstSequence, lastSequence))
      entries.push(auditEntry(record))
    return entries
  }
}
