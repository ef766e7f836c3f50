import { type KeyObject, sign } from 'node:crypto'
import { encode } from 'cborg'
import {
  type AttestationChallenge,
  attestationData,
  attestationNonce,
} from '../../../protocol/attestation.ts'
import { type Holder, type IssueOptions, issue, SIGNS } from './authority.ts'

/** Registers of an enclave, and the same as the operator's list has them. */
export const PCRS: ReadonlyMap<number, Uint8Array> = new Map(
  Array.from({ length: 16 }, (_, at) => [at, new Uint8Array(48).fill(at < 3 ? 0xa0 + at : 0)]),
)
export const LISTED_PCRS = Object.fromEntries(
  [0, 1, 2].map(at => [`pcr${at}`, `a${at}`.repeat(48)]),
) as Readonly<Record<string, string>>

export interface NitroChain {
  /** The root first. */
  issuers: readonly Holder[]
  signer: Holder
}

/** Certificates as Nitro has them: root, region, zone, instance, enclave. */
export function nitroChain(
  signer: Partial<IssueOptions> = {},
  issuer: Partial<IssueOptions> = {},
): NitroChain {
  const authority = (name: string, pathLength: number | null) => ({ name, isAuthority: true, pathLength })
  const root = issue('p384', null, authority('aws.nitro-enclaves', null))
  const region = issue('p384', root, authority('region.aws.nitro-enclaves', 2))
  const zone = issue('p384', region, authority('zone.region.aws.nitro-enclaves', 1))
  const instance = issue('p384', zone, { ...authority('i-0123.region.aws.nitro-enclaves', 0), ...issuer })
  const enclave = { name: 'i-0123-enc01.region.aws', keyUsage: SIGNS, ...signer }
  return { issuers: [root, region, zone, instance], signer: issue('p384', instance, enclave) }
}

/** The fields of a document; null leaves one out. */
export type NitroFields = Readonly<Record<string, unknown>>

/** What the hypervisor says of an enclave. */
export function nitroPayload(
  { issuers, signer }: NitroChain,
  challenge: AttestationChallenge,
  changed: NitroFields = {},
): Uint8Array {
  return encode({
    module_id: 'i-0123-enc01',
    digest: 'SHA384',
    timestamp: Date.UTC(2026, 0, 1),
    pcrs: PCRS,
    certificate: signer.der,
    cabundle: issuers.map(({ der }) => der),
    public_key: null,
    user_data: attestationData(challenge),
    nonce: attestationNonce(challenge),
    ...changed,
  })
}

/** As COSE_Sign1, signed with ES384 unless the header says otherwise. */
export function coseSign1(
  payload: Uint8Array,
  privateKey: KeyObject,
  header: Uint8Array = Uint8Array.of(0xa1, 0x01, 0x38, 0x22),
): [Uint8Array, Map<unknown, unknown>, Uint8Array, Uint8Array] {
  const signed = encode(['Signature1', header, new Uint8Array(), payload])
  const signature = sign('sha384', signed, { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return [header, new Map(), payload, signature]
}

/** A document as the Nitro Security Module gives it. */
export function nitroDocument(
  chain: NitroChain,
  challenge: AttestationChallenge,
  changed: NitroFields = {},
): Uint8Array {
  return encode(coseSign1(nitroPayload(chain, challenge, changed), chain.signer.privateKey))
}
