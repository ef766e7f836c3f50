/** Skein's rotation constants for two 32-bit words, one a round and then again. */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const
/** Makes the third key word, so that no key is all zeroes. */
const PARITY = 0x1bd1_1bda

/**
 * Threefry-2x32 with 20 rounds: a keyed bijection of 64-bit counters, as good as random
 * (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC'11, section 3.3).
 * Known answers of its authors stand in the tests.
 * @param out takes the two words, unsigned
 */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array,
): void {
  const key2 = PARITY ^ key0 ^ key1
  let x0 = (counter0 + key0) | 0
  let x1 = (counter1 + key1) | 0
  for (let group = 0; group < 5; group++) {
    const first = (group & 1) << 2
    for (let round = 0; round < 4; round++) {
      const rotation = ROTATIONS[first + round]!
      x0 = (x0 + x1) | 0
      x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0
    }
    const injected = group + 1
    const a = injected % 3
    const b = (injected + 1) % 3
    x0 = (x0 + (a === 0 ? key0 : a === 1 ? key1 : key2)) | 0
    x1 = (x1 + (b === 0 ? key0 : b === 1 ? key1 : key2) + injected) | 0
  }
  out[0] = x0
  out[1] = x1
}
