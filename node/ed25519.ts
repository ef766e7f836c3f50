import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { hasAcceptablePoints, type NodeSigner, type VerifyEd25519 } from '../protocol/identity.ts'

/** DER heads of Ed25519 keys (RFC 8410 §4 and §7); the 32 key bytes follow. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex')
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * `verifyEd25519` by OpenSSL, some twenty times as fast: the strictness OpenSSL lacks (canonical points of
 * no small order) is checked first, the rest (S < L, the cofactorless equation) is its own. Gives the same
 * answer on every vector in `test/vectors/ed25519.json`.
 */
export const verifyEd25519Natively: VerifyEd25519 = (signature, message, publicKey) => {
  if (!hasAcceptablePoints(signature, publicKey)) return false
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, publicKey]), format: 'der', type: 'spki' })
  } catch {
    return false
  }
  return verify(null, message, key, signature)
}

/** `createNodeSigner` by OpenSSL; Ed25519 is deterministic, so both give the same signatures. */
export function createNativeNodeSigner(seed: Uint8Array): NodeSigner {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' })
  return {
    publicKey: new Uint8Array(createPublicKey(key).export({ format: 'der', type: 'spki' })).slice(
      SPKI_HEAD.length,
    ),
    sign: message => new Uint8Array(sign(null, message, key)),
  }
}
