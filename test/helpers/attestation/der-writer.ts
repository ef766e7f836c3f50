import { DER } from '../../../node/trust/attestation/der.ts'

/** Writes as much DER as certificates need. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

export const sequence = (...parts: readonly Uint8Array[]) => element(DER.sequence, ...parts)
export const octets = (bytes: Uint8Array) => element(DER.octetString, bytes)
export const flag = (value: boolean) => element(DER.boolean, Buffer.from([value ? 0xff : 0]))
export const bits = (bytes: Uint8Array, unused = 0) => element(DER.bitString, Buffer.from([unused]), bytes)
export const nothing = () => element(0x05)

export function integer(value: number): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return element(DER.integer, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [40 * first + second, ...rest].flatMap(arc => {
    const septets = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      septets.unshift((left & 0x7f) | 0x80)
    return septets
  })
  return element(DER.oid, Buffer.from(bytes))
}

/** GeneralizedTime. */
export function time(atMs: number): Buffer {
  const text = `${new Date(atMs).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}Z`
  return element(0x18, Buffer.from(text))
}

/** A name that is a common name and nothing else. */
export function commonName(text: string): Buffer {
  return sequence(element(0x31, sequence(oid('2.5.4.3'), element(0x0c, Buffer.from(text)))))
}
