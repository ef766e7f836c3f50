import { verify } from 'node:crypto'
import { bytesToHex } from '@noble/hashes/utils.js'
import { type AttestationChallenge, attestationData } from '../../../../protocol/attestation.ts'
import { sameBytes } from '../../../../protocol/codec.ts'
import { type Certificate, validatePath } from '../certificate.ts'
import { SEV_SNP_CLAIMS } from '../claims.ts'
import { AttestationError } from '../errors.ts'
import {
  type AttestationVerifier,
  type AttestedIdentity,
  checkEvidenceSize,
  type GenuineEvidence,
  MAX_ATTESTATION_AGE_MS,
} from '../evidence.ts'
import { type Endorsement, endorsementOf, isSameChip, pathOf, readCertificates } from './certificates.ts'
import {
  describeFirmware,
  type Firmware,
  isAtLeast,
  readFirmware,
  SNP_PRODUCTS,
  type SnpProduct,
} from './firmware.ts'
import { REPORT_BYTES, readSnpReport, type SnpReport } from './report.ts'

/** SHA-256 of AMD's root certificates, from https://kdsintf.amd.com/vcek/v1/<product>/cert_chain. */
export const AMD_ROOTS: Readonly<Record<SnpProduct, string>> = {
  Milan: '69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd',
  Genoa: '4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1',
  Turin: '1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a',
}

/** Software an operator trusts. */
export interface SnpSoftware {
  name: string
  /** SHA-384, lower-case hex. */
  measurement: string
}

export interface SevSnpOptions {
  /** Fingerprints of root certificates. */
  roots: readonly string[]
  software: readonly SnpSoftware[]
  /** The oldest firmware that is accepted; a product without any is not accepted at all. */
  leastFirmware: Readonly<Partial<Record<SnpProduct, Firmware>>>
}

interface Authentic {
  genuine: GenuineEvidence
  product: SnpProduct
  firmware: { reported: Firmware; committed: Firmware; launch: Firmware }
}

/**
 * Verifies reports of AMD SEV-SNP guests: signed by a key that AMD certified for one chip (VCEK) or for a cloud's
 * chips (VLEK) with one version of firmware, over the guest's measurement and 64 bytes of its choice, which
 * stand for our challenge and the node key.
 */
export class SevSnpVerifier implements AttestationVerifier {
  readonly kind = 'sev-snp'
  readonly #options: SevSnpOptions
  readonly #roots: ReadonlySet<string>
  readonly #clock: { nowMs(): number }

  constructor(options: SevSnpOptions, modules: { clock: { nowMs(): number } }) {
    this.#options = options
    this.#roots = new Set(options.roots)
    this.#clock = modules.clock
  }

  examine(evidence: Uint8Array, challenge: AttestationChallenge): GenuineEvidence {
    return this.#examine(evidence, challenge).genuine
  }

  verify(evidence: Uint8Array, challenge: AttestationChallenge): AttestedIdentity {
    const { genuine, product, firmware } = this.#examine(evidence, challenge)
    const { leastFirmware, software } = this.#options
    const least = leastFirmware[product]
    // Started under old firmware, or free to go back to it, the guest may be known to others already.
    if (least === undefined || !Object.values(firmware).every(version => isAtLeast(version, least)))
      throw new AttestationError('OLD_FIRMWARE', `the firmware of the processor (${product}) is too old`, {
        details: { reported: describeFirmware(firmware.reported), product },
      })
    const { measurement = '' } = genuine.measurements
    const found = software.find(entry => entry.measurement === measurement)
    if (found !== undefined) return { ...genuine, software: found.name }
    throw new AttestationError('UNKNOWN_MEASUREMENT', 'the software of the guest is not on the list', {
      details: { measurement },
    })
  }

  #examine(evidence: Uint8Array, challenge: AttestationChallenge): Authentic {
    checkEvidenceSize(evidence)
    const nowMs = this.#clock.nowMs()
    const report = readSnpReport(evidence.subarray(0, REPORT_BYTES))
    const path = pathOf(readCertificates(evidence.subarray(REPORT_BYTES)), report.signingKey)
    const expiresAtMs = validatePath(path, { roots: this.#roots, nowMs })
    const signer = path[0]!
    const product = productOf(path.at(-1)!)
    if (!isSignedBy(report, signer))
      throw new AttestationError('BAD_SIGNATURE', 'the report was not signed by the certified key')
    const firmware = {
      reported: readFirmware(report.tcb.reported, product),
      committed: readFirmware(report.tcb.committed, product),
      launch: readFirmware(report.tcb.launch, product),
    }
    checkEndorsement(endorsementOf(signer, report.signingKey), report, firmware.reported)
    checkPolicy(report)
    if (!sameBytes(report.reportData, attestationData(challenge)))
      throw new AttestationError('WRONG_BINDING', 'the report was made for another node or another challenge')
    const genuine: GenuineEvidence = {
      kind: this.kind,
      ...challenge,
      measurements: { measurement: bytesToHex(report.measurement) },
      platform: {
        product,
        firmware: describeFirmware(firmware.reported),
        chip: report.signingKey === 'vcek' ? bytesToHex(report.chipId) : 'one of a cloud provider (VLEK)',
      },
      validUntilMs: Math.min(expiresAtMs, nowMs + MAX_ATTESTATION_AGE_MS),
      ...SEV_SNP_CLAIMS,
    }
    return { genuine, product, firmware }
  }
}

function productOf(root: Certificate): SnpProduct {
  const product = SNP_PRODUCTS.find(name => root.commonName === `ARK-${name}`)
  if (product !== undefined) return product
  throw new AttestationError('UNTRUSTED_ROOT', 'the root is not one of a product that is known', {
    fix: `Those are ${SNP_PRODUCTS.join(', ')}.`,
  })
}

function isSignedBy({ signed, signature }: SnpReport, signer: Certificate): boolean {
  if (!signer.isP384) return false
  try {
    return verify('sha384', signed, { key: signer.x509.publicKey, dsaEncoding: 'ieee-p1363' }, signature)
  } catch {
    return false
  }
}

/** The key is derived from chip and firmware: the report must be of just those. */
function checkEndorsement(
  { firmware, hardwareId }: Endorsement,
  report: SnpReport,
  reported: Firmware,
): void {
  const isSame = isAtLeast(firmware, reported) && isAtLeast(reported, firmware)
  if (isSame && (hardwareId === null || isSameChip(hardwareId, report.chipId))) return
  throw new AttestationError(
    'WRONG_CHIP',
    `the certificate is for ${isSame ? 'another chip' : 'other firmware'} than the report says`,
  )
}

function checkPolicy({ policy, vmpl }: SnpReport): void {
  if (policy.allowsDebug)
    throw new AttestationError('DEBUG_MODE', 'the guest may be debugged: its host can read its memory')
  if (policy.allowsMigration)
    throw new AttestationError('WEAK_POLICY', 'the guest may be migrated: an agent of the host has its keys')
  // A host can ask for a report, too, and choose what it says.
  if (vmpl !== 0)
    throw new AttestationError(
      'WEAK_POLICY',
      'the report was not asked for at the guest’s first level (VMPL0)',
    )
}
