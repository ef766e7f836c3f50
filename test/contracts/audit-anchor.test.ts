import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import { AbiCoder, concat, keccak256, toBeHex, ZeroHash } from 'ethers'
import { assertEvents, assertReverts } from './assertions.ts'
import { alice, bob, deployShoal, type Shoal } from './test-chain.ts'

type Leaf = [sequence: bigint, eventHash: string]

const ROOT = toBeHex(0xabcn, 32)
const coder = AbiCoder.defaultAbiCoder()

describe('AuditAnchor', () => {
  let shoal: Shoal

  beforeEach(async () => {
    shoal = await deployShoal()
  })

  const anchor = (root: string, first: bigint, last: bigint, from = alice) =>
    shoal.auditAnchor.send(from, 'anchor', root, first, last)

  describe('anchor', () => {
    it('takes ranges that follow each other, from 1 on', async () => {
      const { auditAnchor } = shoal
      assert.equal(await auditAnchor.view('nextSequence', alice.address), 1n)
      const first = await anchor(ROOT, 1n, 5n)
      assertEvents(first, ['Anchored', alice.address, 0n, ROOT, 1n, 5n])
      assert.equal(first.returned, 0n)
      const second = await anchor(ROOT, 6n, 6n)
      assertEvents(second, ['Anchored', alice.address, 1n, ROOT, 6n, 6n])
      assert.equal(second.returned, 1n)
      assert.equal(await auditAnchor.view('anchorCount', alice.address), 2n)
      assert.equal(await auditAnchor.view('nextSequence', alice.address), 7n)
    })

    it('stores root and range hashed together', async () => {
      await anchor(ROOT, 1n, 5n)
      const commitment = keccak256(coder.encode(['bytes32', 'uint64', 'uint64'], [ROOT, 1n, 5n]))
      assert.equal(await shoal.auditAnchor.view('anchorAt', alice.address, 0n), commitment)
    })

    it('refuses gaps, overlaps, and the same anchor again, and names what it expects', async () => {
      await assertReverts(anchor(ROOT, 0n, 1n), 'UnexpectedSequence', 1n, 0n)
      await assertReverts(anchor(ROOT, 2n, 3n), 'UnexpectedSequence', 1n, 2n)
      await anchor(ROOT, 1n, 5n)
      await assertReverts(anchor(ROOT, 1n, 5n), 'UnexpectedSequence', 6n, 1n)
      await assertReverts(anchor(ROOT, 5n, 7n), 'UnexpectedSequence', 6n, 5n)
      await assertReverts(anchor(ROOT, 7n, 8n), 'UnexpectedSequence', 6n, 7n)
    })

    it('refuses an empty range and no root', async () => {
      await assertReverts(anchor(ROOT, 1n, 0n), 'EmptyRange', 1n, 0n)
      await assertReverts(anchor(ZeroHash, 1n, 1n), 'ZeroRoot')
    })

    it('ends at the last number there is', async () => {
      const max = (1n << 64n) - 1n
      await anchor(ROOT, 1n, max)
      await assertReverts(anchor(ROOT, 0n, 1n), 'Panic', ARITHMETIC_OVERFLOW)
    })

    it("keeps each node's log apart", async () => {
      await anchor(ROOT, 1n, 5n)
      await anchor(ROOT, 1n, 2n, bob)
      assert.equal(await shoal.auditAnchor.view('nextSequence', alice.address), 6n)
      assert.equal(await shoal.auditAnchor.view('nextSequence', bob.address), 3n)
    })

    it('says which anchors there are not', async () => {
      await assertReverts(
        shoal.auditAnchor.view('anchorAt', alice.address, 0n),
        'UnknownAnchor',
        alice.address,
        0n,
      )
    })
  })

  describe('verify', () => {
    const leaves = (first: bigint, last: bigint): Leaf[] =>
      Array.from({ length: Number(last - first) + 1 }, (_, index) => [
        first + BigInt(index),
        eventHash(`event ${first + BigInt(index)}`),
      ])
    const treeOf = (values: Leaf[]) => StandardMerkleTree.of(values, ['uint64', 'bytes'])
    const inclusion = (tree: StandardMerkleTree<Leaf>, at: number, range: [bigint, bigint], index = 0n) => {
      const [sequence, hash] = [...tree.entries()].map(([, value]) => value)[at]!
      const proof = tree.getProof(at)
      return { index, firstSequence: range[0], lastSequence: range[1], sequence, eventHash: hash, proof }
    }
    const verify = (proof: object, node = alice.address) =>
      shoal.auditAnchor.view<boolean>('verify', node, proof)

    it('finds every event of every anchor', async () => {
      const ranges: [bigint, bigint][] = [
        [1n, 1n],
        [2n, 8n],
        [9n, 24n],
      ]
      for (const [first, last] of ranges) await anchor(treeOf(leaves(first, last)).root, first, last)
      for (const [index, range] of ranges.entries()) {
        const values = leaves(...range)
        const tree = treeOf(values)
        for (const at of values.keys()) {
          assert.equal(await verify(inclusion(tree, at, range, BigInt(index))), true)
        }
      }
    })

    it('states the leaf as it is', () => {
      const [value] = leaves(3n, 3n)
      const encoded = coder.encode(['uint64', 'bytes'], value!)
      assert.equal(treeOf([value!]).leafHash(value!), keccak256(concat([keccak256(encoded)])))
    })

    it('refuses what does not fit: event, place, range, index, node, proof', async () => {
      const tree = treeOf(leaves(1n, 8n))
      await anchor(tree.root, 1n, 8n)
      const good = inclusion(tree, 2, [1n, 8n])
      assert.equal(await verify(good), true)
      assert.equal(await verify({ ...good, eventHash: eventHash('another') }), false)
      assert.equal(await verify({ ...good, eventHash: good.eventHash.slice(0, -2) }), false)
      assert.equal(await verify({ ...good, eventHash: `${good.eventHash}00` }), false)
      assert.equal(await verify({ ...good, eventHash: '0x' }), false)
      assert.equal(await verify({ ...good, sequence: 4n }), false)
      assert.equal(await verify({ ...good, firstSequence: 2n }), false)
      assert.equal(await verify({ ...good, lastSequence: 9n }), false)
      assert.equal(await verify({ ...good, index: 1n }), false)
      assert.equal(await verify(good, bob.address), false)
      assert.equal(await verify({ ...good, proof: [] }), false)
      assert.equal(await verify({ ...good, proof: good.proof.slice(1) }), false)
      assert.equal(await verify({ ...good, proof: [...good.proof, ZeroHash] }), false)
    })

    it('refuses an event that a tree holds outside of its range', async () => {
      const stray: Leaf = [3n, eventHash('a second event 3')]
      const tree = treeOf([...leaves(4n, 5n), stray])
      await anchor(treeOf(leaves(1n, 3n)).root, 1n, 3n)
      await anchor(tree.root, 4n, 5n)
      const strayAt = [...tree.entries()].find(([, [sequence]]) => sequence === 3n)![0]
      assert.equal(await verify(inclusion(tree, strayAt, [4n, 5n], 1n)), false)
      assert.equal(await verify(inclusion(tree, strayAt, [3n, 5n], 1n)), false)
    })

    it('does not take an inner node for a leaf', async () => {
      const tree = treeOf(leaves(1n, 4n))
      await anchor(tree.root, 1n, 4n)
      const { tree: nodes } = tree.dump()
      const inner = concat([nodes[3]!, nodes[4]!])
      assert.equal(
        await verify({
          index: 0n,
          firstSequence: 1n,
          lastSequence: 4n,
          sequence: 1n,
          eventHash: inner,
          proof: [nodes[2]!],
        }),
        false,
      )
    })
  })
})

/** Solidity's code for a sum that does not fit. */
const ARITHMETIC_OVERFLOW = 0x11n

function eventHash(text: string): string {
  return `0x${createHash('sha3-512').update(text).digest('hex')}`
}
