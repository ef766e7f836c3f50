import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { auditJobOf, drawAuditors } from '../../protocol/auditor-draw.ts'
import { cidOf } from '../../protocol/codec.ts'

/** Who is drawn to audit a receipt, first to last. */
export interface AuditorDrawVector {
  /** CID of the provider's signed receipt, as text and as bytes. */
  receipt: string
  receiptBytes: string
  job: string
  /** Of the first block after it. */
  hash: string
  eligible: string[]
  drawn: string[]
}

/** By the formula alone. */
export function auditorDrawVectors(): AuditorDrawVector[] {
  return [0, 1, 2].map(index => {
    const cid = cidOf(utf8ToBytes(`receipt ${index}`))
    const hash = bytesToHex(sha256(utf8ToBytes(`block ${index}`)))
    const eligible = Array.from({ length: 2 + 3 * index }, (_, node) =>
      bytesToHex(sha256(utf8ToBytes(`node ${node}`))),
    )
    const job = bytesToHex(sha256(join(utf8ToBytes('shoal/1/audit-job'), [0], cid.bytes)))
    const lotOf = (node: string) =>
      bytesToHex(
        sha256(
          join(utf8ToBytes('shoal/1/auditor-draw'), [0], hexToBytes(hash), hexToBytes(job), hexToBytes(node)),
        ),
      )
    return {
      receipt: cid.toString(),
      receiptBytes: bytesToHex(cid.bytes),
      job: `0x${job}`,
      hash: `0x${hash}`,
      eligible,
      drawn: eligible.toSorted((a, b) => lotOf(a).localeCompare(lotOf(b))),
    }
  })
}

export function holdsAuditorDraw({ receipt, job, hash, eligible, drawn }: AuditorDrawVector): boolean {
  const found = drawAuditors(hash, job, eligible)
  return auditJobOf(receipt) === job && found.join() === drawn.join()
}

function join(...parts: ArrayLike<number>[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => Array.from(part)))
}
