import { z } from 'zod'
import type { GatewayReply } from '../http/plugin.ts'
import type { InferenceEvent, ShoalInfo } from './inference-service.ts'

/** `shoal` in every answer. */
export const shoalInfoSchema = z
  .object({
    taskIds: z.array(z.string()),
    provider: z.string().describe('Who did it: a PeerId, local, or cloud:<service>.'),
    model: z.string().describe('name@sha256:<digest of the file>'),
    cost: z.string().describe('Decimal credits for the whole request.'),
    receipts: z.array(z.string()).describe('CIDs of the receipts both sides signed.'),
    attempts: z.int(),
    ended: z.enum(['complete', 'deadline', 'unpaid', 'cancelled']),
    payment: z
      .object({ paid: z.string(), used: z.string(), credit: z.string() })
      .optional()
      .describe(
        'Decimal credits: what the request brought, what of it was used, what is left for the next ones.',
      ),
    tools: z
      .array(z.object({ name: z.string(), isError: z.boolean() }))
      .optional()
      .describe('Calls made of tools of the node.'),
  })
  .describe('Who did it, at which price, with which receipts.')

/** `shoal` of an answer's body. */
export function shoalBody({ tools, ...shoal }: ShoalInfo): z.output<typeof shoalInfoSchema> {
  return {
    ...shoal,
    taskIds: [...shoal.taskIds],
    receipts: [...shoal.receipts],
    ...(tools === undefined ? {} : { tools: [...tools] }),
  }
}

/** Sets what is known of an answer before its first word as headers: `shoal-task`, `shoal-provider`, `shoal-model`. */
export function noteInHeaders(reply: GatewayReply, event: InferenceEvent): void {
  if (reply.sent || reply.raw.headersSent) return
  if (event.type === 'started') void reply.header('shoal-task', event.taskId)
  else if (event.type === 'provider') {
    void reply.header('shoal-provider', event.provider)
    void reply.header('shoal-model', event.model)
  }
}

/** Sets all there is to say of a whole answer as headers. */
export function resultHeaders(reply: GatewayReply, shoal: ShoalInfo): void {
  void reply.headers({
    'shoal-task': shoal.taskIds.join(','),
    'shoal-provider': shoal.provider,
    'shoal-model': shoal.model,
    'shoal-cost': shoal.cost,
    ...(shoal.receipts.length === 0 ? {} : { 'shoal-receipt': shoal.receipts.join(',') }),
  })
}
