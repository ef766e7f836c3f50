import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ShoalError } from '../protocol/errors.ts'
import { writePrivateFile } from './data-dir.ts'

export type IdentityErrorCode = 'NODE_KEY_INVALID'

export class IdentityError extends ShoalError<IdentityErrorCode> {
  override readonly name = 'IdentityError'
}

/**
 * Reads the node key, an Ed25519 private key in PKCS #8 PEM (RFC 8410), or makes one at the first start.
 * @returns the 32-byte seed, and whether it is new
 * @throws {IdentityError} NODE_KEY_INVALID
 */
export async function loadOrCreateNodeKey(path: string): Promise<{ seed: Uint8Array; created: boolean }> {
  let pem: string
  try {
    pem = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    await writePrivateFile(path, pem)
    return { seed: seedOf(pem, path), created: true }
  }
  return { seed: seedOf(pem, path), created: false }
}

function seedOf(pem: string, path: string): Uint8Array {
  try {
    const { kty, crv, d } = createPrivateKey(pem).export({ format: 'jwk' })
    if (kty === 'OKP' && crv === 'Ed25519' && d !== undefined)
      return new Uint8Array(Buffer.from(d, 'base64url'))
  } catch {
    // Told below, without the file's content.
  }
  throw new IdentityError('NODE_KEY_INVALID', `${path} holds no Ed25519 private key`, {
    fix: 'Restore it from a backup, or move it away: a new key is made at the next start, and your wallet can be bound to it.',
    details: { path },
  })
}
