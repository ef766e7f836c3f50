import { encode } from 'cborg'
import { AttestationError, type AttestationErrorCode } from '../../../node/trust/attestation/errors.ts'
import { AWS_NITRO_ROOT_G1 } from '../../../node/trust/attestation/nitro/nitro.ts'
import type { AttestationChallenge } from '../../../protocol/attestation.ts'
import { CERTIFIES, type Holder, issue, newKey } from '../../helpers/attestation/authority.ts'
import {
  coseSign1,
  LISTED_PCRS,
  type NitroChain,
  nitroChain,
  nitroDocument,
  nitroPayload,
  PCRS,
} from '../../helpers/attestation/nitro-hypervisor.ts'
import {
  CHIP_ID,
  certificatesAsPem,
  FIRMWARE,
  MEASUREMENT,
  snpChain,
  snpEvidence,
  snpReport,
} from '../../helpers/attestation/snp-processor.ts'

/** One piece of evidence, what it is judged by, and what comes of it. */
export interface AttestationVector {
  name: string
  /** Base64. */
  evidence: string
  nodeKey: string
  nonce: string
  atMs: number
  /** As in the file that `privacy.attested` names. */
  attested: unknown
  /** The operator's name of the software, or why it is refused. */
  result: { software: string } | { refused: AttestationErrorCode }
}

export const CHALLENGE: AttestationChallenge = { nodeKey: '77'.repeat(32), nonce: `0x${'5a'.repeat(32)}` }
export const AT_MS = Date.UTC(2026, 0, 1, 0, 0, 10)
const DAY_MS = 86_400_000

type Result = AttestationErrorCode | { software: string }

interface CaseOptions {
  challenge?: AttestationChallenge
  atMs?: number
  attested: unknown
}

function vector(name: string, evidence: Uint8Array, result: Result, options: CaseOptions): AttestationVector {
  const { challenge = CHALLENGE, atMs = AT_MS, attested } = options
  return {
    name,
    evidence: Buffer.from(evidence).toString('base64'),
    ...challenge,
    atMs,
    attested,
    result: typeof result === 'string' ? { refused: result } : result,
  }
}

const OTHER_NONCE = { ...CHALLENGE, nonce: `0x${'5b'.repeat(32)}` }
const OTHER_NODE = { ...CHALLENGE, nodeKey: '78'.repeat(32) }

