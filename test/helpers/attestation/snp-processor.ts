import { sign } from 'node:crypto'
import {
  FIRMWARE_PARTS,
  type Firmware,
  type SnpProduct,
} from '../../../node/trust/attestation/sev-snp/firmware.ts'
import { type AttestationChallenge, attestationData } from '../../../protocol/attestation.ts'
import { type Holder, type IssueOptions, issue } from './authority.ts'
import { element, integer } from './der-writer.ts'

export const FIRMWARE: Firmware = { fmc: 0, bootloader: 4, tee: 1, snp: 22, microcode: 213 }
export const MEASUREMENT = 'b7'.repeat(48)
export const CHIP_ID = Buffer.from('c5'.repeat(64), 'hex')

const AMD = '1.3.6.1.4.1.3704.1'

export interface SnpChain {
  product: SnpProduct
  root: Holder
  issuer: Holder
  signer: Holder
  key: 'vcek' | 'vlek'
}

export interface SnpChainOptions {
  product?: SnpProduct
  key?: 'vcek' | 'vlek'
  /** That the certificate of the key says. */
  firmware?: Firmware
  chipId?: Uint8Array | null
  signer?: Partial<IssueOptions>
}

/** Certificates as AMD has them: root (ARK), signing key (ASK), endorsement key (VCEK, or VLEK of a cloud). */
export function snpChain(options: SnpChainOptions = {}): SnpChain {
  const { product = 'Milan', key = 'vcek', firmware = FIRMWARE } = options
  const { chipId = key === 'vlek' ? null : product === 'Turin' ? CHIP_ID.subarray(0, 8) : CHIP_ID } = options
  const authority = (name: string, pathLength: number | null) => ({ name, isAuthority: true, pathLength })
  const root = issue('rsa', null, authority(`ARK-${product}`, null))
  const issuer = issue('rsa', root, authority(`SEV-${product}`, 0))
  const versions: [string, number][] = [
    ['1', firmware.bootloader],
    ['2', firmware.tee],
    ['3', firmware.snp],
    ['8', firmware.microcode],
    ...(product === 'Turin' ? [['9', firmware.fmc] as [string, number]] : []),
  ]
  const extensions = {
    ...Object.fromEntries(versions.map(([part, version]) => [`${AMD}.3.${part}`, integer(version)])),
    ...(chipId === null ? {} : { [`${AMD}.4`]: chipId }),
    ...(key === 'vlek' ? { [`${AMD}.5`]: element(0x16, Buffer.from('cloud.example')) } : {}),
  }
  const name = key === 'vcek' ? 'SEV-VCEK' : 'SEV-VLEK'
  const signer = issue('p384', issuer, { name, keyUsage: null, extensions, ...options.signer })
  return { product, root, issuer, signer, key }
}

export interface SnpReportOptions {
  version?: number
  /** Bits of the policy beside those that must be. */
  policy?: bigint
  vmpl?: number
  chipId?: Uint8Array
  measurement?: string
  reported?: Firmware
  committed?: Firmware
  launch?: Firmware
  /** Where it is not what the chain says. */
  key?: 'vcek' | 'vlek'
  /** Changes the report before it is signed. */
  change?: (report: Buffer) => void
}

/** A report as the processor gives it, 1184 bytes. */
export function snpReport(
  chain: SnpChain,
  challenge: AttestationChallenge,
  options: SnpReportOptions = {},
): Buffer {
  const { version = 3, policy = 0n, vmpl = 0, measurement = MEASUREMENT, key = chain.key } = options
  const { reported = FIRMWARE, committed = FIRMWARE, launch = FIRMWARE } = options
  const chipId = options.chipId ?? (chain.product === 'Turin' ? CHIP_ID.subarray(0, 8) : CHIP_ID)
  const report = Buffer.alloc(0x4a0)
  report.writeUInt32LE(version, 0x00)
  report.writeBigUInt64LE((1n << 17n) | (1n << 16n) | policy, 0x08)
  report.writeUInt32LE(vmpl, 0x30)
  report.writeUInt32LE(1, 0x34)
  report.writeUInt32LE(key === 'vlek' ? 0b100 : 0, 0x48)
  report.set(attestationData(challenge), 0x50)
  report.write(measurement, 0x90, 'hex')
  for (const [at, firmware] of [
    [0x38, reported],
    [0x180, reported],
    [0x1e0, committed],
    [0x1f0, launch],
  ] as const)
    report.set(tcbVersion(firmware, chain.product), at)
  report.set(chipId, 0x1a0)
  options.change?.(report)
  const signature = sign('sha384', report.subarray(0, 0x2a0), {
    key: chain.signer.privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  report.set(signature.subarray(0, 48).toReversed(), 0x2a0)
  report.set(signature.subarray(48).toReversed(), 0x2a0 + 72)
  return report
}

/** The certificates as hosts hand them to guests. */
function certificateTable({ root, issuer, signer, key }: SnpChain): Buffer {
  const entries: [guid: string, der: Buffer][] = [
    [key === 'vcek' ? '63da758de6644564adc5f4b93be8accd' : 'a8074bc2a25a483eaae639c045a0b8a1', signer.der],
    ['4ab7b379bbac4fe4a02f05aef327c782', issuer.der],
    ['c0b406a4a803495297433fb6014cd0ae', root.der],
    // Something that is no certificate, as Google's hosts add.
    ['ecae0c0f950243b1afa20ae2e0d565b6', Buffer.alloc(8, 7)],
  ]
  let at = 24 * (entries.length + 1)
  const heads = entries.map(([guid, { length }]) => {
    const head = Buffer.alloc(24)
    head.write(guid, 'hex')
    head.writeUInt32LE(at, 16)
    head.writeUInt32LE(length, 20)
    at += length
    return head
  })
  return Buffer.concat([...heads, Buffer.alloc(24), ...entries.map(([, der]) => der)])
}

/** The same as text. */
export function certificatesAsPem({ root, issuer, signer }: SnpChain): Buffer {
  const pem = ({ der }: Holder) =>
    `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`
  return Buffer.from([signer, issuer, root].map(pem).join(''))
}

/** Report and certificates. */
export function snpEvidence(
  chain: SnpChain,
  challenge: AttestationChallenge,
  options: SnpReportOptions = {},
): Buffer {
  return Buffer.concat([snpReport(chain, challenge, options), certificateTable(chain)])
}

function tcbVersion(firmware: Firmware, product: SnpProduct): Uint8Array {
  const places: Record<keyof Firmware, number | null> =
    product === 'Turin'
      ? { fmc: 0, bootloader: 1, tee: 2, snp: 3, microcode: 7 }
      : { fmc: null, bootloader: 0, tee: 1, snp: 6, microcode: 7 }
  const bytes = new Uint8Array(8)
  for (const part of FIRMWARE_PARTS) if (places[part] !== null) bytes[places[part]] = firmware[part]
  return bytes
}
