import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { z } from 'zod'
import {
  BLOB_CHUNK_BYTES,
  blobRefSchema,
  chunkCount,
  chunkLength,
  chunksRoot,
  MAX_BLOB_BYTES,
} from '../../../protocol/messages/learning/blob-ref.ts'

describe('references to blobs', () => {
  it('have chunks that are all of the blob', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_BLOB_BYTES }), bytes => {
        const count = chunkCount(bytes)
        const last = chunkLength(bytes, count - 1)
        assert.ok(last >= 1 && last <= BLOB_CHUNK_BYTES)
        assert.equal((count - 1) * BLOB_CHUNK_BYTES + last, bytes)
      }),
    )
  })

  it('bind the length and every chunk to the root', () => {
    const list = Buffer.from('0123456789abcdef0123456789abcdef'.repeat(2))
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(300_000n)
    const expected = createHash('sha256').update('shoal/1/chunks\0').update(length).update(list).digest('hex')
    assert.equal(chunksRoot(300_000, list), `0x${expected}`)
    assert.notEqual(chunksRoot(300_001, list), `0x${expected}`)
  })

  it('are refused where they name nothing that can be fetched', () => {
    const digest = new Uint8Array(32)
    const wire = { digest, bytes: 1, root: digest }
    assert.deepEqual(z.decode(blobRefSchema, wire as never), {
      ...{ digest: `sha256:${'00'.repeat(32)}`, bytes: 1, root: `0x${'00'.repeat(32)}` },
    })
    for (const change of [
      { bytes: 0 },
      { bytes: MAX_BLOB_BYTES + 1 },
      { bytes: 1.5 },
      { digest: new Uint8Array(31) },
      { root: new Uint8Array(33) },
      { more: 1 },
    ])
      assert.equal(z.safeDecode(blobRefSchema, { ...wire, ...change } as never).success, false)
  })
})
