const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/**
 * How many bytes at the end begin a UTF-8 character that more bytes could complete (0 to 3), after
 * table 3-7 of the Unicode standard: the bytes a WHATWG decoder would keep for later.
 */
export function openBytes(bytes: Uint8Array): number {
  for (let length = 1; length <= 3 && length <= bytes.length; length++) {
    const lead = bytes[bytes.length - length]!
    if (lead >= 0x80 && lead < 0xc0) continue
    const needed =
      lead >= 0xc2 && lead <= 0xdf
        ? 2
        : lead >= 0xe0 && lead <= 0xef
          ? 3
          : lead >= 0xf0 && lead <= 0xf4
            ? 4
            : 1
    if (needed <= length) return 0
    if (length === 1) return 1
    const second = bytes[bytes.length - length + 1]!
    if (lead === 0xe0 && second < 0xa0) return 0
    if (lead === 0xed && second > 0x9f) return 0
    if (lead === 0xf0 && second < 0x90) return 0
    if (lead === 0xf4 && second > 0x8f) return 0
    return length
  }
  return 0
}

/**
 * Turns pieces of UTF-8, cut anywhere, into text. A character is given out when its last byte is
 * there; one that never becomes whole is never given out. Bytes that are no UTF-8 become U+FFFD.
 */
export class TextStream {
  #open: Uint8Array | null = null

  /** @param piece text of whole characters, or bytes */
  push(piece: string | Uint8Array): string {
    if (this.#open === null && typeof piece === 'string') return piece
    const added = typeof piece === 'string' ? encoder.encode(piece) : piece
    let bytes = added
    if (this.#open !== null) {
      bytes = new Uint8Array(this.#open.length + added.length)
      bytes.set(this.#open)
      bytes.set(added, this.#open.length)
    }
    const open = openBytes(bytes)
    this.#open = open === 0 ? null : bytes.slice(bytes.length - open)
    return decoder.decode(bytes.subarray(0, bytes.length - open))
  }
}
