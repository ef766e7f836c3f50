import { z } from 'zod'
import {
  MAX_CHAT_MESSAGES,
  MAX_OUTPUT_TOKENS,
  MAX_STOP_STRING_BYTES,
  MAX_STOP_STRINGS,
} from '../../../protocol/limits.ts'
import { shoalInfoSchema } from '../inference/shoal-info.ts'
import { shoalOptionsSchema } from '../inference/shoal-options.ts'

/** What `/v1/chat/completions` takes and answers; fields that are not named here are of no effect. */

const MAX_TOOLS = 128
const MAX_NAME = 128
const MAX_PARTS = 256

export const modelField = z
  .string()
  .max(200)
  .describe('A name, the beginning of one, or name@sha256:…; auto takes the best for the money.')

const textPart = z.object({ type: z.literal('text'), text: z.string() })
const otherPart = z.object({ type: z.enum(['image_url', 'input_audio', 'file', 'refusal']) })
const content = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [textPart, otherPart])).max(MAX_PARTS),
])
export type ContentInput = z.output<typeof content>

const toolCall = z.object({
  id: z.string().max(MAX_NAME),
  type: z.literal('function').default('function'),
  function: z.object({ name: z.string().max(MAX_NAME), arguments: z.string() }),
})

const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content }),
  z.object({ role: z.literal('user'), content }),
  z.object({
    role: z.literal('assistant'),
    content: z.nullish(content),
    tool_calls: z.nullish(z.array(toolCall).max(MAX_TOOLS)),
  }),
  z.object({ role: z.literal('tool'), content, tool_call_id: z.string().max(MAX_NAME) }),
])
export type ChatMessageInput = z.output<typeof message>

export const jsonObject = z.record(z.string(), z.unknown())
const functionName = z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/, 'is no name of a function')

const tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: functionName,
    description: z.nullish(z.string().max(16_384)),
    parameters: z.nullish(jsonObject),
    strict: z.nullish(z.boolean()),
  }),
})

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), function: z.object({ name: functionName }) }),
])

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string().max(MAX_NAME).default('answer'),
      description: z.nullish(z.string()),
      schema: jsonObject,
      strict: z.nullish(z.boolean()),
    }),
  }),
])

/** What all text endpoints of OpenAI share. */
export const samplingFields = {
  temperature: z.nullish(z.number().min(0).max(2)),
  top_p: z.nullish(z.number().min(0).max(1)),
  top_k: z.nullish(z.int().min(0)).describe('Not of OpenAI, but of most who speak its dialect.'),
  min_p: z.nullish(z.number().min(0).max(1)),
  seed: z.nullish(z.int().min(-0x8000_0000).max(0xffff_ffff)),
  shoal: shoalOptionsSchema.optional(),
}

export const stopField = z.nullish(
  z.union([
    z.string().min(1).max(MAX_STOP_STRING_BYTES),
    z.array(z.string().min(1).max(MAX_STOP_STRING_BYTES)).max(MAX_STOP_STRINGS),
  ]),
)
export const tokensField = z.nullish(z.int().min(1).max(MAX_OUTPUT_TOKENS))
/** Taken at nought only: engines do not do it. */
export const penaltyFields = {
  frequency_penalty: z.nullish(z.number().min(-2).max(2)),
  presence_penalty: z.nullish(z.number().min(-2).max(2)),
  logit_bias: z.nullish(z.record(z.string(), z.number())),
}
export const streamFields = {
  stream: z.nullish(z.boolean()),
  stream_options: z.nullish(z.object({ include_usage: z.nullish(z.boolean()) })),
}

export const chatRequestSchema = z
  .object({
    model: modelField,
    messages: z.array(message).min(1).max(MAX_CHAT_MESSAGES),
    max_tokens: tokensField,
    max_completion_tokens: tokensField,
    ...samplingFields,
    ...penaltyFields,
    ...streamFields,
    stop: stopField,
    n: z.nullish(z.int().min(1).max(8)),
    tools: z.nullish(z.array(tool).max(MAX_TOOLS)),
    tool_choice: z.nullish(toolChoice),
    parallel_tool_calls: z.nullish(z.boolean()),
    response_format: z.nullish(responseFormat),
    logprobs: z.nullish(z.boolean()),
    top_logprobs: z.nullish(z.int().min(0).max(20)),
    modalities: z.nullish(z.array(z.string())),
  })
  .describe('A chat, as OpenAI has it.')
export type ChatRequest = z.output<typeof chatRequestSchema>

export const usageSchema = z.object({
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
})

const logprob = z.object({ token: z.string(), logprob: z.number(), bytes: z.nullable(z.array(z.int())) })
const logprobsSchema = z.object({
  content: z.nullable(z.array(logprob.extend({ top_logprobs: z.array(logprob) }))),
  refusal: z.null(),
})

const finishReason = z.enum(['stop', 'length', 'tool_calls'])

export const chatResponseSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.nullable(z.string()),
        refusal: z.null(),
        tool_calls: z
          .array(
            z.object({
              id: z.string(),
              type: z.literal('function'),
              function: z.object({ name: z.string(), arguments: z.string() }),
            }),
          )
          .optional(),
      }),
      logprobs: z.nullable(logprobsSchema),
      finish_reason: finishReason,
    }),
  ),
  usage: usageSchema,
  shoal: shoalInfoSchema,
})
export type ChatResponse = z.output<typeof chatResponseSchema>
export type OpenaiFinish = z.output<typeof finishReason>

/** An error as clients of OpenAI read it. */
const openaiErrorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.nullable(z.string()),
    code: z.nullable(z.string()),
  }),
})
/** What may come in place of an answer. */
export const openaiErrors = {
  400: openaiErrorSchema,
  401: openaiErrorSchema,
  402: openaiErrorSchema,
  403: openaiErrorSchema,
  404: openaiErrorSchema,
  429: openaiErrorSchema,
  500: openaiErrorSchema,
  502: openaiErrorSchema,
  503: openaiErrorSchema,
  504: openaiErrorSchema,
}
