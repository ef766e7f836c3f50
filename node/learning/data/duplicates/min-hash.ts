/** Hashes a signature has: 12 bands of 5. */
export const BANDS = 12
export const BAND_ROWS = 5
export const SIGNATURE_BYTES = BANDS * BAND_ROWS
/** Words that make one shingle. */
const SHINGLE_WORDS = 3
/** Of fewer words hardly any two that differ are alike. */
const MIN_WORDS = 10

const SEEDS = Uint32Array.from({ length: SIGNATURE_BYTES }, (_, i) => mix((i + 1) * 0x9e3779b9))

/**
 * The MinHash signature of a text (Broder, "On the resemblance and containment of documents", 1997) over shingles of
 * three words, of each hash its lowest 8 bits (b-bit minwise hashing, Li and König, WWW 2010, section 2).
 * @returns 60 bytes, or null for a text too short to be compared
 */
export function signatureOf(words: readonly string[]): Uint8Array | null {
  if (words.length < MIN_WORDS) return null
  const hashes = words.map(hashOf)
  const least = new Uint32Array(SIGNATURE_BYTES).fill(0xffff_ffff)
  for (let i = 0; i + SHINGLE_WORDS <= hashes.length; i++) {
    let shingle = 0
    for (let j = 0; j < SHINGLE_WORDS; j++) shingle = (Math.imul(shingle, 0x01000193) ^ hashes[i + j]!) >>> 0
    for (let k = 0; k < SIGNATURE_BYTES; k++) {
      const hash = mix(shingle ^ SEEDS[k]!)
      if (hash < least[k]!) least[k] = hash
    }
  }
  return Uint8Array.from(least, hash => hash & 0xff)
}

/**
 * How alike two texts are: the estimated share of shingles of either that both have (Jaccard), from 0 to 1. One in
 * 256 of the hashes that differ agrees by chance, which is taken off.
 */
export function likeness(a: Uint8Array, b: Uint8Array, bAt = 0): number {
  let equal = 0
  for (let i = 0; i < SIGNATURE_BYTES; i++) if (a[i] === b[bAt + i]) equal++
  const chance = 1 / 256
  return Math.max(0, (equal / SIGNATURE_BYTES - chance) / (1 - chance))
}

/** FNV-1a, 32 bits. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/** MurmurHash3's finaliser. */
function mix(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
