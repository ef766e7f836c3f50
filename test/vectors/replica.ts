import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { replicaCommitment, runningDigest } from '../../protocol/replica-commitment.ts'

/** Windows of one attempt, each with the digest up to its end and what its provider commits to. */
export interface ReplicaVector {
  name: string
  provider: string
  taskId: string
  attempt: number
  windows: { tokens: number[]; text: string; salt: string; digest: string; commitment: string }[]
}

const CASES: [string, number, [tokens: number[], text: string][]][] = [
  ['an answer of one window', 0, [[[1, 2, 3], 'A shoal']]],
  ['nothing at all', 1, [[[], '']]],
  [
    'three windows, the last one empty',
    255,
    [
      [[5, 23, 24, 255], ' of'],
      [[256, 65_535, 65_536, 2_147_483_647], ' fish \u{1f41f}'],
      [[], ''],
    ],
  ],
]

/** Made by another implementation than the product's: bytes as hexadecimal text, CBOR by hand. */
export function replicaVectors(): ReplicaVector[] {
  return CASES.map(([name, attempt, outputs], place) => {
    const provider = `${place + 1}a`.repeat(32)
    const taskId = `${place + 1}b`.repeat(16)
    let digest = '00'.repeat(32)
    const windows = outputs.map(([tokens, text], window) => {
      const salt = `${window + 1}c`.repeat(32)
      const list = head(4, tokens.length) + tokens.map(token => head(0, token)).join('')
      const bytes = bytesToHex(utf8ToBytes(text))
      digest = hash(digest + head(4, 2) + list + head(3, bytes.length / 2) + bytes)
      const context = bytesToHex(utf8ToBytes('shoal/1/replica\0'))
      const place = attempt.toString(16).padStart(2, '0') + window.toString(16).padStart(8, '0')
      const commitment = hash(context + provider + taskId + place + digest + salt)
      return { tokens, text, salt: `0x${salt}`, digest: `0x${digest}`, commitment: `0x${commitment}` }
    })
    return { name, provider, taskId, attempt, windows }
  })
}

/** What an implementation says in place of a vector's digests and commitments. */
export function commitmentsOf({ provider, taskId, attempt, windows }: ReplicaVector): string[] {
  let digest: `0x${string}` = `0x${'00'.repeat(32)}`
  return windows.flatMap(({ tokens, text, salt }, window) => {
    digest = runningDigest(digest, tokens, text) as `0x${string}`
    const sealed = { provider, taskId, attempt, window, digest, salt: salt as `0x${string}` }
    return [digest, replicaCommitment(sealed)]
  })
}

/** The head of a CBOR item (RFC 8949, section 3), in its shortest form. */
function head(major: number, value: number): string {
  const of = (low: number) => ((major << 5) | low).toString(16).padStart(2, '0')
  if (value < 24) return of(value)
  const size = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : 4
  return of(24 + Math.log2(size)) + value.toString(16).padStart(2 * size, '0')
}

function hash(hex: string): string {
  return bytesToHex(sha256(hexToBytes(hex)))
}
