import { z } from 'zod'
import { AttestationError } from '../errors.ts'
import { decodeStrictCbor } from './cose.ts'

/** Root first, as many as AWS uses and a few more. */
const MAX_ISSUERS = 8
const MAX_PAYLOAD_BYTES = 16_384

const bytes = (minBytes: number, maxBytes: number) =>
  z.custom<Uint8Array>(
    value => value instanceof Uint8Array && value.length >= minBytes && value.length <= maxBytes,
    { message: `expected ${minBytes} to ${maxBytes} bytes` },
  )

/**
 * Payload of a Nitro attestation document, with the bounds of AWS's `docs/attestation_process.md` (Nitro Enclaves
 * NSM API), 3.2.2. An optional field may be null, which that text forbids and the hypervisor does.
 */
const documentSchema = z.strictObject({
  /** The enclave and the instance it belongs to. */
  module_id: z.string().min(1).max(256),
  timestamp: z.int().min(1),
  digest: z.literal('SHA384'),
  pcrs: z
    .map(
      z.int().min(0).max(31),
      bytes(32, 64).refine(({ length }) => length === 32 || length === 48 || length === 64),
    )
    .refine(({ size }) => size >= 1 && size <= 32),
  certificate: bytes(1, 1_024),
  /** The root first. */
  cabundle: z.array(bytes(1, 1_024)).min(1).max(MAX_ISSUERS),
  public_key: bytes(1, 1_024).nullish(),
  user_data: bytes(0, 512).nullish(),
  nonce: bytes(0, 512).nullish(),
})

export type NitroDocument = z.output<typeof documentSchema>

/** @throws {AttestationError} MALFORMED */
export function readNitroDocument(payload: Uint8Array): NitroDocument {
  if (payload.length > MAX_PAYLOAD_BYTES) throw new AttestationError('MALFORMED', 'the document is too long')
  const decoded = decodeStrictCbor(payload)
  const parsed = documentSchema.safeParse(decoded instanceof Map ? Object.fromEntries(decoded) : null)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  // The path has only names of ours, or keys of `pcrs`, which a message need not repeat.
  const field = String(issue?.path[0] ?? '')
  throw new AttestationError('MALFORMED', `the document is not Nitro's: ${field || 'its fields'}`)
}
