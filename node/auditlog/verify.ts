import { open } from 'node:fs/promises'
import { ProtocolError, sameBytes } from '../../protocol/codec.ts'
import type { NodeKey } from '../../protocol/ids.ts'
import {
  type AuditEvent,
  auditEventClaim,
  auditEventHash,
  auditEventMessage,
} from '../../protocol/messages/audit-event.ts'
import { openRecord, type SignedRecord } from '../../protocol/signed.ts'
import { verifyEd25519Natively } from '../ed25519.ts'
import { readFrames } from './frames.ts'
import { type AuditEntry, auditEntry, auditTree, type InclusionProof, proveInclusion } from './merkle.ts'

/** What is wrong with an entry; a closed set. */
export type AuditProblem =
  | 'unreadable'
  | 'bad_signature'
  | 'wrong_node'
  | 'wrong_sequence'
  | 'broken_chain'
  | 'root_mismatch'
  | 'not_anchored_so'

export interface AnchoredRange {
  index: number
  root: string
  firstSequence: number
  lastSequence: number
  transaction: string
  /** When the chain has it anchored, in seconds since the Unix epoch; null when the chain was not asked. */
  anchoredAt: number | null
}

export interface AuditVerdict {
  nodeKey: NodeKey | null
  events: number
  anchors: AnchoredRange[]
  /** The first bad entry; null when all is well. */
  problem: { sequence: number; reason: AuditProblem } | null
}

/** When the chain has exactly this anchored, in seconds since the Unix epoch; null when it has not. */
export type CheckAnchor = (anchor: AnchoredRange) => Promise<number | null>

/**
 * Replays an audit log: each entry's form, signature, place and link to the one before; then each anchored
 * range's Merkle root; then, with `checkAnchor`, that the chain holds the same. Stops at the first bad entry.
 * @param options.nodeKey whose log it must be; by default whoever signed the first entry
 */
export async function verifyAuditLog(
  options: { path: string; nodeKey?: NodeKey },
  modules: { checkAnchor?: CheckAnchor } = {},
): Promise<AuditVerdict> {
  const entries: AuditEntry[] = []
  const verdict: AuditVerdict = { nodeKey: options.nodeKey ?? null, events: 0, anchors: [], problem: null }
  const file = await open(options.path, 'r')
  try {
    let previous: Uint8Array = new Uint8Array(64)
    let end = 0
    for await (const frame of readFrames(file)) {
      const sequence = entries.length + 1
      const checked = checkEntry(frame.record, { sequence, previous, nodeKey: verdict.nodeKey })
      if (typeof checked === 'string') return { ...verdict, problem: { sequence, reason: checked } }
      verdict.nodeKey ??= checked.signer
      previous = auditEventHash(frame.record)
      verdict.events = sequence
      end = frame.end
      const { event } = checked.body
      entries.push({ hash: previous, claim: auditEventClaim(event) })
      if (event.kind === 'anchor.confirmed') {
        const { root, firstSequence, lastSequence, transaction } = event
        verdict.anchors.push({
          index: verdict.anchors.length,
          root,
          firstSequence,
          lastSequence,
          transaction,
          anchoredAt: null,
        })
      }
    }
    if ((await file.stat()).size > end) {
      return { ...verdict, problem: { sequence: entries.length + 1, reason: 'unreadable' } }
    }
  } finally {
    await file.close()
  }
  for (const anchor of verdict.anchors) {
    const range = entries.slice(anchor.firstSequence - 1, anchor.lastSequence)
    if (range.length === 0 || auditTree(anchor.firstSequence, range).root !== anchor.root) {
      return { ...verdict, problem: { sequence: anchor.firstSequence, reason: 'root_mismatch' } }
    }
    if (modules.checkAnchor === undefined) continue
    anchor.anchoredAt = await modules.checkAnchor(anchor)
    if (anchor.anchoredAt === null) {
      return { ...verdict, problem: { sequence: anchor.firstSequence, reason: 'not_anchored_so' } }
    }
  }
  return verdict
}

/**
 * Proves one event of a log that has been verified.
 * @returns null when no anchor covers it yet
 */
export async function proveEvent(
  path: string,
  verdict: AuditVerdict,
  sequence: number,
): Promise<InclusionProof | null> {
  const anchor = verdict.anchors.find(
    range => range.firstSequence <= sequence && sequence <= range.lastSequence,
  )
  if (anchor === undefined) return null
  const file = await open(path, 'r')
  try {
    const entries: AuditEntry[] = []
    let at = 0
    for await (const { record } of readFrames(file)) {
      at++
      if (at >= anchor.firstSequence) entries.push(auditEntry(record))
      if (at === anchor.lastSequence) break
    }
    const { index, firstSequence, anchoredAt } = anchor
    return proveInclusion({ index, firstSequence, anchoredAt, sequence }, entries)
  } finally {
    await file.close()
  }
}

/** Reads one event for people; null when the log is shorter. */
export async function readEvent(path: string, sequence: number): Promise<SignedRecord<AuditEvent> | null> {
  const file = await open(path, 'r')
  try {
    let at = 0
    for await (const { record } of readFrames(file)) {
      at++
      if (at === sequence) return openRecord(auditEventMessage, record, verifyEd25519Natively)
    }
    return null
  } finally {
    await file.close()
  }
}

function checkEntry(
  record: Uint8Array,
  expected: { sequence: number; previous: Uint8Array; nodeKey: NodeKey | null },
): SignedRecord<AuditEvent> | AuditProblem {
  let opened: SignedRecord<AuditEvent>
  try {
    opened = openRecord(auditEventMessage, record, verifyEd25519Natively)
  } catch (error) {
    return error instanceof ProtocolError && error.code === 'BAD_SIGNATURE' ? 'bad_signature' : 'unreadable'
  }
  if (expected.nodeKey !== null && opened.signer !== expected.nodeKey) return 'wrong_node'
  if (opened.body.sequence !== expected.sequence) return 'wrong_sequence'
  if (!sameBytes(opened.body.previous, expected.previous)) return 'broken_chain'
  return opened
}
