/** Pieces of a secret this long are found, wherever they were cut from it. */
const PIECE_CHARS = 12

type Encoding = (text: string) => Buffer[]

/** How a text may be written. Base64 depends on where in a group of three bytes it begins. */
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  plain: text => [Buffer.from(text)],
  'upper case': text => [Buffer.from(text.toUpperCase())],
  'lower case': text => [Buffer.from(text.toLowerCase())],
  base64: text => [0, 1, 2].map(shift => base64Core(text, shift)),
  base64url: text =>
    [0, 1, 2].map(shift =>
      Buffer.from(base64Core(text, shift).toString().replaceAll('+', '-').replaceAll('/', '_')),
    ),
  hex: text => [Buffer.from(Buffer.from(text).toString('hex'))],
  HEX: text => [Buffer.from(Buffer.from(text).toString('hex').toUpperCase())],
  'UTF-16LE': text => [Buffer.from(text, 'utf16le')],
  'UTF-16BE': text => [Buffer.from(text, 'utf16le').swap16()],
  reversed: text => [Buffer.from([...text].reverse().join(''))],
}

/** What does not depend on what stands before and after. */
function base64Core(text: string, shift: number): Buffer {
  const bytes = Buffer.from(text)
  const whole = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
  const first = Math.ceil((shift * 8) / 6)
  const last = Math.floor(((shift + bytes.length) * 8) / 6)
  return Buffer.from(whole.slice(first, last))
}

/** Finds pieces of secrets in bytes, in any of the usual encodings. */
export class LeakSearch {
  /** Needles by their first two bytes. */
  readonly #needles: { needle: Buffer; what: string }[][] = Array.from({ length: 65_536 }, () => [])

  /** @param secrets texts of at least 12 characters, and bytes, of which each 16 are a piece */
  constructor(secrets: readonly (string | Uint8Array)[]) {
    for (const secret of secrets) {
      if (typeof secret !== 'string') {
        for (let at = 0; at + 16 <= secret.length; at += 16)
          this.#add(Buffer.from(secret.subarray(at, at + 16)), `bytes at ${at}`)
        continue
      }
      for (let at = 0; at + PIECE_CHARS <= secret.length; at++)
        for (const [encoding, encode] of Object.entries(ENCODINGS))
          for (const needle of encode(secret.slice(at, at + PIECE_CHARS)))
            this.#add(needle, `${JSON.stringify(secret.slice(at, at + PIECE_CHARS))} as ${encoding}`)
    }
  }

  /** What was found, once each. */
  in(bytes: Uint8Array): string[] {
    const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const found = new Set<string>()
    for (let at = 0; at + 1 < haystack.length; at++) {
      const candidates = this.#needles[haystack[at]! | (haystack[at + 1]! << 8)]!
      for (const { needle, what } of candidates)
        if (haystack.subarray(at, at + needle.length).equals(needle)) found.add(what)
    }
    return [...found]
  }

  #add(needle: Buffer, what: string): void {
    // Zeros are everywhere.
    if (needle.every(byte => byte === needle[0])) return
    const place = this.#needles[needle[0]! | (needle[1]! << 8)]!
    if (!place.some(known => known.needle.equals(needle))) place.push({ needle, what })
  }
}
