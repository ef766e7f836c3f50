import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Bytes32 } from '../../../protocol/ids.ts'
import { MAX_SEALED_WINDOW_TOKENS } from '../../../protocol/limits.ts'
import {
  NO_OUTPUT_DIGEST,
  type ReplicaWindow,
  replicaCommitment,
  runningDigest,
  sealedWindowEnd,
} from '../../../protocol/replica-commitment.ts'

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(array => Buffer.from(array).toString('hex'))
const bytes32 = hex(32).map((text): Bytes32 => `0x${text}`)
const sealed: fc.Arbitrary<ReplicaWindow> = fc.record({
  provider: hex(32),
  taskId: hex(16),
  attempt: fc.nat(255),
  window: fc.nat(131_072),
  digest: bytes32,
  salt: bytes32,
})

describe('commitments of replicas', () => {
  it('bind whoever makes them, and all that is in them', () => {
    fc.assert(
      fc.property(sealed, sealed, fc.subarray([...KEYS], { minLength: 1 }), (one, other, changed) => {
        const changes = Object.fromEntries(changed.map(key => [key, other[key]]))
        const forged = { ...one, ...changes }
        fc.pre(changed.some(key => other[key] !== one[key]))
        assert.equal(replicaCommitment(one), replicaCommitment({ ...one }))
        assert.notEqual(replicaCommitment(one), replicaCommitment(forged))
      }),
    )
  })

  it('refuse numbers that do not fit', () => {
    const [one] = fc.sample(sealed, { numRuns: 1, seed: 1 })
    for (const change of [{ attempt: 256 }, { attempt: -1 }, { window: 2 ** 32 }, { window: 0.5 }])
      assert.throws(() => replicaCommitment({ ...one!, ...change }), RangeError)
  })

  it('hold all windows before: no two outputs have one digest, however they are cut', () => {
    const output = fc.tuple(fc.array(fc.nat(0x7fff_ffff), { maxLength: 4 }), fc.string({ maxLength: 8 }))
    const outputs = fc.array(output, { maxLength: 4 })
    const digestOf = (windows: [number[], string][]) =>
      windows.reduce((digest, [tokens, text]) => runningDigest(digest, tokens, text), NO_OUTPUT_DIGEST)
    fc.assert(
      fc.property(outputs, outputs, (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other))
        assert.notEqual(digestOf(one), digestOf(other))
      }),
    )
  })
})

const KEYS = ['provider', 'taskId', 'attempt', 'window', 'digest', 'salt'] as const

describe('sealedWindowEnd', () => {
  it('begins small, doubles, and is the same wherever one joins', () => {
    const ends = new Set<number>()
    for (let end = 0; end < 300; end = sealedWindowEnd(end)) ends.add(end)
    assert.deepEqual([...ends].slice(0, 7), [0, 4, 12, 28, 60, 92, 124])
    for (let position = 0; position < 284; position++) {
      const end = sealedWindowEnd(position)
      assert.ok(ends.has(end) && end > position && end - position <= MAX_SEALED_WINDOW_TOKENS)
    }
    assert.deepEqual([131_067, 131_068].map(sealedWindowEnd), [131_068, 131_100])
  })
})
