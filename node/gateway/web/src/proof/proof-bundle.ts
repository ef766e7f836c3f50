import { z } from 'zod'
import { ShoalError } from '../../../../../protocol/errors.ts'
import { ADDRESS_PATTERN, type Address, BYTES32_PATTERN, type Bytes32 } from '../../../../../protocol/ids.ts'
import { MAX_PROOF_STEPS } from '../../../../../protocol/limits.ts'

/** What was opened is no proof. */
class ProofFileError extends ShoalError<'PROOF_FILE_INVALID'> {
  override readonly name = 'ProofFileError'

  constructor() {
    super('PROOF_FILE_INVALID', 'this is no proof of Shoal, or it has been damaged', {
      fix: 'Choose a file that was saved on this page, or ask for it again.',
    })
  }
}

/**
 * Everything that is needed to check a receipt or an event without asking whoever gave it: signed records as they are,
 * the way from the event to a root, and where that root is said to stand on chain. Nothing in it is believed.
 */
export interface ProofBundle {
  /** The provider's signed receipt record; null in the proof of another event. */
  receipt: Uint8Array | null
  /** The requester's signed record about it; null where it has not countersigned. */
  countersignature: Uint8Array | null
  /** The signed record of the log's event; null while there is none. */
  event: Uint8Array | null
  inclusion: {
    sequence: number
    eventHash: string
    claim: Bytes32
    proof: Bytes32[]
    root: Bytes32
    firstSequence: number
    lastSequence: number
  } | null
  /** Where the root is said to be anchored; null while it is not. */
  anchor: { wallet: Address; index: number; anchoredAt: number; transaction: Bytes32 | null } | null
}

const MAX_RECORD_CHARS = 32_768
/** As a file: a proof has some kilobytes. */
const MAX_PROOF_FILE_BYTES = 262_144

const record = z
  .base64()
  .max(MAX_RECORD_CHARS)
  .transform(text => fromBase64(text))
const bytes32 = z.string().toLowerCase().regex(BYTES32_PATTERN)
const count = z.int().min(0)

const bundleSchema = z.object({
  receipt: z.nullable(record),
  countersignature: z.nullable(record),
  event: z.nullable(record),
  inclusion: z.nullable(
    z.object({
      sequence: count,
      eventHash: z
        .string()
        .toLowerCase()
        .regex(/^0x[0-9a-f]{128}$/),
      claim: bytes32,
      proof: z.array(bytes32).max(MAX_PROOF_STEPS),
      root: bytes32,
      firstSequence: count,
      lastSequence: count,
    }),
  ),
  anchor: z.nullable(
    z.object({
      wallet: z.string().toLowerCase().regex(ADDRESS_PATTERN),
      index: count,
      anchoredAt: count,
      transaction: z.nullable(bytes32).default(null),
    }),
  ),
})

const FORMAT = 'shoal-proof'
const VERSION = 1
const fileSchema = z.looseObject({ format: z.literal(FORMAT), version: z.literal(VERSION) })

/** What a node's `/api/proofs/…` answers, or a file holds. @throws {ProofFileError} */
export function readBundle(value: unknown): ProofBundle {
  const parsed = bundleSchema.safeParse(value)
  if (!parsed.success) throw new ProofFileError()
  return parsed.data
}

/** A proof to keep or to hand on: JSON that says what it is. */
export function writeProofFile(bundle: ProofBundle): string {
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : toBase64(bytes))
  const { receipt, countersignature, event, inclusion, anchor } = bundle
  return `${JSON.stringify(
    {
      ...{ format: FORMAT, version: VERSION },
      ...{ receipt: text(receipt), countersignature: text(countersignature), event: text(event) },
      ...{ inclusion, anchor },
    },
    null,
    2,
  )}\n`
}

/** @throws {ProofFileError} when it is not one */
export function readProofFile(text: string): ProofBundle {
  if (text.length > MAX_PROOF_FILE_BYTES) throw new ProofFileError()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ProofFileError()
  }
  if (!fileSchema.safeParse(value).success) throw new ProofFileError()
  return readBundle(value)
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), character => character.charCodeAt(0))
}
