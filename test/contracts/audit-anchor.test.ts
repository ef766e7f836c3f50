import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import {
  AbiCoder,
  concat,
  keccak256,
  Signature,
  TypedDataEncoder,
  toBeHex,
  type Wallet,
  ZeroHash,
} from 'ethers'
import { auditTree } from '../../node/auditlog/merkle.ts'
import { AUDIT_LEAF_TYPES } from '../../protocol/messages/audit-event.ts'
import {
  AUDIT_ANCHOR_DOMAIN_NAME,
  AUDIT_ANCHOR_DOMAIN_VERSION,
  auditAnchorDomainSeparator,
  ROOT_TYPES,
  rootDigest,
} from '../../protocol/typed-data.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { auditAnchorFixture } from './fixtures/audit-anchor.ts'
import { alice, bob, carol, type TestChain, type TestContract } from './test-chain.ts'

type Value = [sequence: bigint, eventHash: string, claim: string]
type Tree = StandardMerkleTree<Value>
type Range = [root: string, firstSequence: bigint, lastSequence: bigint]
type Ref = [index: bigint, range: Range, anchoredAt: bigint]

const ROOT = toBeHex(0xabcn, 32)
const MAX_SEQUENCE = (1n << 64n) - 1n
const MAX_BATCH = 256
const coder = AbiCoder.defaultAbiCoder()
/** As in IAuditAnchor. */
const OUTCOME = { anchored: 0n, zeroRoot: 1n, unexpectedSequence: 2n, emptyRange: 3n, badSignature: 4n }

