import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { NODE_KEY_PATTERN, peerIdFromPublicKey } from '../../protocol/ids.ts'
import { formatCredits } from '../../protocol/money.ts'
import type { JsonValue } from './event.ts'

/** Fields that name nodes. */
const NODES: ReadonlySet<string> = new Set([
  'peer',
  'provider',
  'requester',
  'from',
  'juror',
  'auditor',
  'agreed',
  'differed',
  'dissenting',
])

/** Something of ours as JSON that people read: amounts as decimal credits, nodes as PeerIds, bytes as hex. */
export function jsonOf(value: object): { [key: string]: JsonValue } {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]: [string, unknown]) =>
      field === undefined ? [] : [[key, fieldOf(field, NODES.has(key))]],
    ),
  )
}

function fieldOf(value: unknown, isNode: boolean): JsonValue {
  if (typeof value === 'bigint') return formatCredits(value)
  if (typeof value === 'string') {
    return isNode && NODE_KEY_PATTERN.test(value) ? peerIdFromPublicKey(hexToBytes(value)) : value
  }
  if (value === null || typeof value !== 'object') return value as JsonValue
  if (value instanceof Uint8Array) return bytesToHex(value)
  if (Array.isArray(value)) return value.map(item => fieldOf(item, isNode))
  return jsonOf(value)
}
