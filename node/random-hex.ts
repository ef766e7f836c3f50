import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 4_096

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * Random bytes of the system's generator as hex, without `0x`: names and nonces that nobody is to guess. Many are taken
 * from it at once, since a call for each takes longer than all else that is done with it; none is given out twice or kept.
 * @param bytes at most 64
 */
export function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const taken = pool.subarray(used, used + bytes)
  used += bytes
  const hex = taken.toString('hex')
  taken.fill(0)
  return hex
}
