import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { CID } from 'multiformats/cid'
import type { Bytes32, CidString, NodeKey } from './ids.ts'

const JOB_CONTEXT = utf8ToBytes('shoal/1/audit-job\0')
const DRAW_CONTEXT = utf8ToBytes('shoal/1/auditor-draw\0')

/**
 * The name under which a receipt is audited: sha2-256("shoal/1/audit-job" ‖ 0x00 ‖ bytes of the CID of the provider's
 * signed receipt). It names the receipt to whoever has it, and tells an auditor nothing of who made it.
 * @throws {Error} when `receipt` is no CID
 */
export function auditJobOf(receipt: CidString): Bytes32 {
  return `0x${bytesToHex(sha256(concatBytes(JOB_CONTEXT, CID.parse(receipt).bytes)))}`
}

/**
 * An auditor's lot: sha2-256("shoal/1/auditor-draw" ‖ 0x00 ‖ hash ‖ job ‖ node key), 32 bytes each. The lowest is drawn first.
 * @param hash of the first block after the receipt was countersigned: nobody knew it when the provider signed
 * @param job of `auditJobOf`
 */
function auditorLot(hash: Bytes32, job: Bytes32, auditor: NodeKey): Bytes32 {
  const parts = [hexToBytes(hash.slice(2)), hexToBytes(job.slice(2)), hexToBytes(auditor)]
  return `0x${bytesToHex(sha256(concatBytes(DRAW_CONTEXT, ...parts)))}`
}

/**
 * Those who may audit, in the order in which they are drawn: by rising lot. Independent of the order they are given in; each
 * as likely as any other to be first. Whoever makes blocks can withhold one it does not like, and draw once more for the price
 * of a block.
 */
export function drawAuditors(hash: Bytes32, job: Bytes32, eligible: Iterable<NodeKey>): NodeKey[] {
  const lots = [...new Set(eligible)].map(auditor => ({ auditor, lot: auditorLot(hash, job, auditor) }))
  return lots.toSorted((a, b) => (a.lot < b.lot ? -1 : 1)).map(({ auditor }) => auditor)
}
