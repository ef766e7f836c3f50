import fc from 'fast-check'

/** Order of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

/** So many random bytes as `0x…`. */
export function hexBytes(count: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: count, maxLength: count })
    .map(bytes => `0x${Buffer.from(bytes).toString('hex')}`)
}

/**
 * What a valid signature can be turned into without its key: forms that some libraries take and Settlement
 * does not, and forms that nobody should take.
 */
export function badSignatures(signature: string): [what: string, signature: string][] {
  const r = signature.slice(2, 66)
  const s = signature.slice(66, 130)
  const v = Number.parseInt(signature.slice(130), 16)
  const word = (value: bigint) => value.toString(16).padStart(64, '0')
  const byte = (value: number) => value.toString(16).padStart(2, '0')
  const highS = word(ORDER - BigInt(`0x${s}`))
  const compactS = word(BigInt(`0x${s}`) | (v === 28 ? 1n << 255n : 0n))
  return [
    ['high s with the other parity (malleable)', `0x${r}${highS}${byte(v === 27 ? 28 : 27)}`],
    ['high s', `0x${r}${highS}${byte(v)}`],
    ['the other parity', `0x${r}${s}${byte(v === 27 ? 28 : 27)}`],
    ['parity as 0 or 1', `0x${r}${s}${byte(v - 27)}`],
    ['parity as EIP-155 has it', `0x${r}${s}${byte(v + 8)}`],
    ['parity as EIP-155 has it on chain 1', `0x${r}${s}${byte(v + 10)}`],
    ['parity as EIP-155 has it on chain 109', `0x${r}${s}${byte(v + 226)}`],
    ['parity 29', `0x${r}${s}1d`],
    ['parity 255', `0x${r}${s}ff`],
    ['the compact form of 64 bytes', `0x${r}${compactS}`],
    ['a byte too few', `0x${r}${s}`],
    ['a byte too many', `${signature}00`],
    ['r of zero', `0x${word(0n)}${s}${byte(v)}`],
    ['s of zero', `0x${r}${word(0n)}${byte(v)}`],
    ['r beyond the order', `0x${word(ORDER)}${s}${byte(v)}`],
    ['all zero', `0x${'00'.repeat(65)}`],
    ['all ones', `0x${'ff'.repeat(65)}`],
    ['nothing', '0x'],
    ['an empty text', ''],
    ['no hex', `0x${'zz'.repeat(65)}`],
    ['no prefix', signature.slice(2)],
  ]
}
