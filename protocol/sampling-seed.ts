import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Bytes32, TaskId } from './ids.ts'

const SEED_CONTEXT = utf8ToBytes('shoal/1/sampling-seed\0')
const NUMBER_CONTEXT = utf8ToBytes('shoal/1/sampling-number\0')
const TASK_ID_BYTES = 16
const NO_TASK = new Uint8Array(TASK_ID_BYTES)

/**
 * The seed with which a task's output is sampled:
 * sha2-256("shoal/1/sampling-seed" ‖ 0x00 ‖ nonce ‖ task id), 32 and 16 bytes. Both are the requester's choice,
 * so that the provider cannot search for a seed under which another model's output would pass for this one's.
 * @param nonce the requester's 256 random bits
 * @param taskId null (16 zero bytes) where the same output is wanted again under another task id
 * @param digest sha2-256, where there is a quicker one
 */
export function samplingSeed(
  nonce: Bytes32,
  taskId: TaskId | null,
  digest: (bytes: Uint8Array) => Uint8Array = sha256,
): Bytes32 {
  const task = taskId === null ? NO_TASK : hexToBytes(taskId)
  return `0x${bytesToHex(digest(concatBytes(SEED_CONTEXT, hexToBytes(nonce.slice(2)), task)))}`
}

/**
 * The nonce of a seed that a person gave as a number, as of `--seed` and of OpenAI's `seed`:
 * sha2-256("shoal/1/sampling-number" ‖ 0x00 ‖ the number as 8 bytes, big-endian, two's complement).
 * @throws {RangeError} unless it is a safe integer
 */
export function nonceOfSeed(seed: number): Bytes32 {
  if (!Number.isSafeInteger(seed)) throw new RangeError('a seed is a whole number')
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigInt64(0, BigInt(seed))
  return `0x${bytesToHex(sha256(concatBytes(NUMBER_CONTEXT, bytes)))}`
}
