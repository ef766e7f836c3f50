import { X509Certificate } from 'node:crypto'
import { DER, DerReader, derInteger, derOid } from './der.ts'
import { AttestationError } from './errors.ts'

export interface CertificateExtension {
  isCritical: boolean
  /** Content of `extnValue`. */
  value: Uint8Array
}

/** What a certificate lets its key do (RFC 5280, 4.2.1.3 and 4.2.1.9). */
interface KeyRights {
  isAuthority: boolean
  /** Authorities below it; null for no limit. */
  pathLength: number | null
  /** Null where the certificate does not restrict its key. */
  usage: { signs: boolean; certifies: boolean } | null
}

const BASIC_CONSTRAINTS = '2.5.29.19'
const KEY_USAGE = '2.5.29.15'

/** An X.509 certificate: parsed and verified by OpenSSL, its extensions by us, since Node does not show them. */
export class Certificate {
  readonly x509: X509Certificate
  /** By object identifier. */
  readonly extensions: ReadonlyMap<string, CertificateExtension>
  readonly #rights: KeyRights

  /**
   * @param der the certificate and nothing else
   * @throws {AttestationError} MALFORMED
   */
  constructor(der: Uint8Array) {
    try {
      this.x509 = new X509Certificate(der)
    } catch (cause) {
      throw new AttestationError('MALFORMED', 'a certificate cannot be read', { cause })
    }
    // OpenSSL takes PEM in place of DER, and anything after it.
    if (!Buffer.from(der).equals(this.x509.raw))
      throw new AttestationError('MALFORMED', 'a certificate is followed by something else')
    this.extensions = readExtensions(der)
    this.#rights = readRights(this.extensions)
  }

  /** SHA-256 of its DER, lower-case hex. */
  get fingerprint(): string {
    return this.x509.fingerprint256.replaceAll(':', '').toLowerCase()
  }

  get rights(): KeyRights {
    return this.#rights
  }

  /** Of its subject; empty where it has none. */
  get commonName(): string {
    return /^CN=(.*)$/m.exec(this.x509.subject)?.[1] ?? ''
  }

  /** Whether its key is ECDSA on P-384, which both vendors sign evidence with. */
  get isP384(): boolean {
    try {
      const { asymmetricKeyType, asymmetricKeyDetails } = this.x509.publicKey
      return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'secp384r1'
    } catch {
      return false
    }
  }

  /** Whether it names `issuer` as its issuer. Cheap: no signature is looked at. */
  namesAsIssuer(issuer: Certificate): boolean {
    return this.x509.checkIssued(issuer.x509)
  }

  /** Whether it names `issuer` as its issuer and has that key's signature. */
  isIssuedBy(issuer: Certificate): boolean {
    try {
      return this.namesAsIssuer(issuer) && this.x509.verify(issuer.x509.publicKey)
    } catch {
      // A key of a kind that OpenSSL does not know.
      return false
    }
  }
}

/**
 * Validates a path (RFC 5280, section 6, as far as the vendors' certificates go; no revocation): each issued by
 * the next, every issuer an authority that may have so many below it, the first none; nothing critical that is
 * not understood; all valid now; the last one pinned.
 *
 * @param path the signer's certificate first, the root last
 * @returns when the first of them expires, ms
 * @throws {AttestationError} UNTRUSTED_ROOT, BAD_CHAIN, EXPIRED
 */
export function validatePath(
  path: readonly Certificate[],
  options: {
    /** Fingerprints. */
    roots: ReadonlySet<string>
    nowMs: number
  },
): number {
  const { roots, nowMs } = options
  const root = path.at(-1)
  if (root === undefined || !roots.has(root.fingerprint))
    throw new AttestationError('UNTRUSTED_ROOT', 'the certificates end at a root that is not trusted', {
      details: { fingerprint: root?.fingerprint ?? null },
    })
  let untilMs = Number.POSITIVE_INFINITY
  // From the root down: a key is used when it is certified and not before, since some take long to verify with.
  for (const [place, certificate] of [...path.entries()].toReversed()) {
    // Its own names for itself are not told on: they are a stranger's text.
    const name = place === 0 ? 'the certificate of the signer' : `the certificate of issuer ${place}`
    const issuer = path[place + 1]
    if (issuer !== undefined && !certificate.isIssuedBy(issuer))
      throw badChain(`${name} does not come from issuer ${place + 1}`)
    const { isAuthority, pathLength, usage } = certificate.rights
    if (place === 0 ? isAuthority || usage?.signs === false : !isAuthority || usage?.certifies !== true)
      throw badChain(`${name} is not for ${place === 0 ? 'signing' : 'issuing certificates'}`)
    if (pathLength !== null && place - 1 > pathLength)
      throw badChain(`${name} does not allow for so many issuers below it`)
    for (const [oid, { isCritical }] of certificate.extensions)
      if (isCritical && oid !== BASIC_CONSTRAINTS && oid !== KEY_USAGE)
        throw badChain(`${name} demands that ${oid} is understood, which it is not`)
    const fromMs = certificate.x509.validFromDate.getTime()
    const toMs = certificate.x509.validToDate.getTime()
    // Written so that a date that is none is refused.
    if (!(fromMs <= nowMs && nowMs < toMs))
      throw new AttestationError('EXPIRED', `${name} is not valid at this time`, {
        details: { fromMs, toMs },
      })
    untilMs = Math.min(untilMs, toMs)
  }
  return untilMs
}

function readExtensions(der: Uint8Array): Map<string, CertificateExtension> {
  const found = new Map<string, CertificateExtension>()
  // Certificate: tbsCertificate, algorithm, signature. Of the first, all but the extensions is passed over.
  const signed = new DerReader(der).enter(DER.sequence).enter(DER.sequence)
  while (signed.nextTag !== null && signed.nextTag !== DER.context3) signed.read()
  if (signed.isDone) return found
  const list = signed.enter(DER.context3).enter(DER.sequence)
  while (!list.isDone) {
    const extension = list.enter(DER.sequence)
    const oid = derOid(extension.read(DER.oid))
    const isCritical = extension.nextTag === DER.boolean && extension.read(DER.boolean)[0] !== 0
    const value = extension.read(DER.octetString)
    extension.end()
    if (found.has(oid))
      throw new AttestationError('MALFORMED', `a certificate has the extension ${oid} twice`)
    found.set(oid, { isCritical, value })
  }
  return found
}

function readRights(extensions: ReadonlyMap<string, CertificateExtension>): KeyRights {
  const constraints = extensions.get(BASIC_CONSTRAINTS)
  const keyUsage = extensions.get(KEY_USAGE)
  let isAuthority = false
  let pathLength: number | null = null
  if (constraints !== undefined) {
    const fields = new DerReader(constraints.value).enter(DER.sequence)
    isAuthority = fields.nextTag === DER.boolean && fields.read(DER.boolean)[0] !== 0
    if (!fields.isDone) pathLength = derInteger(fields.read(DER.integer))
    fields.end()
  }
  if (keyUsage === undefined) return { isAuthority, pathLength, usage: null }
  // The first byte says how many bits of the last are not used; bit 0 is the highest of the second byte.
  const [, bits = 0] = new DerReader(keyUsage.value).read(DER.bitString)
  return { isAuthority, pathLength, usage: { signs: (bits & 0x80) !== 0, certifies: (bits & 0x04) !== 0 } }
}

function badChain(what: string): AttestationError {
  return new AttestationError('BAD_CHAIN', what)
}