/** Evidence of Nitro Enclaves: good ones, and each way in which one is not. */
export function nitroCases(): AttestationVector[] {
  const chain = nitroChain()
  const listing = (of: NitroChain, pcrs: unknown = LISTED_PCRS) => ({
    nitro: { roots: [of.issuers[0]!.fingerprint], software: [{ name: 'enclave 1.0', pcrs }] },
  })
  const attested = listing(chain)
  const good = { software: 'enclave 1.0' }
  const made = (name: string, result: Result, fields = {}, options: Partial<CaseOptions> = {}) =>
    vector(name, nitroDocument(chain, CHALLENGE, fields), result, { attested, ...options })
  const signedBy = (name: string, of: NitroChain, result: Result) =>
    vector(name, nitroDocument(of, CHALLENGE), result, { attested: listing(of) })
  const cose = (name: string, change: (parts: unknown[]) => unknown, result: Result) =>
    vector(name, encode(change(coseSign1(nitroPayload(chain, CHALLENGE), chain.signer.privateKey))), result, {
      attested,
    })
  const payload = (name: string, bytes: Uint8Array, result: Result) =>
    vector(name, encode(coseSign1(bytes, chain.signer.privateKey)), result, { attested })
  const document = nitroDocument(chain, CHALLENGE)
  const [root, region, zone, instance] = chain.issuers as [Holder, Holder, Holder, Holder]
  const impostor = issue('p384', null, { name: zone.name, isAuthority: true, pathLength: 1 })
  /** A chain in which one certificate names its issuer and was not signed by it. */
  const forged = issue('p384', region, { name: zone.name, isAuthority: true, pathLength: 1, isForged: true })
  const belowForged = issue('p384', forged, { name: instance.name, isAuthority: true, pathLength: 0 })
  const below = { name: 'i-0123-enc01.region.aws' }
  const p256 = issue('p256', instance, below)
  /** A payload, and what follows the head of its map of nine. */
  const plain = Buffer.from(nitroPayload(chain, CHALLENGE))
  const fields = plain.subarray(1)
  const pcrs = (changed: Iterable<[number, Uint8Array]>) => ({ pcrs: new Map([...PCRS, ...changed]) })
  return [
    made('good', good),
    vector('good, tagged as COSE_Sign1', Buffer.concat([Buffer.from([0xd2]), document]), good, { attested }),
    made('good, with further registers listed', good, pcrs([[8, Buffer.alloc(48, 0x88)]]), {
      attested: listing(chain, { ...LISTED_PCRS, pcr8: '88'.repeat(48) }),
    }),
    made(
      'root that is not trusted',
      'UNTRUSTED_ROOT',
      {},
      {
        attested: { nitro: { roots: [AWS_NITRO_ROOT_G1], software: [{ name: 'x', pcrs: LISTED_PCRS }] } },
      },
    ),
    made('nothing above the instance', 'UNTRUSTED_ROOT', { cabundle: [instance.der] }),
    made('issuers in the wrong order', 'BAD_CHAIN', {
      cabundle: [root.der, zone.der, region.der, instance.der],
    }),
    made('an issuer of the same name with another key', 'BAD_CHAIN', {
      cabundle: [root.der, region.der, impostor.der, instance.der],
    }),
    vector(
      'an issuer that its own issuer did not sign',
      nitroDocument(
        { issuers: [root, region, forged, belowForged], signer: issue('p384', belowForged, below) },
        CHALLENGE,
      ),
      'BAD_CHAIN',
      { attested },
    ),
    signedBy('a signer that is an authority', nitroChain({ isAuthority: true }), 'BAD_CHAIN'),
    signedBy('a signer whose key is not for signing', nitroChain({ keyUsage: 0x08 }), 'BAD_CHAIN'),
    signedBy('a signer whose key is for nothing said', nitroChain({ keyUsage: null }), 'BAD_CHAIN'),
    signedBy(
      'an issuer that is no authority',
      nitroChain({}, { isAuthority: false, pathLength: null }),
      'BAD_CHAIN',
    ),
    signedBy(
      'an issuer that is no authority, though its key may certify',
      nitroChain({}, { isAuthority: false, pathLength: null, keyUsage: CERTIFIES }),
      'BAD_CHAIN',
    ),
    signedBy('an issuer that must not certify', nitroChain({}, { keyUsage: 0x02 }), 'BAD_CHAIN'),
    signedBy(
      'an extension that demands to be understood',
      nitroChain({ extensions: { '1.2.3.4': Buffer.from([5, 0]) }, critical: ['1.2.3.4'] }),
      'BAD_CHAIN',
    ),
    vector(
      'more issuers than one of them allows',
      (() => {
        const extra = issue('p384', instance, { name: 'extra', isAuthority: true })
        const signer = issue('p384', extra, below)
        return nitroDocument({ issuers: [...chain.issuers, extra], signer }, CHALLENGE)
      })(),
      'BAD_CHAIN',
      { attested },
    ),
    signedBy('a signer that has expired', nitroChain({ toMs: AT_MS }), 'EXPIRED'),
    signedBy('a signer that is not valid yet', nitroChain({ fromMs: AT_MS + 1_000 }), 'EXPIRED'),
    signedBy('an issuer that has expired', nitroChain({}, { toMs: AT_MS - DAY_MS }), 'EXPIRED'),
    made('made in the future', 'EXPIRED', { timestamp: AT_MS + 3_600_000 }),
    made('answers another challenge', 'WRONG_NONCE', {}, { challenge: OTHER_NONCE }),
    made('answers no challenge', 'WRONG_NONCE', { nonce: null }),
    made('has the nonce itself in place of its hash', 'WRONG_NONCE', { nonce: Buffer.alloc(32, 0x5a) }),
    made('made for another node', 'WRONG_KEY', {}, { challenge: OTHER_NODE }),
    made('made for no node', 'WRONG_KEY', { user_data: null }),
    made('debug mode', 'DEBUG_MODE', pcrs([0, 1, 2].map(at => [at, new Uint8Array(48)]))),
    made('debug mode in one register', 'DEBUG_MODE', pcrs([[1, new Uint8Array(48)]])),
    made('code that is not measured', 'DEBUG_MODE', { pcrs: new Map([...PCRS].filter(([at]) => at !== 2)) }),
    made('another image', 'UNKNOWN_MEASUREMENT', pcrs([[0, Buffer.alloc(48, 0xff)]])),
    made('another application', 'UNKNOWN_MEASUREMENT', pcrs([[2, Buffer.alloc(48, 0xff)]])),
    made(
      'a listed register that differs',
      'UNKNOWN_MEASUREMENT',
      {},
      {
        attested: listing(chain, { ...LISTED_PCRS, pcr8: '88'.repeat(48) }),
      },
    ),
    made(
      'no software listed',
      'UNKNOWN_MEASUREMENT',
      {},
      {
        attested: { nitro: { roots: [root.fingerprint], software: [] } },
      },
    ),
    cose(
      'a signature by another key',
      ([header, none, bytes]) =>
        coseSign1(bytes as Uint8Array, newKey('p384').privateKey, header as Uint8Array).with(
          1,
          none as never,
        ),
      'BAD_SIGNATURE',
    ),
    cose('a signature of zeros', parts => parts.with(3, new Uint8Array(96)), 'BAD_SIGNATURE'),
    cose(
      'a payload changed after it was signed',
      parts => parts.with(2, nitroPayload(chain, CHALLENGE, { module_id: 'i-0124-enc01' })),
      'BAD_SIGNATURE',
    ),
    vector(
      'a certified key of another curve as wide',
      nitroDocument({ ...chain, signer: issue('other384', instance, below) }, CHALLENGE),
      'BAD_SIGNATURE',
      { attested },
    ),
    vector(
      'a certified key of another curve',
      nitroDocument({ ...chain, signer: p256 }, CHALLENGE),
      'MALFORMED',
      { attested },
    ),
    cose('another algorithm', parts => parts.with(0, Uint8Array.of(0xa1, 0x01, 0x26)), 'MALFORMED'),
    cose('an unprotected header', parts => parts.with(1, new Map([[4, 1]])), 'MALFORMED'),
    cose('a fifth part', parts => [...parts, 0], 'UNKNOWN_KIND'),
    cose('no payload', parts => parts.with(2, null), 'MALFORMED'),
    cose('a signature that is too short', parts => parts.with(3, new Uint8Array(64)), 'MALFORMED'),
    vector('something after the document', Buffer.concat([document, Buffer.from([0])]), 'MALFORMED', {
      attested,
    }),
    vector('cut short', document.subarray(0, -1), 'MALFORMED', { attested }),
    vector('an array without an end', Buffer.from([0x84, 0x9f]), 'MALFORMED', { attested }),
    vector('arrays in arrays in arrays', Buffer.alloc(30_000, 0x84), 'MALFORMED', { attested }),
    payload('a payload that is no map', encode([1, 2, 3]), 'MALFORMED'),
    payload('a payload without fields', encode({}), 'MALFORMED'),
    payload(
      'a key twice',
      Buffer.concat([Buffer.from([0xaa]), fields, encode('digest'), encode('SHA384')]),
      'MALFORMED',
    ),
    payload(
      'a map without an end',
      Buffer.concat([Buffer.from([0xbf]), fields, Buffer.from([0xff])]),
      'MALFORMED',
    ),
    payload(
      'a length in more bytes than it needs',
      Buffer.from(plain.toString('latin1').replace('\x66SHA384', '\x78\x06SHA384'), 'latin1'),
      'MALFORMED',
    ),
    made('a field that is not known', 'MALFORMED', { extra: 1 }),
    made('another digest', 'MALFORMED', { digest: 'SHA256' }),
    made('no time', 'MALFORMED', { timestamp: 0 }),
    made('no registers', 'MALFORMED', { pcrs: new Map() }),
    made('a register that is too short', 'MALFORMED', pcrs([[0, new Uint8Array(20).fill(1)]])),
    made('a register that is not known', 'MALFORMED', pcrs([[32, new Uint8Array(48)]])),
    made('registers by name', 'MALFORMED', { pcrs: { pcr0: new Uint8Array(48) } }),
    made('no issuers', 'MALFORMED', { cabundle: [] }),
    made('too many issuers', 'MALFORMED', { cabundle: Array.from({ length: 9 }, () => root.der) }),
    made('a certificate that is too long', 'MALFORMED', { certificate: Buffer.alloc(1_025, 0x30) }),
    made('a certificate that is none', 'MALFORMED', { certificate: Buffer.alloc(300, 0x30) }),
    made('a certificate with something after it', 'MALFORMED', {
      certificate: Buffer.concat([chain.signer.der, Buffer.from([0])]),
    }),
    made('user data that is too long', 'MALFORMED', { user_data: Buffer.alloc(513) }),
    vector('longer than evidence may be', Buffer.alloc(32_769, 0x84), 'TOO_LARGE', { attested }),
    vector('nothing', new Uint8Array(), 'UNKNOWN_KIND', { attested }),
    vector('text', Buffer.from('attestation'), 'UNKNOWN_KIND', { attested }),
  ]
}

