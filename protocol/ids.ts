import { base58btc } from 'multiformats/bases/base58'
import { CID } from 'multiformats/cid'
import { MAX_MODEL_NAME_CHARS } from './limits.ts'

/** Ed25519 public key of a node: 64 lower-case hex characters. */
export type NodeKey = string
/** The same key as libp2p writes it: base58btc, `12D3Koo…`. */
export type PeerIdString = string
/** Wallet or contract: `0x` and 40 lower-case hex characters. */
export type Address = string
/** `0x` and 64 lower-case hex characters. */
export type Bytes32 = string
export type ChannelId = Bytes32
/** 128 random bits chosen by the requester: 32 lower-case hex characters. */
export type TaskId = string
/** CIDv1, dag-cbor, sha2-256, base32. */
export type CidString = string
/** `name@sha256:<64 hex>` of the GGUF file. */
export type ModelId = string

export const NODE_KEY_PATTERN = /^[0-9a-f]{64}$/
export const ADDRESS_PATTERN = /^0x[0-9a-f]{40}$/
export const BYTES32_PATTERN = /^0x[0-9a-f]{64}$/
export const TASK_ID_PATTERN = /^[0-9a-f]{32}$/
export const MODEL_ID_PATTERN = new RegExp(
  `^[a-z0-9][a-z0-9._-]{0,${MAX_MODEL_NAME_CHARS - 1}}@sha256:[0-9a-f]{64}$`,
)

/** libp2p's public-key protobuf of an Ed25519 key (type 1, 32 bytes) as an identity multihash. */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/**
 * Converts a node key to its libp2p PeerId (libp2p spec, peer-ids: keys of at most 42 bytes are
 * inlined with the identity hash).
 * @throws {RangeError} when `publicKey` is not 32 bytes
 */
export function peerIdFromPublicKey(publicKey: Uint8Array): PeerIdString {
  if (publicKey.length !== 32) throw new RangeError('an Ed25519 public key has 32 bytes')
  const bytes = new Uint8Array(PEER_ID_PREFIX.length + 32)
  bytes.set(PEER_ID_PREFIX)
  bytes.set(publicKey, PEER_ID_PREFIX.length)
  return base58btc.baseEncode(bytes)
}

/**
 * The Ed25519 public key inlined in a PeerId.
 * @throws {RangeError} when `peerId` is not the PeerId of an Ed25519 key
 */
export function publicKeyFromPeerId(peerId: PeerIdString): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = base58btc.baseDecode(peerId)
  } catch {
    throw new RangeError('not a PeerId')
  }
  const known =
    bytes.length === PEER_ID_PREFIX.length + 32 && PEER_ID_PREFIX.every((byte, i) => bytes[i] === byte)
  if (!known) throw new RangeError('not the PeerId of an Ed25519 key')
  return bytes.slice(PEER_ID_PREFIX.length)
}

/** Splits a model id into its readable name and the digest that alone identifies it. */
export function parseModelId(id: ModelId): { name: string; sha256: string } | null {
  if (!MODEL_ID_PATTERN.test(id)) return null
  const at = id.lastIndexOf('@sha256:')
  return { name: id.slice(0, at), sha256: id.slice(at + '@sha256:'.length) }
}

/** Parses a base32 CIDv1; null when it is anything else. */
export function parseCid(text: string): CID | null {
  try {
    const cid = CID.parse(text)
    return cid.version === 1 && cid.toString() === text ? cid : null
  } catch {
    return null
  }
}
