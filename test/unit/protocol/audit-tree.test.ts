import assert from 'node:assert/strict'
import { hexToBytes } from '@noble/hashes/utils.js'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import fc from 'fast-check'
import { auditLeafHash, auditRootOf } from '../../../protocol/audit-tree.ts'
import { MAX_PROOF_STEPS } from '../../../protocol/limits.ts'
import { AUDIT_LEAF_TYPES } from '../../../protocol/messages/audit-event.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(b => `0x${Buffer.from(b).toString('hex')}`)
const events = fc.array(fc.record({ eventHash: hex(64), claim: hex(32) }), { minLength: 1, maxLength: 20 })

describe('audit tree', () => {
  it('leads every event to the root that the standard tree has', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), events, (first, entries) => {
        const tree = StandardMerkleTree.of(
          entries.map(({ eventHash, claim }, i) => [BigInt(first + i), eventHash, claim]),
          [...AUDIT_LEAF_TYPES],
          { sortLeaves: false },
        )
        entries.forEach(({ eventHash, claim }, i) => {
          const leaf = auditLeafHash({
            sequence: first + i,
            eventHash: hexToBytes(eventHash.slice(2)),
            claim,
          })
          assert.equal(auditRootOf(leaf, tree.getProof(i)), tree.root)
          const other = auditLeafHash({
            sequence: first + i + 1,
            eventHash: hexToBytes(eventHash.slice(2)),
            claim,
          })
          assert.notEqual(auditRootOf(other, tree.getProof(i)), tree.root)
        })
      }),
      { numRuns: 30 },
    )
  })

  it('refuses what is no hash, no sequence and no proof', () => {
    const claim = `0x${'00'.repeat(32)}`
    assert.throws(() => auditLeafHash({ sequence: 1, eventHash: new Uint8Array(32), claim }), RangeError)
    assert.throws(() => auditLeafHash({ sequence: -1, eventHash: new Uint8Array(64), claim }), RangeError)
    assert.throws(() => auditRootOf(claim, Array(MAX_PROOF_STEPS + 1).fill(claim)), RangeError)
  })
})
