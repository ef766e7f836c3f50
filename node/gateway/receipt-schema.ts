import { z } from 'zod'

/** `ReceiptView`, as OpenAPI and MCP tell it. */
export const receiptSchema = z.object({
  receipt: z.string().describe('CID'),
  role: z.enum(['requester', 'provider']),
  taskId: z.string(),
  attempt: z.int(),
  model: z.string(),
  provider: z.string(),
  requester: z.string(),
  reason: z.string().describe('Why it ended'),
  promptTokens: z.int(),
  outputTokens: z.int(),
  amount: z.string().describe('Credits'),
  channelId: z.string(),
  endedAt: z.iso.datetime(),
  countersigned: z.boolean().describe('Both have signed'),
})
