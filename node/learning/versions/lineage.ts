import type { CidString } from '../../../protocol/ids.ts'
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
 * `waiting`: it is in the log and not anchored yet. `unasked`: it is under a root that the log says was anchored, and the
 * chain was not asked. `wrong`: the contract, or the root, says otherwise. `missing`: the log has no such event.
 */
export const ANCHORINGS = ['anchored', 'waiting', 'unasked', 'wrong', 'missing'] as const
export type Anchoring = (typeof ANCHORINGS)[number]

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

export interface LineageModules {
  versions: Pick<AdapterVersions, 'ancestry' | 'evidence'>
  index: Pick<LogIndex, 'sequenceOfVersion' | 'anchors'>
  log: Pick<EventLog, 'read'>
  /** Whom anchors are made by; null while the chain has not answered. */
  chain: () => { client: Pick<ChainClient, 'anchoredAt' | 'verifyInclusion'>; wallet: string } | null
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
    const { index, chain } = this.#modules
    const sequence = await index.sequenceOfVersion(cid)
    const nothing = { sequence, transaction: null, anchoredAt: null }
    if (sequence === null) return { ...nothing, anchoring: 'missing' }
    const anchors = await index.anchors()
    const anchor = anchors.findLast(
      range => range.firstSequence <= sequence && sequence <= range.lastSequence,
    )
    if (anchor === undefined) return { ...nothing, anchoring: 'waiting' }
    const { transaction } = anchor
    const asked = chain()
    const anchoredAt =
      asked === null ? null : await asked.client.anchoredAt(asked.wallet as `0x${string}`, anchor)
    const proof = proveInclusion(
      { index: anchor.index, firstSequence: anchor.firstSequence, anchoredAt, sequence },
      await this.#entries(anchor),
    )
    const found = { sequence, transaction, anchoredAt }
    if (proof.root !== anchor.root || !verifyInclusion(proof)) return { ...found, anchoring: 'wrong' }
    if (asked === null) return { ...found, anchoring: 'unasked' }
    const isIncluded = await asked.client.verifyInclusion(asked.wallet, proof)
    return { ...found, anchoring: isIncluded ? 'anchored' : 'wrong' }
  }

  async #entries({ firstSequence, lastSequence }: LoggedAnchor): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = []
    for await (const { record } of this.#modules.log.read(firstSequence, lastSequence))
      entries.push(auditEntry(record))
    return entries
  }
}
