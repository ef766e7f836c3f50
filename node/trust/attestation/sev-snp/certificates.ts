import { Certificate } from '../certificate.ts'
import { DER, DerReader, derInteger } from '../der.ts'
import { AttestationError } from '../errors.ts'
import { type Firmware, firmwareOf } from './firmware.ts'
import { isZero, type SnpReport } from './report.ts'

const MAX_CERTIFICATES = 8
const TABLE_ENTRY_BYTES = 24
const MAX_TABLE_ENTRIES = 32

/** Entries of the certificate table that are X.509 ("GHCB Standardization", AMD 56421, MSG_REPORT_REQ). */
const CERTIFICATE_GUIDS: ReadonlySet<string> = new Set([
  '63da758de6644564adc5f4b93be8accd', // VCEK
  'a8074bc2a25a483eaae639c045a0b8a1', // VLEK
  '4ab7b379bbac4fe4a02f05aef327c782', // ASK, or ASVK
  'c0b406a4a803495297433fb6014cd0ae', // ARK
])

/** Arc of AMD's extensions in certificates of endorsement keys (AMD 57230, table 10). */
const AMD = '1.3.6.1.4.1.3704.1'
const FIRMWARE_OIDS: Record<keyof Firmware, string> = {
  bootloader: `${AMD}.3.1`,
  tee: `${AMD}.3.2`,
  snp: `${AMD}.3.3`,
  microcode: `${AMD}.3.8`,
  fmc: `${AMD}.3.9`,
}
const HARDWARE_ID = `${AMD}.4`
const CLOUD_ID = `${AMD}.5`

/**
 * The certificates behind a report: as the table that hosts hand to guests (`auxblob` of Linux's configfs-tsm), or
 * as PEM.
 * @throws {AttestationError} MALFORMED
 */
export function readCertificates(bytes: Uint8Array): Certificate[] {
  const ders = isPem(bytes) ? readPem(bytes) : readTable(bytes)
  if (ders.length > MAX_CERTIFICATES) throw malformed('there are too many certificates')
  return ders.map(der => new Certificate(der))
}

/**
 * From the certificate of the key that signed the report to the last issuer that is at hand, by their names: whether
 * they issued what they are said to is left to `validatePath`.
 * @throws {AttestationError} MALFORMED
 */
export function pathOf(certificates: readonly Certificate[], key: SnpReport['signingKey']): Certificate[] {
  const name = key === 'vcek' ? 'SEV-VCEK' : 'SEV-VLEK'
  const signers = certificates.filter(({ commonName }) => commonName === name)
  if (signers.length !== 1) throw malformed(`there is not one certificate of a ${name}`)
  const path = [signers[0]!]
  while (path.length < MAX_CERTIFICATES) {
    const issuer = certificates.find(issuer => !path.includes(issuer) && path.at(-1)!.namesAsIssuer(issuer))
    if (issuer === undefined) break
    path.push(issuer)
  }
  return path
}

/** What a certificate says of the key it is for. */
export interface Endorsement {
  firmware: Firmware
  /** Of the one chip that has the key; null for a key that a cloud provider was given for many. */
  hardwareId: Uint8Array | null
}

/** @throws {AttestationError} MALFORMED */
export function endorsementOf(certificate: Certificate, key: SnpReport['signingKey']): Endorsement {
  const { extensions } = certificate
  const version = (part: keyof Firmware) => {
    const extension = extensions.get(FIRMWARE_OIDS[part])
    // Only Turin's have the first.
    if (extension === undefined && part === 'fmc') return 0
    if (extension === undefined) throw malformed('the certificate does not say which firmware it is for')
    const value = new DerReader(extension.value)
    const number = derInteger(value.read(DER.integer))
    value.end()
    return number
  }
  const firmware = firmwareOf(version)
  const hardwareId = extensions.get(HARDWARE_ID)?.value ?? null
  const isOfOneChip = hardwareId !== null && !extensions.has(CLOUD_ID)
  const isOfCloud = hardwareId === null && extensions.has(CLOUD_ID)
  if (key === 'vcek' ? !isOfOneChip : !isOfCloud) throw malformed('the certificate does not say whose it is')
  return { firmware, hardwareId }
}

/** Whether a report's CHIP_ID is that of the certificate: all 64 bytes, or the first 8 and nothing else (Turin). */
export function isSameChip(hardwareId: Uint8Array, chipId: Uint8Array): boolean {
  if (hardwareId.length !== 64 && hardwareId.length !== 8) return false
  // Hosts may mask it; then it says nothing.
  if (isZero(hardwareId)) return false
  return hardwareId.every((byte, at) => byte === chipId[at]) && isZero(chipId.subarray(hardwareId.length))
}

function readTable(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const found: Uint8Array[] = []
  for (let place = 0; place < MAX_TABLE_ENTRIES; place++) {
    const at = place * TABLE_ENTRY_BYTES
    if (at + TABLE_ENTRY_BYTES > bytes.length) break
    const guid = bytes.subarray(at, at + 16)
    const from = view.getUint32(at + 16, true)
    const length = view.getUint32(at + 20, true)
    if (isZero(guid) && from === 0 && length === 0) return found
    if (from + length > bytes.length) break
    if (CERTIFICATE_GUIDS.has(Buffer.from(guid).toString('hex')))
      found.push(bytes.subarray(from, from + length))
  }
  throw malformed('the table of certificates is cut short')
}

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g

function isPem(bytes: Uint8Array): boolean {
  return /^\s*-----BEGIN /.test(Buffer.from(bytes.subarray(0, 64)).toString('latin1'))
}

function readPem(bytes: Uint8Array): Uint8Array[] {
  const text = Buffer.from(bytes).toString('latin1')
  const ders = [...text.matchAll(PEM)].map(([, base64]) => Buffer.from(base64!, 'base64'))
  if (text.replaceAll(PEM, '').trim() !== '')
    throw malformed('there is something else among the certificates')
  return ders
}

function malformed(what: string): AttestationError {
  return new AttestationError('MALFORMED', what)
}
