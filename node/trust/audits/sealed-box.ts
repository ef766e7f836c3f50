import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Encrypts what lies on this node's disk with a key of its own: AES-256-GCM (NIST SP 800-38D) with a random nonce,
 * laid out as `nonce(12) ‖ ciphertext ‖ tag(16)`.
 */
export class SealedBox {
  readonly #key: Uint8Array

  /**
   * @param purpose tells this box's key from those of other boxes, as `task-archive`
   * @param seed of the node key, 32 bytes
   */
  constructor(purpose: string, seed: Uint8Array) {
    this.#key = sha256(concatBytes(utf8ToBytes(`shoal/1/${purpose}`), Uint8Array.of(0), seed))
  }

  /** @param name of what is sealed: it opens under no other */
  seal(name: string, content: Uint8Array): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(utf8ToBytes(name))
    return concatBytes(nonce, cipher.update(content), cipher.final(), cipher.getAuthTag())
  }

  /** @throws {Error} when it was sealed under another name or key, or has been changed */
  open(name: string, sealed: Uint8Array): Uint8Array {
    const end = sealed.length - TAG_BYTES
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(utf8ToBytes(name))
      .setAuthTag(sealed.subarray(end))
    return concatBytes(decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final())
  }
}
