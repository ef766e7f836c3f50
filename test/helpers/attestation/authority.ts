import { constants, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'
import {
  bits,
  commonName,
  element,
  flag,
  integer,
  nothing,
  octets,
  oid,
  sequence,
  time,
} from './der-writer.ts'

const FROM_MS = Date.UTC(2025, 0, 1)
const TO_MS = Date.UTC(2125, 0, 1)

export interface IssueOptions {
  name: string
  /** Null for what is no authority. */
  pathLength?: number | null
  isAuthority?: boolean
  /** Bits of KeyUsage as in its first byte; null leaves the extension out. */
  keyUsage?: number | null
  fromMs?: number
  toMs?: number
  /** Whole values by object identifier. */
  extensions?: Readonly<Record<string, Uint8Array>>
  critical?: readonly string[]
  /** Signed by another key than that of the issuer it names. */
  isForged?: boolean
}

/** A key with its certificate. */
export interface Holder {
  name: string
  privateKey: KeyObject
  der: Buffer
  /** SHA-256, lower-case hex. */
  fingerprint: string
}

export const SIGNS = 0x80
export const CERTIFIES = 0x04

const SHA384 = '2.16.840.1.101.3.4.2.2'
const ECDSA_SHA384 = sequence(oid('1.2.840.10045.4.3.3'))
/** RSASSA-PSS with SHA-384 and 48 bytes of salt, as AMD has it. */
const PSS_SHA384 = sequence(
  oid('1.2.840.113549.1.1.10'),
  sequence(
    element(0xa0, sequence(oid(SHA384), nothing())),
    element(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sequence(oid(SHA384), nothing()))),
    element(0xa2, integer(48)),
  ),
)

type KeyPair = { publicKey: KeyObject; privateKey: KeyObject }

/** They take long to make; who has which is said by certificates. */
const rsaKeys: KeyPair[] = []

/** `other384` is a curve whose signatures are as long as those of P-384. */
export type KeyKind = 'p384' | 'p256' | 'other384' | 'rsa'
const CURVES = { p384: 'P-384', p256: 'P-256', other384: 'brainpoolP384r1' }

export function newKey(kind: KeyKind): KeyPair {
  if (kind === 'rsa') {
    const key = rsaKeys.length < 2 ? generateKeyPairSync('rsa', { modulusLength: 2_048 }) : rsaKeys.shift()!
    rsaKeys.push(key)
    return key
  }
  return generateKeyPairSync('ec', { namedCurve: CURVES[kind] })
}

/** Of the same kind, so that it could be the issuer's. */
function forgersKey({ privateKey }: Holder): KeyObject {
  const isRsa = privateKey.asymmetricKeyType === 'rsa'
  return isRsa ? generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey : newKey('p384').privateKey
}

let serial = 1

/** Issues a certificate for a new key; by itself, when there is no issuer. */
export function issue(kind: KeyKind, issuer: Holder | null, options: IssueOptions): Holder {
  const { name, pathLength = null, isAuthority = false, keyUsage = isAuthority ? CERTIFIES : SIGNS } = options
  const { fromMs = FROM_MS, toMs = TO_MS, extensions = {}, critical = [] } = options
  const { publicKey, privateKey } = newKey(kind)
  const signer = options.isForged === true ? forgersKey(issuer!) : (issuer?.privateKey ?? privateKey)
  const algorithm = signer.asymmetricKeyType === 'rsa' ? PSS_SHA384 : ECDSA_SHA384
  const extension = (id: string, isCritical: boolean, value: Uint8Array) =>
    sequence(oid(id), ...(isCritical ? [flag(true)] : []), octets(value))
  const constraints = sequence(
    ...(isAuthority ? [flag(true)] : []),
    ...(pathLength === null ? [] : [integer(pathLength)]),
  )
  const signed = sequence(
    element(0xa0, integer(2)),
    integer(serial++),
    algorithm,
    commonName(issuer?.name ?? name),
    sequence(time(fromMs), time(toMs)),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(
      0xa3,
      sequence(
        ...(isAuthority || pathLength !== null ? [extension('2.5.29.19', true, constraints)] : []),
        ...(keyUsage === null
          ? []
          : [extension('2.5.29.15', true, bits(Buffer.from([keyUsage]), keyUsage === SIGNS ? 7 : 2))]),
        ...Object.entries(extensions).map(([id, value]) => extension(id, critical.includes(id), value)),
      ),
    ),
  )
  const signature = sign('sha384', signed, {
    key: signer,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: 48,
  })
  const der = sequence(signed, algorithm, bits(signature))
  const fingerprint = new X509Certificate(der).fingerprint256.replaceAll(':', '').toLowerCase()
  return { name, privateKey, der, fingerprint }
}
