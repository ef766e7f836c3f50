import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import type { CidString } from '../ids.ts'

/** The requester's signature under a receipt: it received this output, and paid this amount. */
export interface Countersignature {
  version: 1
  /** CID of the provider's signed receipt record. */
  receipt: CidString
}

export const countersignatureMessage: MessageDefinition<Countersignature> = {
  type: 'countersignature',
  maxBytes: 512,
  schema: z.strictObject({ version: z.literal(1), receipt: wire.cid }),
}
