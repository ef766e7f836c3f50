import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Certificate, validatePath } from '../../../../../node/trust/attestation/certificate.ts'
import type { AttestationErrorCode } from '../../../../../node/trust/attestation/errors.ts'
import { endorsementOf, isSameChip } from '../../../../../node/trust/attestation/sev-snp/certificates.ts'
import type { SnpProduct } from '../../../../../node/trust/attestation/sev-snp/firmware.ts'
import { AMD_ROOTS } from '../../../../../node/trust/attestation/sev-snp/sev-snp.ts'
import { NO_ATTESTED_SOFTWARE } from '../../../../../node/trust/attestation/software-list.ts'
import { AttestationVerifiers } from '../../../../../node/trust/attestation/verifiers.ts'
import { AT_MS, CHALLENGE, resultOf } from '../../../../vectors/attestation/cases.ts'

/**
 * Evidence that real hardware made for somebody else, published with other verifiers. It answers challenges that are
 * not ours, which is the last that is looked at: that it fails there, with the pinned roots, shows that all
 * before it holds. Changed anywhere, it fails earlier.
 */
interface PublicSamples {
  nitro: { name: string; document: string }[]
  sevSnp: { name: string; report: string | null; vcek: string; product: SnpProduct }[]
  amdIssuers: { certificates: Record<SnpProduct, { ask: string; asvk: string; ark: string }> }
}

const samples = JSON.parse(
  readFileSync(new URL('../../../../vectors/attestation/public.json', import.meta.url), 'utf8'),
) as PublicSamples
const issuers = samples.amdIssuers.certificates
const bytesOf = (base64: string) => Buffer.from(base64, 'base64')
const certificate = (base64: string) => new Certificate(bytesOf(base64))

function refusal(evidence: Uint8Array, atMs: number): AttestationErrorCode {
  const verifiers = new AttestationVerifiers(NO_ATTESTED_SOFTWARE, { clock: { nowMs: () => atMs } })
  const result = resultOf(() => verifiers.verify(evidence, CHALLENGE))
  assert.ok('refused' in result)
  return result.refused
}

describe('public samples', () => {
  const [enclave, debugged] = samples.nitro.map(({ document }) => bytesOf(document)) as [Buffer, Buffer]
  const madeAtMs = Date.parse('2022-10-13T08:58:10Z')

  it('of AWS Nitro are genuine by the pinned root, at their time', () => {
    assert.equal(refusal(enclave, madeAtMs), 'WRONG_NONCE')
    assert.equal(refusal(enclave, AT_MS), 'EXPIRED')
    for (const at of [80, 200, 1_000, 3_000, enclave.length - 1]) {
      const changed = Buffer.from(enclave)
      changed[at]! ^= 1
      const code = refusal(changed, madeAtMs)
      assert.ok(['BAD_SIGNATURE', 'BAD_CHAIN', 'MALFORMED'].includes(code), `${at}: ${code}`)
    }
  })

  it('of AWS Nitro in debug mode are seen to be', () => {
    assert.equal(refusal(debugged, Date.parse('2022-10-12T13:50:10Z')), 'DEBUG_MODE')
  })

  const evidenceOf = ({ report, vcek, product }: PublicSamples['sevSnp'][number]) => {
    const pem = [vcek, issuers[product].ask, issuers[product].ark]
      .map(base64 => `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`)
      .join('')
    return Buffer.concat([bytesOf(report!), Buffer.from(pem)])
  }

  it('of AMD SEV-SNP are genuine by the pinned roots', () => {
    const [debugAllowed, plain] = samples.sevSnp as [
      PublicSamples['sevSnp'][number],
      PublicSamples['sevSnp'][number],
    ]
    assert.equal(refusal(evidenceOf(debugAllowed), AT_MS), 'DEBUG_MODE')
    assert.equal(refusal(evidenceOf(plain), AT_MS), 'WRONG_BINDING')
    const changed = evidenceOf(plain)
    changed[0x90]! ^= 1
    assert.equal(refusal(changed, AT_MS), 'BAD_SIGNATURE')
    assert.equal(refusal(evidenceOf({ ...plain, vcek: debugAllowed.vcek }), AT_MS), 'BAD_SIGNATURE')
  })

  it('of AMD’s certificates end at the pinned roots, for all products', () => {
    for (const [product, root] of Object.entries(AMD_ROOTS) as [SnpProduct, string][]) {
      const { ask, asvk, ark } = issuers[product]
      assert.equal(certificate(ark).fingerprint, root)
      assert.equal(certificate(ark).commonName, `ARK-${product}`)
      for (const issuer of [ask, asvk]) assert.ok(certificate(issuer).isIssuedBy(certificate(ark)))
    }
    for (const { vcek, product, report } of samples.sevSnp) {
      const path = [vcek, issuers[product].ask, issuers[product].ark].map(certificate)
      const roots = new Set([AMD_ROOTS[product]])
      assert.ok(validatePath(path, { roots, nowMs: AT_MS }) > AT_MS)
      const { hardwareId, firmware } = endorsementOf(path[0]!, 'vcek')
      assert.equal(hardwareId!.length, product === 'Turin' ? 8 : 64)
      assert.ok(firmware.microcode > 0)
      if (report !== null) assert.ok(isSameChip(hardwareId!, bytesOf(report).subarray(0x1a0, 0x1e0)))
    }
  })
})
