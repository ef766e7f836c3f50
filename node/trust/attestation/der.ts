import { AttestationError } from './errors.ts'

export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  ia5String: 0x16,
  sequence: 0x30,
  /** `[3]`, constructed: the extensions of a certificate. */
  context3: 0xa3,
} as const

/**
 * Reads DER (X.690, section 10) element by element: one-byte tags, definite lengths in their shortest form.
 * Node has no reader of certificate extensions; this is as much as they need.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Tag of the next element; null at the end. */
  get nextTag(): number | null {
    return this.#bytes[this.#at] ?? null
  }

  /**
   * The content of the next element, which must have this tag, when one is given.
   * @throws {AttestationError} MALFORMED
   */
  read(tag?: number): Uint8Array {
    const found = this.#byte()
    if ((found & 0x1f) === 0x1f || (tag !== undefined && found !== tag)) throw malformed()
    const length = this.#length()
    if (length > this.#bytes.length - this.#at) throw malformed()
    const content = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return content
  }

  /** The same, as a reader of what is inside. */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag))
  }

  /** @throws {AttestationError} MALFORMED when anything is left */
  end(): void {
    if (!this.isDone) throw malformed()
  }

  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count === 0 || count > 3) throw malformed()
    let length = 0
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte()
    const isShortest = length >= 0x80 && length >= 256 ** (count - 1)
    if (!isShortest) throw malformed()
    return length
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw malformed()
    this.#at++
    return byte
  }
}

/**
 * An INTEGER from 0 to 2³¹ - 1, of its content.
 * @throws {AttestationError} MALFORMED
 */
export function derInteger(content: Uint8Array): number {
  const [first = 0xff, second = 0] = content
  const isShortest = content.length === 1 || first !== 0 || second >= 0x80
  if (content.length === 0 || content.length > 4 || first >= 0x80 || !isShortest) throw malformed()
  return content.reduce((value, byte) => value * 256 + byte, 0)
}

/**
 * An object identifier in dots, of its content.
 * @throws {AttestationError} MALFORMED
 */
export function derOid(content: Uint8Array): string {
  const arcs: number[] = []
  let value = 0
  let isOpen = false
  for (const byte of content) {
    if (!isOpen && byte === 0x80) throw malformed()
    value = value * 128 + (byte & 0x7f)
    if (value > 0xffff_ffff) throw malformed()
    isOpen = byte >= 0x80
    if (isOpen) continue
    arcs.push(value)
    value = 0
  }
  const [head] = arcs
  if (head === undefined || isOpen) throw malformed()
  const first = Math.min(2, Math.floor(head / 40))
  return [first, head - 40 * first, ...arcs.slice(1)].join('.')
}

function malformed(): AttestationError {
  return new AttestationError('MALFORMED', 'a certificate is not DER')
}
