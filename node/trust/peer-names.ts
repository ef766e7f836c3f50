import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { type NodeKey, peerIdFromPublicKey, publicKeyFromPeerId } from '../../protocol/ids.ts'
import { TrustError } from './errors.ts'

/** Every Ed25519 PeerId begins so; a beginning must be longer to tell anything. */
const COMMON_BEGINNING = '12D3KooW'
const MAX_NAMED = 4

/**
 * The peer a person means: a whole PeerId, the short form that lists show (`12D3KooW…x7Qa`), or how one ends.
 * @param known whose short names may be used
 * @throws {TrustError} PEER_UNKNOWN, PEER_AMBIGUOUS
 */
export function peerNamed(text: string, known: Iterable<NodeKey>): NodeKey {
  try {
    return bytesToHex(publicKeyFromPeerId(text))
  } catch {
    // Not a whole one.
  }
  const [beginning, end] = /^(.*?)(?:…|\.\.\.)(.*)$/.exec(text)?.slice(1) ?? partOf(text)
  const matches = [...new Set(known)].filter(key => {
    const peerId = peerIdFromPublicKey(hexToBytes(key))
    return peerId.startsWith(beginning ?? '') && peerId.endsWith(end ?? '')
  })
  if (matches.length === 1) return matches[0]!
  if (matches.length === 0) {
    throw new TrustError('PEER_UNKNOWN', `no peer is known by the name ${text}`, {
      fix: 'shoal peers and shoal offers show names; a whole PeerId always works.',
      details: { name: text },
    })
  }
  const named = matches.slice(0, MAX_NAMED).map(key => peerIdFromPublicKey(hexToBytes(key)))
  throw new TrustError('PEER_AMBIGUOUS', `${matches.length} peers go by the name ${text}`, {
    fix: `Write the whole PeerId: ${named.join(', ')}${matches.length > MAX_NAMED ? ', …' : ''}`,
    details: { name: text, peers: named },
  })
}

function partOf(text: string): [beginning: string, end: string] {
  return text.length > COMMON_BEGINNING.length && text.startsWith(COMMON_BEGINNING) ? [text, ''] : ['', text]
}
