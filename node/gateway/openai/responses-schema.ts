import { z } from 'zod'
import { shoalInfoSchema } from '../inference/shoal-info.ts'
import { shoalOptionsSchema } from '../inference/shoal-options.ts'
import { jsonObject, modelField, samplingFields, tokensField } from './chat-schema.ts'

/** What `/v1/responses` takes and answers. */

const MAX_ITEMS = 256
const MAX_ID = 128

const inputPart = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() }),
  z.object({ type: z.enum(['input_image', 'input_file', 'input_audio', 'refusal']) }),
])
const inputContent = z.union([z.string(), z.array(inputPart).max(MAX_ITEMS)])
export type ResponseContentInput = z.output<typeof inputContent>

const messageItem = z.object({
  type: z.literal('message').default('message'),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: inputContent,
})
const callItem = z.object({
  type: z.literal('function_call'),
  call_id: z.string().max(MAX_ID),
  name: z.string().max(MAX_ID),
  arguments: z.string(),
})
const outputItem = z.object({
  type: z.literal('function_call_output'),
  call_id: z.string().max(MAX_ID),
  output: inputContent,
})
/** What a model thought is not said again. */
const ignoredItem = z.object({ type: z.enum(['reasoning', 'item_reference']) })
const inputItem = z.union([messageItem, callItem, outputItem, ignoredItem])
export type ResponseItemInput = z.output<typeof inputItem>

const functionTool = z.object({
  type: z.literal('function'),
  name: z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/),
  description: z.nullish(z.string().max(16_384)),
  parameters: z.nullish(jsonObject),
  strict: z.nullish(z.boolean()),
})
const otherTool = z.object({ type: z.string().max(MAX_ID) })

const textFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string().max(MAX_ID),
    description: z.nullish(z.string()),
    schema: jsonObject,
    strict: z.nullish(z.boolean()),
  }),
])

export const responsesRequestSchema = z
  .object({
    model: modelField,
    input: z.union([z.string(), z.array(inputItem).max(MAX_ITEMS)]),
    instructions: z.nullish(z.string()),
    max_output_tokens: tokensField,
    temperature: samplingFields.temperature,
    top_p: samplingFields.top_p,
    tools: z.nullish(z.array(z.union([functionTool, otherTool])).max(128)),
    tool_choice: z.nullish(
      z.union([
        z.enum(['none', 'auto', 'required']),
        z.object({ type: z.string(), name: z.string().optional() }),
      ]),
    ),
    parallel_tool_calls: z.nullish(z.boolean()),
    text: z.nullish(z.object({ format: z.nullish(textFormat), verbosity: z.nullish(z.string()) })),
    previous_response_id: z.nullish(z.string().max(MAX_ID)),
    store: z.nullish(z.boolean()),
    stream: z.nullish(z.boolean()),
    background: z.nullish(z.boolean()),
    metadata: z.nullish(z.record(z.string().max(64), z.string().max(512))),
    include: z.nullish(z.array(z.string())),
    top_logprobs: z.nullish(z.int().min(0).max(20)),
    shoal: shoalOptionsSchema.optional(),
  })
  .describe('A response, as OpenAI has it.')
export type ResponsesRequest = z.output<typeof responsesRequestSchema>

const outputText = z.object({
  type: z.literal('output_text'),
  text: z.string(),
  annotations: z.array(z.never()),
  logprobs: z.array(z.unknown()),
})
const messageOutput = z.object({
  id: z.string(),
  type: z.literal('message'),
  role: z.literal('assistant'),
  status: z.enum(['in_progress', 'completed', 'incomplete']),
  content: z.array(outputText),
})
const callOutput = z.object({
  id: z.string(),
  type: z.literal('function_call'),
  status: z.enum(['in_progress', 'completed', 'incomplete']),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
})
const outputItemSchema = z.discriminatedUnion('type', [messageOutput, callOutput])
export type ResponseOutputItem = z.output<typeof outputItemSchema>
export type ResponseMessageItem = z.output<typeof messageOutput>
export type ResponseCallItem = z.output<typeof callOutput>
export type ResponseTextPart = z.output<typeof outputText>

export const responseSchema = z.object({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int(),
  status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
  error: z.nullable(z.object({ code: z.string(), message: z.string() })),
  incomplete_details: z.nullable(z.object({ reason: z.literal('max_output_tokens') })),
  instructions: z.nullable(z.string()),
  max_output_tokens: z.nullable(z.int()),
  model: z.string(),
  output: z.array(outputItemSchema),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.nullable(z.string()),
  reasoning: z.object({ effort: z.null(), summary: z.null() }),
  store: z.boolean(),
  temperature: z.number(),
  top_p: z.number(),
  text: z.object({ format: z.record(z.string(), z.unknown()) }),
  tool_choice: z.union([z.string(), z.record(z.string(), z.unknown())]),
  tools: z.array(z.record(z.string(), z.unknown())),
  truncation: z.literal('disabled'),
  usage: z.nullable(
    z.object({
      input_tokens: z.int(),
      input_tokens_details: z.object({ cached_tokens: z.int() }),
      output_tokens: z.int(),
      output_tokens_details: z.object({ reasoning_tokens: z.int() }),
      total_tokens: z.int(),
    }),
  ),
  user: z.null(),
  metadata: z.record(z.string(), z.string()),
  shoal: shoalInfoSchema.optional(),
})
export type ResponseBody = z.output<typeof responseSchema>
