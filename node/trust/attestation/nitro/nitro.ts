import { bytesToHex } from '@noble/hashes/utils.js'
import {
  type AttestationChallenge,
  attestationData,
  attestationNonce,
} from '../../../../protocol/attestation.ts'
import { sameBytes } from '../../../../protocol/codec.ts'
import { MAX_CLOCK_SKEW_MS } from '../../../../protocol/limits.ts'
import { Certificate, validatePath } from '../certificate.ts'
import { NITRO_CLAIMS } from '../claims.ts'
import { AttestationError } from '../errors.ts'
import {
  type AttestationVerifier,
  type AttestedIdentity,
  checkEvidenceSize,
  type GenuineEvidence,
  MAX_ATTESTATION_AGE_MS,
} from '../evidence.ts'
import { isSignedBy, readCoseSign1 } from './cose.ts'
import { type NitroDocument, readNitroDocument } from './document.ts'

/**
 * SHA-256 of the certificate "AWS Nitro Enclaves Root G1", which AWS publishes at
 * https://docs.aws.amazon.com/enclaves/latest/user/verify-root.html. Of the commercial regions; those of China
 * and GovCloud have others.
 */
export const AWS_NITRO_ROOT_G1 = '641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b'

/** Image, kernel and boot, application: what an enclave's code is known by. In debug mode they are zero. */
const CODE_PCRS = [0, 1, 2] as const

/** Software an operator trusts: all these registers must be as it says. */
export interface NitroSoftware {
  name: string
  /** SHA-384, lower-case hex, by `pcr0` …; at least 0, 1 and 2. */
  pcrs: Readonly<Record<string, string>>
}

export interface NitroOptions {
  /** Fingerprints of root certificates. */
  roots: readonly string[]
  software: readonly NitroSoftware[]
}

/**
 * Verifies attestation documents of AWS Nitro Enclaves: a COSE_Sign1 by a key that the Nitro hypervisor certified
 * for this enclave, over its registers, our challenge and the node key.
 */
export class NitroVerifier implements AttestationVerifier {
  readonly kind = 'nitro'
  readonly #roots: ReadonlySet<string>
  readonly #software: readonly NitroSoftware[]
  readonly #clock: { nowMs(): number }

  constructor(options: NitroOptions, modules: { clock: { nowMs(): number } }) {
    this.#roots = new Set(options.roots)
    this.#software = options.software
    this.#clock = modules.clock
  }

  examine(evidence: Uint8Array, challenge: AttestationChallenge): GenuineEvidence {
    checkEvidenceSize(evidence)
    const nowMs = this.#clock.nowMs()
    const message = readCoseSign1(evidence)
    const document = readNitroDocument(message.payload)
    const signer = new Certificate(document.certificate)
    const issuers = document.cabundle.map(der => new Certificate(der))
    const expiresAtMs = validatePath([signer, ...issuers.toReversed()], { roots: this.#roots, nowMs })
    if (signer.rights.usage === null)
      throw new AttestationError('BAD_CHAIN', 'the certificate of the signer does not say that it may sign')
    if (!isSignedBy(message, signer))
      throw new AttestationError('BAD_SIGNATURE', 'the document was not signed by the certified key')
    if (document.timestamp > nowMs + MAX_CLOCK_SKEW_MS)
      throw new AttestationError('EXPIRED', 'the document was made in the future')
    checkDebugMode(document)
    checkBinding(document, challenge)
    const measurements = [...document.pcrs].toSorted(([a], [b]) => a - b)
    return {
      kind: this.kind,
      ...challenge,
      measurements: Object.fromEntries(measurements.map(([at, value]) => [`pcr${at}`, bytesToHex(value)])),
      platform: { module: printable(document.module_id) },
      validUntilMs: Math.min(expiresAtMs, nowMs + MAX_ATTESTATION_AGE_MS),
      ...NITRO_CLAIMS,
    }
  }

  verify(evidence: Uint8Array, challenge: AttestationChallenge): AttestedIdentity {
    const genuine = this.examine(evidence, challenge)
    const { measurements } = genuine
    const software = this.#software.find(({ pcrs }) =>
      [...CODE_PCRS.map(at => `pcr${at}`), ...Object.keys(pcrs)].every(
        pcr => measurements[pcr] !== undefined && measurements[pcr] === pcrs[pcr],
      ),
    )
    if (software !== undefined) return { ...genuine, software: software.name }
    throw new AttestationError('UNKNOWN_MEASUREMENT', 'the software of the enclave is not on the list', {
      details: Object.fromEntries(CODE_PCRS.map(at => [`pcr${at}`, measurements[`pcr${at}`] ?? null])),
    })
  }
}

function checkBinding(document: NitroDocument, challenge: AttestationChallenge): void {
  if (!sameBytes(document.nonce ?? new Uint8Array(), attestationNonce(challenge)))
    throw new AttestationError('WRONG_NONCE', 'the document answers another challenge')
  if (!sameBytes(document.user_data ?? new Uint8Array(), attestationData(challenge)))
    throw new AttestationError('WRONG_KEY', 'the document was made for another node')
}

/** An enclave that is run with `--debug-mode` has zeros where its code would be measured. */
function checkDebugMode({ pcrs }: NitroDocument): void {
  const isMeasured = (at: number) => pcrs.get(at)?.some(byte => byte !== 0) === true
  if (CODE_PCRS.every(isMeasured)) return
  throw new AttestationError('DEBUG_MODE', 'the enclave runs in debug mode: its console shows what it does')
}

/** Of what AWS wrote, that which can be shown. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?')
}
