import { createHash, timingSafeEqual } from 'node:crypto'

/** Makes so many unpredictable bytes. */
export type RandomBytes = (count: number) => Uint8Array

/** SHA-256 in hex. Secrets of ours have 256 bits, so that nothing slower is needed to guard them. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

/** Whether two texts of the same kind are the same, in a time that does not tell where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

const LETTERS = '0123456789abcdefghijklmnopqrstuvwxyz'

/** A name of letters and digits that nobody has to keep secret; 12 have 62 bits. */
export function randomName(length: number, random: RandomBytes): string {
  let name = ''
  while (name.length < length) {
    for (const byte of random(length * 2)) {
      // Others would come more often.
      if (byte < 252 && name.length < length) name += LETTERS[byte % 36]
    }
  }
  return name
}
