import { getPublicKey, hashes, Point, sign } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'

hashes.sha512 = sha512

/** Signs with a node key. Held by whoever composes a node; the secret never leaves it. */
export interface NodeSigner {
  readonly publicKey: Uint8Array
  /** Ed25519 signature (64 bytes) of `message`. */
  sign(message: Uint8Array): Uint8Array
}

/** Checks an Ed25519 signature by the rules of `verifyEd25519`; injected so that a node may use a faster one. */
export type VerifyEd25519 = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean

/** Order of the prime subgroup (RFC 8032 §5.1). */
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 255n - 19n

/**
 * A signer over a 32-byte Ed25519 seed.
 * @throws {RangeError} when the seed does not have 32 bytes
 */
export function createNodeSigner(seed: Uint8Array): NodeSigner {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes')
  const secret = seed.slice()
  return {
    publicKey: getPublicKey(secret),
    sign: message => sign(message, secret),
  }
}

/**
 * Verifies an Ed25519 signature by one strict rule, the same in every implementation of Shoal:
 * the public key and R must be canonical and not of small order, S < L, and the cofactorless equation
 * encode(S·B − k·A) = R must hold byte for byte (RFC 8032 §5.1.7, its stricter reading). So a
 * signature cannot be altered into another valid one, and no key verifies arbitrary messages.
 * @returns false on every malformed input; never throws
 */
export const verifyEd25519: VerifyEd25519 = (signature, message, publicKey) => {
  if (!hasAcceptablePoints(signature, publicKey)) return false
  const s = littleEndian(signature.subarray(32))
  if (s >= L) return false
  let keyPoint: Point
  try {
    keyPoint = Point.fromBytes(publicKey)
  } catch {
    return false
  }
  const r = signature.subarray(0, 32)
  const k = littleEndian(sha512(concatBytes(r, publicKey, message))) % L
  const expected = Point.BASE.multiply(s, false).add(keyPoint.negate().multiply(k, false)).toBytes()
  return expected.every((byte, i) => byte === r[i])
}

/**
 * The part of the rule that faster verifiers lack: lengths, and that the key and R are canonical
 * encodings (y < p) of none of the eight points of small order. Says nothing of lying on the curve.
 */
export function hasAcceptablePoints(signature: Uint8Array, publicKey: Uint8Array): boolean {
  return (
    signature.length === 64 &&
    publicKey.length === 32 &&
    isAcceptable(publicKey) &&
    isAcceptable(signature.subarray(0, 32))
  )
}

function isAcceptable(point: Uint8Array): boolean {
  const y = littleEndian(point) & (2n ** 255n - 1n)
  return y < P && !SMALL_ORDER_Y.has(y)
}

/** The y coordinates of the points of order 1, 2, 4 and 8; either sign of x gives small order. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  P - 2707385501144840649318225287225658788936804267575313519463743609750303402022n,
])

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!)
  return value
}
