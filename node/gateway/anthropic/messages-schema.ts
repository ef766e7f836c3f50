import { z } from 'zod'
import {
  MAX_CHAT_MESSAGES,
  MAX_OUTPUT_TOKENS,
  MAX_STOP_STRING_BYTES,
  MAX_STOP_STRINGS,
} from '../../../protocol/limits.ts'
import { shoalInfoSchema } from '../inference/shoal-info.ts'
import { shoalOptionsSchema } from '../inference/shoal-options.ts'

/** What `/v1/messages` takes and answers; fields that are not named here are of no effect. */

const MAX_TOOLS = 128
const MAX_NAME = 128
const MAX_BLOCKS = 1_024

const jsonObject = z.record(z.string(), z.unknown())
const toolName = z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/, 'is no name of a tool')

const textBlock = z.object({ type: z.literal('text'), text: z.string() })
const textOnly = z.union([z.string(), z.array(textBlock).max(MAX_BLOCKS)])

/** What no model of the network reads is let in to be refused by its name. */
const otherBlock = z.object({ type: z.string().max(MAX_NAME) })

const contentBlock = z.union([
  textBlock,
  z.object({
    type: z.literal('tool_use'),
    id: z.string().min(1).max(MAX_NAME),
    name: z.string().max(MAX_NAME),
    input: z.unknown(),
  }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: z.string().min(1).max(MAX_NAME),
    content: z.nullish(z.union([z.string(), z.array(z.union([textBlock, otherBlock])).max(MAX_BLOCKS)])),
    is_error: z.nullish(z.boolean()),
  }),
  otherBlock,
])
export type ContentBlock = z.output<typeof contentBlock>

const message = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(contentBlock).max(MAX_BLOCKS)]),
})
export type MessageInput = z.output<typeof message>

const tool = z.object({
  type: z.nullish(z.string().max(MAX_NAME)),
  name: toolName,
  description: z.nullish(z.string().max(16_384)),
  input_schema: z.nullish(jsonObject),
})

const toolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['auto', 'any', 'none']) }),
  z.object({ type: z.literal('tool'), name: toolName }),
])

const promptFields = {
  model: z
    .string()
    .min(1)
    .max(200)
    .describe('A name, the beginning of one, or name@sha256:…; auto takes the best for the money.'),
  messages: z.array(message).min(1).max(MAX_CHAT_MESSAGES),
  system: z.nullish(textOnly),
  tools: z.nullish(z.array(tool).max(MAX_TOOLS)),
  tool_choice: z.nullish(toolChoice),
}

export const messagesRequestSchema = z
  .object({
    ...promptFields,
    max_tokens: z.int().min(1).max(MAX_OUTPUT_TOKENS),
    stop_sequences: z.nullish(z.array(z.string().min(1).max(MAX_STOP_STRING_BYTES)).max(MAX_STOP_STRINGS)),
    stream: z.nullish(z.boolean()),
    temperature: z.nullish(z.number().min(0).max(2)),
    top_p: z.nullish(z.number().min(0).max(1)),
    top_k: z.nullish(z.int().min(0)),
    output_config: z.nullish(
      z.object({
        format: z.nullish(z.object({ type: z.literal('json_schema'), schema: jsonObject })),
      }),
    ),
    shoal: shoalOptionsSchema.optional(),
  })
  .describe(
    'A conversation, as Anthropic has it. What a model should think first, and caching, is of no effect.',
  )
export type MessagesRequest = z.output<typeof messagesRequestSchema>

export const countTokensSchema = z.object(promptFields)
export type CountTokensRequest = z.output<typeof countTokensSchema>

export const countTokensResponseSchema = z.object({
  input_tokens: z.int(),
  shoal: z.object({ isEstimate: z.boolean().describe('Whether no model of this node could count them.') }),
})

const usage = z.object({
  input_tokens: z.int(),
  output_tokens: z.int(),
  cache_creation_input_tokens: z.null(),
  cache_read_input_tokens: z.null(),
})

export const STOP_REASONS = ['end_turn', 'max_tokens', 'stop_sequence', 'tool_use'] as const
export type StopReason = (typeof STOP_REASONS)[number]

export const messagesResponseSchema = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  model: z.string(),
  content: z.array(
    z.union([
      z.object({ type: z.literal('text'), text: z.string(), citations: z.null() }),
      z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() }),
    ]),
  ),
  stop_reason: z.enum(STOP_REASONS),
  stop_sequence: z.nullable(z.string()),
  usage,
  shoal: shoalInfoSchema,
})
export type MessagesResponse = z.output<typeof messagesResponseSchema>

const error = z.object({
  type: z.literal('error'),
  error: z.object({ type: z.string(), message: z.string() }),
})
/** What may come in place of an answer. */
export const anthropicErrors = {
  400: error,
  401: error,
  402: error,
  403: error,
  404: error,
  413: error,
  429: error,
  500: error,
  502: error,
  503: error,
  504: error,
}
