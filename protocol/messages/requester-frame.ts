import { z } from 'zod'
import { type MessageDefinition, wire } from '../codec.ts'
import { MAX_TASK_FRAME_BYTES } from '../limits.ts'
import { countersignatureMessage } from './countersignature.ts'
import { windowSchema } from './provider-frame.ts'
import { type TaskRequest, taskRequestSchema } from './task-request.ts'

/** Pays for what has arrived: a voucher on the channel, and how much of it is for this task. */
export interface PaymentFrame {
  kind: 'payment'
  /** Total on the channel, over all its tasks. */
  cumulativeAmount: bigint
  /** Total for this task. */
  taskAmount: bigint
  signature: string
}

/** What a requester may say on a task's stream. */
export type RequesterFrame =
  | TaskRequest
  | PaymentFrame
  /** All replicas have sealed this window, or whoever has not is waited for no longer: open it. One after the other. */
  | { kind: 'open'; window: number }
  /** Stop now; what has arrived is paid. */
  | { kind: 'cancel' }
  /** Accepts the receipt; sent after the last payment. */
  | { kind: 'countersign'; record: Uint8Array }

export const requesterFrameMessage: MessageDefinition<RequesterFrame> = {
  type: 'requester-frame',
  maxBytes: MAX_TASK_FRAME_BYTES,
  schema: z.discriminatedUnion('kind', [
    taskRequestSchema,
    z.strictObject({
      kind: z.literal('payment'),
      cumulativeAmount: wire.amount,
      taskAmount: wire.amount,
      signature: wire.ecdsaSignature,
    }),
    z.strictObject({ kind: z.literal('open'), window: windowSchema }),
    z.strictObject({ kind: z.literal('cancel') }),
    z.strictObject({ kind: z.literal('countersign'), record: wire.bytes(countersignatureMessage.maxBytes) }),
  ]),
}
