import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { AttestationError } from '../../../../../node/trust/attestation/errors.ts'
import type { AttestedIdentity } from '../../../../../node/trust/attestation/evidence.ts'
import { parseAttestedSoftware } from '../../../../../node/trust/attestation/software-list.ts'
import { AttestationVerifiers } from '../../../../../node/trust/attestation/verifiers.ts'
import {
  AT_MS,
  type AttestationVector,
  CHALLENGE,
  nitroCases,
  resultOf,
  sevSnpCases,
} from '../../../../vectors/attestation/cases.ts'

const HOUR_MS = 3_600_000

function verify(
  vector: AttestationVector,
  evidence = Buffer.from(vector.evidence, 'base64'),
): AttestedIdentity {
  const clock = { nowMs: () => vector.atMs }
  const { nodeKey, nonce } = vector
  return new AttestationVerifiers(parseAttestedSoftware('test', vector.attested), { clock }).verify(
    evidence,
    {
      nodeKey,
      nonce,
    },
  )
}

const NITRO = nitroCases()
const SEV_SNP = sevSnpCases()

for (const [kind, cases] of [
  ['nitro', NITRO],
  ['sev-snp', SEV_SNP],
] as const) {
  describe(`evidence of ${kind}`, () => {
    const committed = JSON.parse(
      readFileSync(new URL(`../../../../vectors/attestation/${kind}.json`, import.meta.url), 'utf8'),
    ) as AttestationVector[]
    const good = cases[0]!

    for (const vector of cases) {
      it(`${'software' in vector.result ? 'is believed' : vector.result.refused}: ${vector.name}`, () => {
        assert.deepEqual(
          resultOf(() => verify(vector)),
          vector.result,
        )
      })
    }

    it('comes out as the vectors say', () => {
      assert.ok(committed.length >= 10)
      for (const vector of committed)
        assert.deepEqual(
          resultOf(() => verify(vector)),
          vector.result,
          vector.name,
        )
    })

    it('says what it shows, what it does not, and how long it counts', () => {
      const identity = verify(good)
      assert.equal(identity.kind, kind)
      assert.equal(identity.nodeKey, CHALLENGE.nodeKey)
      assert.equal(identity.nonce, CHALLENGE.nonce)
      assert.equal(identity.validUntilMs, AT_MS + HOUR_MS)
      assert.ok(identity.shows.length >= 3 && identity.doesNotShow.length >= 5)
      assert.ok(Object.keys(identity.measurements).length > 0 && Object.keys(identity.platform).length > 0)
    })

    it('is refused with one of the closed errors, whatever bytes come', () => {
      const prefix = Buffer.from(good.evidence, 'base64')
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 600 }),
        // Anything in place of some part of it.
        fc
          .tuple(fc.nat(prefix.length), fc.uint8Array({ maxLength: 100 }), fc.nat(200))
          .map(([at, put, removed]) =>
            Buffer.concat([prefix.subarray(0, at), put, prefix.subarray(at + removed)]),
          )
          .filter(changed => !changed.equals(prefix)),
      )
      fc.assert(
        fc.property(bytes, changed => {
          assertRefusedOrSame(good, Buffer.from(changed))
        }),
        { numRuns: 150 },
      )
    })

    it('proves nothing else when bits of it are flipped', () => {
      const original = Buffer.from(good.evidence, 'base64')
      fc.assert(
        fc.property(
          fc.uniqueArray(fc.nat(8 * original.length - 1), { minLength: 1, maxLength: 3 }),
          places => {
            const flipped = Buffer.from(original)
            for (const place of places) flipped[place >> 3]! ^= 1 << (place & 7)
            const isBelieved = assertRefusedOrSame(good, flipped)
            if (kind === 'nitro') assert.ok(!isBelieved, 'all of a document is signed')
          },
        ),
        { numRuns: 250 },
      )
    })

    it('proves nothing to another challenge', () => {
      const bytes32 = fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map(bytes => Buffer.from(bytes).toString('hex'))
      fc.assert(
        fc.property(bytes32, bytes32, (nodeKey, nonce) => {
          for (const other of [{ nodeKey }, { nonce: `0x${nonce}` }])
            assert.ok('refused' in resultOf(() => verify({ ...good, ...other })))
        }),
        { numRuns: 20 },
      )
    })
  })
}

/** Padding of a table of certificates, or COSE's tag, may be there or not; what is believed must be the same. */
function assertRefusedOrSame(good: AttestationVector, evidence: Buffer<ArrayBuffer>): boolean {
  let identity: AttestedIdentity
  try {
    identity = verify(good, evidence)
  } catch (error) {
    assert.ok(error instanceof AttestationError, String(error))
    return false
  }
  assert.deepEqual(identity, verify(good))
  return true
}

describe('attestation verifiers', () => {
  it('refuse what is too long before they look at it', () => {
    const verifiers = new AttestationVerifiers(parseAttestedSoftware('test', {}), {
      clock: { nowMs: () => AT_MS },
    })
    for (const first of [0x84, 0x02, 0x00])
      assert.throws(
        () => verifiers.examine(Buffer.alloc(32_769, first), CHALLENGE),
        (error: unknown) => error instanceof AttestationError && error.code === 'TOO_LARGE',
      )
  })

  it('know nothing of what nobody listed', () => {
    const verifiers = new AttestationVerifiers(parseAttestedSoftware('test', {}), {
      clock: { nowMs: () => AT_MS },
    })
    for (const vector of [NITRO[0]!, SEV_SNP[0]!])
      assert.deepEqual(
        resultOf(() => verifiers.verify(Buffer.from(vector.evidence, 'base64'), CHALLENGE)),
        { refused: 'UNTRUSTED_ROOT' },
      )
    assert.deepEqual(
      resultOf(() => verifiers.verify(randomBytes(64).with(0, 0xff), CHALLENGE)),
      { refused: 'UNKNOWN_KIND' },
    )
  })
})
