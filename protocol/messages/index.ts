import type { MessageDefinition } from '../codec.ts'
import { auditEventMessage } from './audit-event.ts'
import { countersignatureMessage } from './countersignature.ts'
import { offerMessage } from './offer.ts'
import { offersRequestMessage, offersResponseMessage } from './offer-exchange.ts'
import { providerFrameMessage } from './provider-frame.ts'
import { receiptMessage } from './receipt.ts'
import { requesterFrameMessage } from './requester-frame.ts'

/** Every message there is, for whoever must hold for all of them: vectors and fuzzers. */
export const messages: readonly MessageDefinition<never>[] = [
  offerMessage,
  offersRequestMessage,
  offersResponseMessage,
  requesterFrameMessage,
  providerFrameMessage,
  receiptMessage,
  countersignatureMessage,
  auditEventMessage,
] as unknown as readonly MessageDefinition<never>[]
