import type { Bytes32 } from '../../protocol/ids.ts'
import { nonceOfSeed, samplingSeed } from '../../protocol/sampling-seed.ts'

/** An engine's seed, one for each number. */
export function seedOf(number: number): Bytes32 {
  return samplingSeed(nonceOfSeed(number), null)
}
