import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { encodeCanonical } from './codec.ts'
import type { Bytes32, NodeKey, TaskId } from './ids.ts'
import { FIRST_SEALED_WINDOW_TOKENS, MAX_SEALED_WINDOW_TOKENS } from './limits.ts'

/*
 * In the SLA classes A and S several operators do the same work, and their answers are compared. Each commits to a window of its output
 * before any of them shows that window: who waits for the others' output to copy it has nothing to commit to, and
 * who commits to something else cannot open it.
 */

const COMMITMENT_CONTEXT = utf8ToBytes('shoal/1/replica\0')

/** The running digest before the first window of an attempt. */
export const NO_OUTPUT_DIGEST: Bytes32 = `0x${'00'.repeat(32)}`

/** What a replica commits to. */
export interface ReplicaWindow {
  /** Who commits: somebody else's commitment opens under no other key. */
  provider: NodeKey
  taskId: TaskId
  /** 0 to 255. */
  attempt: number
  /** Place among the attempt's windows, from 0. */
  window: number
  /** `runningDigest` up to the window's end. */
  digest: Bytes32
  /** 256 random bits, so that nobody finds a short window by trying. */
  salt: Bytes32
}

/**
 * Where the sealed window ends that begins at a position of the answer, in tokens from its start (those of earlier attempts counted). The same for
 * all replicas, wherever they joined: 4, 12, 28, 60 and from there on every 32.
 */
export function sealedWindowEnd(position: number): number {
  let end = FIRST_SEALED_WINDOW_TOKENS
  let size = FIRST_SEALED_WINDOW_TOKENS
  while (end <= position && size < MAX_SEALED_WINDOW_TOKENS) {
    size = Math.min(2 * size, MAX_SEALED_WINDOW_TOKENS)
    end += size
  }
  if (end > position) return end
  return end + MAX_SEALED_WINDOW_TOKENS * (Math.floor((position - end) / MAX_SEALED_WINDOW_TOKENS) + 1)
}

/**
 * Digest of an attempt's output up to the end of a window: sha2-256(digest before ‖ DAG-CBOR of `[tokens, text]` of the
 * window). Whoever opens a window stays bound to all before it.
 * @param before `NO_OUTPUT_DIGEST` for the first window
 */
export function runningDigest(before: Bytes32, tokens: readonly number[], text: string): Bytes32 {
  const bytes = concatBytes(bytesOf(before), encodeCanonical([tokens, text]))
  return `0x${bytesToHex(sha256(bytes))}`
}

/**
 * sha2-256("shoal/1/replica" ‖ 0x00 ‖ node key ‖ task id ‖ attempt ‖ window ‖ digest ‖ salt): 32, 16, 1, 4 (big-endian), 32 and 32 bytes.
 * @throws {RangeError} where attempt or window do not fit
 */
export function replicaCommitment(sealed: ReplicaWindow): Bytes32 {
  const { provider, taskId, attempt, window, digest, salt } = sealed
  if (!isWhole(attempt, 0xff) || !isWhole(window, 0xffff_ffff))
    throw new RangeError('an attempt is one byte, a window four')
  const numbers = new Uint8Array(5)
  const view = new DataView(numbers.buffer)
  view.setUint8(0, attempt)
  view.setUint32(1, window)
  const bytes = concatBytes(
    COMMITMENT_CONTEXT,
    hexToBytes(provider),
    hexToBytes(taskId),
    numbers,
    bytesOf(digest),
    bytesOf(salt),
  )
  return `0x${bytesToHex(sha256(bytes))}`
}

function bytesOf(hex: Bytes32): Uint8Array {
  return hexToBytes(hex.slice(2))
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max
}