describe('AuditAnchor', () => {
  let chain: TestChain
  let auditAnchor: TestContract

  beforeEach(async () => {
    ;({ chain, auditAnchor } = await auditAnchorFixture())
  })

  const anchor = (root: string, first: bigint, last: bigint, from = alice) =>
    auditAnchor.send(from, 'anchor', root, first, last)

  const sign = (
    wallet: Wallet,
    range: Range,
    changes: { node?: string; chainId?: number; contract?: string } = {},
  ) =>
    wallet.signTypedData(
      {
        name: AUDIT_ANCHOR_DOMAIN_NAME,
        version: AUDIT_ANCHOR_DOMAIN_VERSION,
        chainId: changes.chainId ?? chain.chainId,
        verifyingContract: changes.contract ?? auditAnchor.address,
      },
      ROOT_TYPES,
      {
        node: changes.node ?? wallet.address,
        root: range[0],
        firstSequence: range[1],
        lastSequence: range[2],
      },
    )

  const signed = async (wallet: Wallet, range: Range) => [wallet.address, range, await sign(wallet, range)]

  describe('anchor', () => {
    it('takes ranges that follow each other, from 1 on', async () => {
      assert.equal(await auditAnchor.view('nextSequence', alice.address), 1n)
      const first = await anchor(ROOT, 1n, 5n)
      assertEvents(first, ['Anchored', alice.address, 0n, ROOT, 1n, 5n, BigInt(chain.now)])
      assert.equal(first.returned, 0n)
      chain.now += 60
      const second = await anchor(ROOT, 6n, 6n)
      assertEvents(second, ['Anchored', alice.address, 1n, ROOT, 6n, 6n, BigInt(chain.now)])
      assert.equal(second.returned, 1n)
      assert.equal(await auditAnchor.view('anchorCount', alice.address), 2n)
      assert.equal(await auditAnchor.view('nextSequence', alice.address), 7n)
    })

    it('stores root, range and time hashed together', async () => {
      await anchor(ROOT, 1n, 5n)
      const commitment = keccak256(
        coder.encode(['bytes32', 'uint64', 'uint64', 'uint48'], [ROOT, 1n, 5n, chain.now]),
      )
      assert.equal(await auditAnchor.view('anchorAt', alice.address, 0n), commitment)
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
      await anchor(ROOT, 1n, MAX_SEQUENCE)
      assert.equal(await auditAnchor.view('nextSequence', alice.address), 0n)
      await assertReverts(anchor(ROOT, 0n, 1n), 'UnexpectedSequence', 0n, 0n)
      await assertReverts(anchor(ROOT, 1n, 1n), 'UnexpectedSequence', 0n, 1n)
      await assertReverts(anchor(ROOT, MAX_SEQUENCE, MAX_SEQUENCE), 'UnexpectedSequence', 0n, MAX_SEQUENCE)
    })

    it("keeps each node's log apart", async () => {
      await anchor(ROOT, 1n, 5n)
      await anchor(ROOT, 1n, 2n, bob)
      assert.equal(await auditAnchor.view('nextSequence', alice.address), 6n)
      assert.equal(await auditAnchor.view('nextSequence', bob.address), 3n)
    })

    it('says which anchors there are not', async () => {
      await assertReverts(auditAnchor.view('anchorAt', alice.address, 0n), 'UnknownAnchor', alice.address, 0n)
    })
  })

  describe('anchorMany', () => {
    const anchorMany = (...entries: unknown[]) => auditAnchor.send(carol, 'anchorMany', entries)

    it('anchors for many nodes, and several ranges of one', async () => {
      const at = BigInt(chain.now)
      const result = await anchorMany(
        await signed(alice, [ROOT, 1n, 3n]),
        await signed(bob, [ROOT, 1n, 9n]),
        await signed(alice, [toBeHex(2n, 32), 4n, 4n]),
      )
      assert.deepEqual(
        [...(result.returned as bigint[])],
        [OUTCOME.anchored, OUTCOME.anchored, OUTCOME.anchored],
      )
      assertEvents(
        result,
        ['Anchored', alice.address, 0n, ROOT, 1n, 3n, at],
        ['Anchored', bob.address, 0n, ROOT, 1n, 9n, at],
        ['Anchored', alice.address, 1n, toBeHex(2n, 32), 4n, 4n, at],
      )
      assert.equal(await auditAnchor.view('nextSequence', alice.address), 5n)
      assert.equal(await auditAnchor.view('nextSequence', carol.address), 1n)
    })

    it('skips what is bad, says why, and anchors the rest', async () => {
      const range: Range = [ROOT, 1n, 3n]
      const result = await anchorMany(
        await signed(alice, [ZeroHash, 1n, 3n]),
        await signed(alice, [ROOT, 2n, 3n]),
        await signed(alice, [ROOT, 1n, 0n]),
        [alice.address, range, await sign(bob, range, { node: alice.address })],
        [alice.address, range, '0x'],
        await signed(alice, range),
        await signed(alice, range),
      )
      assert.deepEqual(
        [...(result.returned as bigint[])],
        [
          OUTCOME.zeroRoot,
          OUTCOME.unexpectedSequence,
          OUTCOME.emptyRange,
          OUTCOME.badSignature,
          OUTCOME.badSignature,
          OUTCOME.anchored,
          OUTCOME.unexpectedSequence,
        ],
      )
      assertEvents(
        result,
        ['AnchorSkipped', alice.address, 0n, OUTCOME.zeroRoot],
        ['AnchorSkipped', alice.address, 1n, OUTCOME.unexpectedSequence],
        ['AnchorSkipped', alice.address, 2n, OUTCOME.emptyRange],
        ['AnchorSkipped', alice.address, 3n, OUTCOME.badSignature],
        ['AnchorSkipped', alice.address, 4n, OUTCOME.badSignature],
        ['Anchored', alice.address, 0n, ROOT, 1n, 3n, BigInt(chain.now)],
        ['AnchorSkipped', alice.address, 6n, OUTCOME.unexpectedSequence],
      )
    })

    it('takes nothing signed for another chain, contract, node or range, nor a malleable signature', async () => {
      const range: Range = [ROOT, 1n, 3n]
      const good = await sign(alice, range)
      const { r, s, v } = Signature.from(good)
      const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
      const flipped = concat([r, toBeHex(N - BigInt(s), 32), toBeHex(v === 27 ? 28 : 27)])
      const bad = [
        await sign(alice, range, { chainId: 1 }),
        await sign(alice, range, { contract: bob.address }),
        await sign(alice, range, { node: bob.address }),
        await sign(alice, [ROOT, 1n, 4n]),
        await sign(alice, [toBeHex(1n, 32), 1n, 3n]),
        flipped,
        Signature.from(good).compactSerialized,
        `${good}00`,
      ]
      const { returned } = await anchorMany(...bad.map(signature => [alice.address, range, signature]))
      assert.deepEqual(
        [...(returned as bigint[])],
        bad.map(() => OUTCOME.badSignature),
      )
      assert.equal(await auditAnchor.view('anchorCount', alice.address), 0n)
    })

    it('takes 256 entries and no more', async () => {
      const entry = [alice.address, [ZeroHash, 1n, 1n], '0x']
      await anchorMany(...Array(MAX_BATCH).fill(entry))
      await assertReverts(
        anchorMany(...Array(MAX_BATCH + 1).fill(entry)),
        'TooManyEntries',
        BigInt(MAX_BATCH + 1),
        BigInt(MAX_BATCH),
      )
      assertEvents(await anchorMany())
    })
  })

  describe('a signed root', () => {
    it('has the digest that protocol/ and ethers compute', async () => {
      const range: Range = [ROOT, 7n, MAX_SAFE]
      const digest = await auditAnchor.view<string>('rootDigest', alice.address, range)
      const separator = auditAnchorDomainSeparator(chain.chainId, auditAnchor.address.toLowerCase())
      assert.equal(
        rootDigest(separator, {
          node: alice.address.toLowerCase(),
          root: ROOT,
          firstSequence: 7,
          lastSequence: Number.MAX_SAFE_INTEGER,
        }),
        digest,
      )
      assert.equal(
        TypedDataEncoder.hash(
          {
            name: AUDIT_ANCHOR_DOMAIN_NAME,
            version: AUDIT_ANCHOR_DOMAIN_VERSION,
            chainId: chain.chainId,
            verifyingContract: auditAnchor.address,
          },
          ROOT_TYPES,
          { node: alice.address, root: ROOT, firstSequence: 7n, lastSequence: MAX_SAFE },
        ),
        digest,
      )
    })

    it('is known by its signature, whether it would be anchored or not', async () => {
      const range: Range = [ROOT, 900n, 3n]
      const signature = await sign(alice, range)
      const isSigned = (node: string, given: Range, by: string) =>
        auditAnchor.view<boolean>('isRootSigned', node, given, by)
      assert.equal(await isSigned(alice.address, range, signature), true)
      assert.equal(await isSigned(bob.address, range, signature), false)
      assert.equal(await isSigned(alice.address, [ROOT, 900n, 4n], signature), false)
      assert.equal(await isSigned(alice.address, range, '0x1234'), false)
    })
  })

  describe('proofs', () => {
    const values = (first: bigint, last: bigint): Value[] =>
      Array.from({ length: Number(last - first) + 1 }, (_, i) => {
        const sequence = first + BigInt(i)
        return [
          sequence,
          eventHash(`event ${sequence}`),
          sequence % 2n === 0n ? keccak256(toBeHex(sequence)) : ZeroHash,
        ]
      })
    const treeOf = (leaves: Value[]) =>
      StandardMerkleTree.of(leaves, [...AUDIT_LEAF_TYPES], { sortLeaves: false })
    const leafAt = (tree: Tree, at: number) => [...tree.entries()][at]![1]

    async function anchored(first: bigint, last: bigint, leaves = values(first, last)) {
      const tree = treeOf(leaves)
      const { returned } = await anchor(tree.root, first, last)
      const ref: Ref = [returned as bigint, [tree.root, first, last], BigInt(chain.now)]
      chain.now += 60
      return { tree, ref }
    }

    const verify = (ref: Ref, leaf: Value, proof: string[], node = alice.address) =>
      auditAnchor.view<boolean>('verify', node, ref, leaf, proof)

    it('find every event of every anchor', async () => {
      for (const [first, last] of [
        [1n, 1n],
        [2n, 8n],
        [9n, 24n],
      ] as const) {
        const { tree, ref } = await anchored(first, last)
        for (const [at, leaf] of tree.entries()) {
          assert.equal(await verify(ref, leaf, tree.getProof(at)), true)
          assert.equal(await auditAnchor.view('isIncluded', tree.root, leaf, tree.getProof(at)), true)
        }
      }
    })

    it('are of the tree a node makes of its log', () => {
      const leaves = values(5n, 11n)
      const entries = leaves.map(([, hash, claim]) => ({ hash: Buffer.from(hash.slice(2), 'hex'), claim }))
      assert.equal(auditTree(5, entries).root, treeOf(leaves).root)
    })

    it('state the leaf as it is', () => {
      const [value] = values(3n, 3n)
      const encoded = coder.encode([...AUDIT_LEAF_TYPES], value!)
      assert.equal(treeOf([value!]).leafHash(value!), keccak256(concat([keccak256(encoded)])))
    })

    it('know an anchor by all of its parts', async () => {
      const { ref } = await anchored(1n, 8n)
      const [index, [root, first, last], at] = ref
      const isAnchored = (given: Ref, node = alice.address) =>
        auditAnchor.view<boolean>('isAnchored', node, given)
      assert.equal(await isAnchored(ref), true)
      assert.equal(await isAnchored(ref, bob.address), false)
      for (const wrong of [
        [index + 1n, [root, first, last], at],
        [index, [ROOT, first, last], at],
        [index, [root, first + 1n, last], at],
        [index, [root, first, last + 1n], at],
        [index, [root, first, last], at - 1n],
        [index, [root, first, last], at + 1n],
      ] as Ref[])
        assert.equal(await isAnchored(wrong), false)
    })

    it('refuse what does not fit: event, place, claim, range, time, index, node, siblings', async () => {
      const { tree, ref } = await anchored(1n, 8n)
      const [index, [root, first, last], at] = ref
      const [sequence, hash, claim] = leafAt(tree, 2)
      const proof = tree.getProof(2)
      const leaf: Value = [sequence, hash, claim]
      assert.equal(await verify(ref, leaf, proof), true)
      for (const wrong of [
        [sequence, eventHash('another'), claim],
        [sequence, hash.slice(0, -2), claim],
        [sequence, `${hash}00`, claim],
        [sequence, '0x', claim],
        [sequence + 1n, hash, claim],
        [sequence, hash, ROOT],
      ] as Value[]) {
        assert.equal(await verify(ref, wrong, proof), false)
        assert.equal(await auditAnchor.view('isIncluded', root, wrong, proof), false)
      }
      for (const wrong of [
        [index, [root, first + 1n, last], at],
        [index, [root, first, last + 1n], at],
        [index, [root, first, last], at + 1n],
        [index, [ROOT, first, last], at],
        [index + 1n, [root, first, last], at],
      ] as Ref[])
        assert.equal(await verify(wrong, leaf, proof), false)
      assert.equal(await verify(ref, leaf, proof, bob.address), false)
      assert.equal(await verify(ref, leaf, []), false)
      assert.equal(await verify(ref, leaf, proof.slice(1)), false)
      assert.equal(await verify(ref, leaf, [...proof, ZeroHash]), false)
    })

    it('refuse an event that a tree holds outside of its range', async () => {
      await anchored(1n, 3n)
      const before: Value = [3n, eventHash('a second event 3'), ZeroHash]
      const behind: Value = [6n, eventHash('an event 6'), ZeroHash]
      const { tree, ref } = await anchored(4n, 5n, [before, ...values(4n, 5n), behind])
      for (const [at, leaf] of [
        [0, before],
        [3, behind],
      ] as const) {
        assert.equal(await verify(ref, leaf, tree.getProof(at)), false)
        assert.equal(await auditAnchor.view('isIncluded', tree.root, leaf, tree.getProof(at)), true)
      }
      assert.equal(await verify(ref, leafAt(tree, 1), tree.getProof(1)), true)
    })

    it('do not take an inner node for a leaf', async () => {
      const { tree, ref } = await anchored(1n, 4n)
      const { tree: nodes } = tree.dump()
      const inner = concat([nodes[3]!, nodes[4]!])
      assert.equal(await verify(ref, [1n, inner, ZeroHash], [nodes[2]!]), false)
    })

    describe('of a range', () => {
      const verifyRange = (
        ref: Ref,
        leaves: Value[],
        proof: string[],
        flags: boolean[],
        node = alice.address,
      ) => auditAnchor.view<boolean>('verifyRange', node, ref, leaves, proof, flags)
      const multi = (tree: Tree, from: number, to: number) =>
        tree.getMultiProof(Array.from({ length: to - from + 1 }, (_, i) => from + i))

      it('find every run of consecutive events', async () => {
        for (const [first, last] of [
          [1n, 1n],
          [2n, 8n],
          [9n, 16n],
        ] as const) {
          const { tree, ref } = await anchored(first, last)
          const count = Number(last - first) + 1
          for (let from = 0; from < count; from++)
            for (let to = from; to < count; to++) {
              const { leaves, proof, proofFlags } = multi(tree, from, to)
              assert.deepEqual(leaves, values(first, last).slice(from, to + 1), 'they are in order')
              assert.equal(await verifyRange(ref, leaves, proof, proofFlags), true, `${from} to ${to}`)
            }
        }
      })

      it('refuse leaves that are missing, doubled, swapped or foreign', async () => {
        const { tree, ref } = await anchored(1n, 8n)
        const { leaves, proof, proofFlags } = multi(tree, 1, 5)
        assert.equal(await verifyRange(ref, leaves, proof, proofFlags), true)
        const [a, b, c, d, e] = leaves as [Value, Value, Value, Value, Value]
        for (const wrong of [
          [a, b, d, e],
          [a, b, c, d],
          [a, a, b, c, d],
          [a, b, c, d, e, e],
          [b, a, c, d, e],
          [a, b, c, e, d],
          [a, b, [c[0], eventHash('another'), c[2]], d, e],
        ] as Value[][])
          assert.equal(await verifyRange(ref, wrong, proof, proofFlags), false)
        // With a proof that fits them: a gap is refused by the sequences alone.
        const gap = tree.getMultiProof([1, 2, 4])
        assert.equal(await verifyRange(ref, gap.leaves, gap.proof, gap.proofFlags), false)
        assert.equal(await verifyRange(ref, leaves, proof, proofFlags, bob.address), false)
        const [index, range, at] = ref
        assert.equal(await verifyRange([index, range, at + 1n], leaves, proof, proofFlags), false)
      })

      it('refuse without reverting a proof that is ill-formed, or of nothing', async () => {
        const { tree, ref } = await anchored(1n, 8n)
        const { leaves, proof, proofFlags } = multi(tree, 1, 5)
        const flip = (at: number) => proofFlags.map((flag, i) => (i === at ? !flag : flag))
        assert.equal(await verifyRange(ref, leaves, proof.slice(1), proofFlags), false)
        assert.equal(await verifyRange(ref, leaves, [...proof, ZeroHash], proofFlags), false)
        assert.equal(await verifyRange(ref, leaves, proof, proofFlags.slice(1)), false)
        for (const at of proofFlags.keys())
          assert.equal(await verifyRange(ref, leaves, proof, flip(at)), false)
        assert.equal(await verifyRange(ref, leaves, [], Array(leaves.length - 1).fill(false)), false)
        assert.equal(await verifyRange(ref, [], [tree.root], []), false)
        assert.equal(await verifyRange(ref, [], [], []), false)
        const [short] = leaves as [Value]
        assert.equal(await verifyRange(ref, [[short[0], short[1].slice(0, -2), short[2]]], [], []), false)
      })

      it('refuse events beyond the range', async () => {
        const { tree, ref } = await anchored(1n, 3n, values(1n, 5n))
        const inside = multi(tree, 1, 2)
        assert.equal(await verifyRange(ref, inside.leaves, inside.proof, inside.proofFlags), true)
        const beyond = multi(tree, 1, 3)
        assert.equal(await verifyRange(ref, beyond.leaves, beyond.proof, beyond.proofFlags), false)
      })

      it('take 1,024 events at once and no more', async () => {
        const { tree, ref } = await anchored(1n, 1_025n)
        const all = multi(tree, 0, 1_023)
        assert.equal(await verifyRange(ref, all.leaves, all.proof, all.proofFlags), true)
        const more = multi(tree, 0, 1_024)
        await assertReverts(
          verifyRange(ref, more.leaves, more.proof, more.proofFlags),
          'TooManyEntries',
          1_025n,
          1_024n,
        )
      })
    })
  })
})

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)

function eventHash(text: string): string {
  return `0x${createHash('sha3-512').update(text).digest('hex')}`
}
