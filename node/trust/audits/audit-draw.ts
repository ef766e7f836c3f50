import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { CidString } from '../../../protocol/ids.ts'

const TWO_32 = 2 ** 32
const TWO_21 = 2 ** 21

/**
 * Which tasks are audited: a lottery that only this node can foretell, drawn by the receipt, so that the provider cannot
 * know when it signs, and asking again changes nothing.
 */
export class AuditDraw {
  readonly #key: Uint8Array

  /** @param seed of the node key, 32 bytes */
  constructor(seed: Uint8Array) {
    this.#key = sha256(concatBytes(utf8ToBytes('shoal/1/audit-draw'), Uint8Array.of(0), seed))
  }

  /** A number from 0 to below 1: 53 bits of sha2-256(key ‖ 0x00 ‖ receipt). */
  of(receipt: CidString): number {
    const digest = sha256(concatBytes(this.#key, Uint8Array.of(0), utf8ToBytes(receipt)))
    const view = new DataView(digest.buffer, digest.byteOffset)
    return (view.getUint32(0) * TWO_21 + (view.getUint32(4) >>> 11)) / (TWO_32 * TWO_21)
  }

  /** Whether a task is audited that is to be audited with this chance, 0 to 1. */
  isDrawn(receipt: CidString, probability: number): boolean {
    return this.of(receipt) < probability
  }
}
