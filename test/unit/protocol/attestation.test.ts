import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { attestationData, attestationNonce } from '../../../protocol/attestation.ts'

const challenge = { nodeKey: '77'.repeat(32), nonce: `0x${'5a'.repeat(32)}` }

describe('what evidence is made for', () => {
  it('is a hash of its purpose, of node key and nonce', () => {
    const nonce = createHash('sha256').update('shoal/1/attestation-nonce\0').update(Buffer.alloc(32, 0x5a))
    assert.deepEqual(Buffer.from(attestationNonce(challenge)), nonce.digest())
    const data = createHash('sha512')
      .update('shoal/1/attestation\0')
      .update(Buffer.alloc(32, 0x77))
      .update(Buffer.alloc(32, 0x5a))
    assert.deepEqual(Buffer.from(attestationData(challenge)), data.digest())
  })
})
