import { z } from 'zod'
import {
  MAX_CHAT_MESSAGES,
  MAX_OUTPUT_TOKENS,
  MAX_STOP_STRING_BYTES,
  MAX_STOP_STRINGS,
} from '../../../protocol/limits.ts'
import { shoalInfoSchema } from '../inference/shoal-info.ts'
import { shoalOptionsSchema } from '../inference/shoal-options.ts'

/** What `/api/chat`, `/api/generate` and `/api/embed` take and answer; fields that are not named here are of no effect. */

const MAX_TOOLS = 128
const MAX_NAME = 128
const MAX_INPUTS = 2_048

const jsonObject = z.record(z.string(), z.unknown())
const stopString = z.string().min(1).max(MAX_STOP_STRING_BYTES)

export const modelField = z
  .string()
  .max(200)
  .describe('A name, the beginning of one, or name@sha256:…; :latest behind a name is of no meaning.')

const options = z
  .object({
    temperature: z.nullish(z.number().min(0).max(5)),
    top_p: z.nullish(z.number().min(0).max(1)),
    top_k: z.nullish(z.int()),
    min_p: z.nullish(z.number().min(0).max(1)),
    seed: z.nullish(z.int()),
    stop: z.nullish(z.union([stopString, z.array(stopString).max(MAX_STOP_STRINGS)])),
    num_predict: z.nullish(z.int().max(MAX_OUTPUT_TOKENS)).describe('Less than 0: as much as there may be.'),
  })
  .describe(
    'Where they are left out, as of Ollama; penalties and options of its own engine are of no effect.',
  )

const textFields = {
  model: modelField,
  format: z
    .nullish(z.union([z.enum(['json', '']), jsonObject]))
    .describe('json, or a JSON Schema that the answer is held to.'),
  options: z.nullish(options),
  stream: z.nullish(z.boolean()).describe('By default the answer is a stream of JSON lines.'),
  logprobs: z.nullish(z.boolean()),
  top_logprobs: z.nullish(z.int().min(0).max(20)),
  shoal: shoalOptionsSchema.optional(),
}

const message = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.nullish(z.string()),
  images: z.nullish(z.array(z.unknown())),
  tool_calls: z.nullish(
    z
      .array(
        z.object({
          id: z.nullish(z.string().max(MAX_NAME)),
          function: z.object({ name: z.string().max(MAX_NAME), arguments: z.nullish(jsonObject) }),
        }),
      )
      .max(MAX_TOOLS),
  ),
  tool_name: z.nullish(z.string().max(MAX_NAME)),
  tool_call_id: z.nullish(z.string().max(MAX_NAME)),
})
export type MessageInput = z.output<typeof message>

const tool = z.object({
  type: z.nullish(z.string()),
  function: z.object({
    name: z.string().regex(/^[a-zA-Z0-9_.-]{1,128}$/, 'is no name of a function'),
    description: z.nullish(z.string().max(16_384)),
    parameters: z.nullish(jsonObject),
  }),
})

export const chatRequestSchema = z
  .object({
    ...textFields,
    messages: z.array(message).max(MAX_CHAT_MESSAGES).default([]),
    tools: z.nullish(z.array(tool).max(MAX_TOOLS)),
  })
  .describe('A chat, as Ollama has it. think and keep_alive are of no effect.')
export type ChatRequest = z.output<typeof chatRequestSchema>

export const generateRequestSchema = z
  .object({
    ...textFields,
    prompt: z.nullish(z.string()).default(''),
    system: z.nullish(z.string()),
    raw: z.nullish(z.boolean()).describe('The prompt is gone on from as it is, without a chat template.'),
    suffix: z.nullish(z.string()),
    template: z.nullish(z.string()),
    context: z.nullish(z.array(z.unknown())),
    images: z.nullish(z.array(z.unknown())),
  })
  .describe('A prompt, as Ollama has it.')
export type GenerateRequest = z.output<typeof generateRequestSchema>

const logprob = z.object({ token: z.string(), logprob: z.number(), bytes: z.nullable(z.array(z.int())) })
const logprobs = z.array(logprob.extend({ top_logprobs: z.array(logprob) })).optional()

const ending = {
  model: z.string(),
  created_at: z.string(),
  done: z.boolean(),
  done_reason: z.string(),
  total_duration: z.int().describe('Nanoseconds.'),
  load_duration: z.int(),
  prompt_eval_count: z.int(),
  prompt_eval_duration: z.int(),
  eval_count: z.int(),
  eval_duration: z.int(),
  logprobs,
  shoal: shoalInfoSchema.optional(),
}
const answerMessage = z.object({
  role: z.literal('assistant'),
  content: z.string(),
  tool_calls: z
    .array(z.object({ function: z.object({ name: z.string(), arguments: jsonObject }) }))
    .optional(),
})
export type AnswerMessage = z.output<typeof answerMessage>

export const chatResponseSchema = z.object({ ...ending, message: answerMessage })
export const generateResponseSchema = z.object({ ...ending, response: z.string() })

export const embedRequestSchema = z
  .object({
    model: modelField,
    input: z.union([z.string(), z.array(z.string()).max(MAX_INPUTS)]),
    truncate: z.nullish(z.boolean()).describe('Of no effect: a text that is too long is an error.'),
    dimensions: z.nullish(z.int()).describe('Not taken: vectors are as long as the model makes them.'),
    shoal: shoalOptionsSchema.optional(),
  })
  .describe('Texts to embed, as Ollama has it.')
export const embedResponseSchema = z.object({
  model: z.string(),
  embeddings: z.array(z.array(z.number())),
  total_duration: z.int(),
  load_duration: z.int(),
  prompt_eval_count: z.int(),
  shoal: shoalInfoSchema,
})

export const embeddingsRequestSchema = z
  .object({ model: modelField, prompt: z.string(), shoal: shoalOptionsSchema.optional() })
  .describe("Ollama's older form of `/api/embed`.")
export const embeddingsResponseSchema = z.object({ embedding: z.array(z.number()) })

const error = z.object({ error: z.string() })
/** What may come in place of an answer. */
export const ollamaErrors = {
  400: error,
  401: error,
  402: error,
  403: error,
  404: error,
  429: error,
  500: error,
  502: error,
  503: error,
  504: error,
}