/** Evidence of SEV-SNP guests: good ones, and each way in which one is not. */
export function sevSnpCases(): AttestationVector[] {
  const chain = snpChain()
  const listing = (
    roots: readonly Holder[],
    software: unknown[] = [{ name: 'guest 1.0', measurement: MEASUREMENT }],
  ) => ({
    'sev-snp': {
      roots: roots.map(({ fingerprint }) => fingerprint),
      leastFirmware: { Milan: FIRMWARE, Genoa: { ...FIRMWARE, microcode: 72 }, Turin: FIRMWARE },
      software,
    },
  })
  const attested = listing([chain.root])
  const good = { software: 'guest 1.0' }
  const made = (name: string, result: Result, report = {}, options: Partial<CaseOptions> = {}) =>
    vector(name, snpEvidence(chain, CHALLENGE, report), result, { attested, ...options })
  const by = (name: string, options: Parameters<typeof snpChain>[0], result: Result, report = {}) => {
    const other = snpChain(options)
    return vector(name, snpEvidence(other, CHALLENGE, report), result, { attested: listing([other.root]) })
  }
  const raw = (name: string, evidence: Uint8Array, result: Result) =>
    vector(name, evidence, result, { attested })
  const report = snpReport(chain, CHALLENGE)
  const pem = certificatesAsPem(chain)
  const evidence = snpEvidence(chain, CHALLENGE)
  const root = issue('rsa', null, { name: 'ARK-Rome', isAuthority: true })
  const issuer = issue('rsa', root, { name: 'SEV-Rome', isAuthority: true, pathLength: 0 })
  const rome = { ...chain, root, issuer, signer: issue('p384', issuer, { name: 'SEV-VCEK', keyUsage: null }) }
  const older = { ...FIRMWARE, snp: FIRMWARE.snp - 1 }
  const flipped = (at: number) => {
    const bytes = Buffer.from(evidence)
    bytes[at]! ^= 1
    return bytes
  }
  return [
    made('good', good),
    made('good, version 2', good, { version: 2 }),
    made('good, version 5', good, { version: 5 }),
    raw('good, certificates as PEM', Buffer.concat([report, pem]), good),
    by('good, Genoa', { product: 'Genoa' }, good),
    by('good, Turin', { product: 'Turin', firmware: { ...FIRMWARE, fmc: 1 } }, good, {
      ...{ reported: { ...FIRMWARE, fmc: 1 }, committed: { ...FIRMWARE, fmc: 1 } },
    }),
    by('good, key of a cloud (VLEK)', { key: 'vlek' }, good),
    by('newer firmware than the least', { firmware: { ...FIRMWARE, snp: 23 } }, good, {
      reported: { ...FIRMWARE, snp: 23 },
    }),
    made('root that is not trusted', 'UNTRUSTED_ROOT', {}, { attested: listing([]) }),
    raw(
      'no root at hand',
      Buffer.concat([report, pem.subarray(0, pem.lastIndexOf('-----BEGIN'))]),
      'UNTRUSTED_ROOT',
    ),
    vector('a root that is no product’s', snpEvidence(rome, CHALLENGE), 'UNTRUSTED_ROOT', {
      attested: listing([rome.root]),
    }),
    by('a signer that has expired', { signer: { toMs: AT_MS } }, 'EXPIRED'),
    by('a signer that is an authority', { signer: { isAuthority: true } }, 'BAD_CHAIN'),
    by('a key that AMD did not certify', { signer: { isForged: true } }, 'BAD_CHAIN'),
    made('made for another node', 'WRONG_BINDING', {}, { challenge: OTHER_NODE }),
    made('answers another challenge', 'WRONG_BINDING', {}, { challenge: OTHER_NONCE }),
    made('may be debugged', 'DEBUG_MODE', { policy: 1n << 19n }),
    made('may be migrated', 'WEAK_POLICY', { policy: 1n << 18n }),
    made('asked for at a lower level', 'WEAK_POLICY', { vmpl: 1 }),
    made('asked for by the host', 'WEAK_POLICY', { vmpl: 0xffff_ffff }),
    made('another chip', 'WRONG_CHIP', { chipId: Buffer.alloc(64, 0xc6) }),
    made('a chip that does not say which', 'WRONG_CHIP', { chipId: Buffer.alloc(64) }),
    by('a certificate that does not say which chip', { chipId: Buffer.alloc(64) }, 'WRONG_CHIP', {
      chipId: Buffer.alloc(64),
    }),
    by('Turin, with more of a chip than the certificate says', { product: 'Turin' }, 'WRONG_CHIP', {
      chipId: CHIP_ID,
    }),
    made('other firmware than the certificate’s', 'WRONG_CHIP', {
      reported: { ...FIRMWARE, microcode: 214 },
    }),
    by('old firmware', { firmware: older }, 'OLD_FIRMWARE', { reported: older }),
    made('may go back to old firmware', 'OLD_FIRMWARE', { committed: older }),
    made('started under old firmware', 'OLD_FIRMWARE', { launch: older }),
    made(
      'a product without least firmware',
      'OLD_FIRMWARE',
      {},
      {
        attested: { 'sev-snp': { ...attested['sev-snp'], leastFirmware: { Genoa: FIRMWARE } } },
      },
    ),
    made('other software', 'UNKNOWN_MEASUREMENT', { measurement: 'b8'.repeat(48) }),
    made('no software listed', 'UNKNOWN_MEASUREMENT', {}, { attested: listing([chain.root], []) }),
    raw('changed after it was signed', flipped(0x90), 'BAD_SIGNATURE'),
    raw('a signature with one bit changed', flipped(0x2a0), 'BAD_SIGNATURE'),
    raw(
      'a signature of zeros',
      Buffer.concat([report.subarray(0, 0x2a0), Buffer.alloc(512), pem]),
      'BAD_SIGNATURE',
    ),
    raw('something in the signature', flipped(0x2a0 + 50), 'MALFORMED'),
    raw('something after the signature', flipped(0x4a0 - 1), 'MALFORMED'),
    made('a version that is not known', 'MALFORMED', { version: 6 }),
    made('another algorithm', 'MALFORMED', { change: (bytes: Buffer) => bytes.writeUInt32LE(2, 0x34) }),
    made('a policy that is none', 'MALFORMED', {
      change: (bytes: Buffer) => bytes.writeBigUInt64LE(0n, 0x08),
    }),
    made('signed by no key', 'MALFORMED', { change: (bytes: Buffer) => bytes.writeUInt32LE(0b11100, 0x48) }),
    made('a key of another kind than its certificate', 'MALFORMED', { key: 'vlek' }),
    by('a VCEK of no chip', { chipId: null }, 'MALFORMED'),
    raw('cut short', report.subarray(0, -1), 'MALFORMED'),
    raw('no certificates', report, 'MALFORMED'),
    raw('a table that is cut short', evidence.subarray(0, 0x4a0 + 60), 'MALFORMED'),
    raw('a certificate that is cut short', evidence.subarray(0, -20), 'MALFORMED'),
    raw(
      'something among the certificates',
      Buffer.concat([report, pem, Buffer.from('and more')]),
      'MALFORMED',
    ),
    raw('two signers', Buffer.concat([report, pem, pem]), 'MALFORMED'),
    raw(
      'a table that points far beyond its end',
      Buffer.concat([report, Buffer.alloc(240, 0xff)]),
      'MALFORMED',
    ),
  ]
}

/** What became of it: the operator's name of the software, or why it was refused. */
export function resultOf(verify: () => { software: string }): AttestationVector['result'] {
  try {
    return { software: verify().software }
  } catch (error) {
    if (error instanceof AttestationError) return { refused: error.code }
    throw error
  }
}
