import type { IncomingHttpHeaders } from 'node:http'
import { modelCannot } from '../http/http-error.ts'
import type {
  CanonicalMessage,
  CanonicalRequest,
  ResponseFormat,
  ToolCall,
} from '../inference/canonical-request.ts'
import type { FinishReason, TokenLogprob } from '../inference/inference-service.ts'
import { shoalOptionsFrom } from '../inference/shoal-options.ts'
import type { AnswerMessage, ChatRequest, GenerateRequest, MessageInput } from './schema.ts'

/** What Ollama takes where a request says nothing. */
const DEFAULTS = { temperature: 0.8, topP: 0.9, topK: 40, minP: 0 } as const

type TextRequest = Pick<ChatRequest, 'model' | 'format' | 'options' | 'logprobs' | 'top_logprobs' | 'shoal'>

/**
 * A chat of Ollama's dialect as every dialect's.
 * @throws {GatewayError} MODEL_CANNOT for images
 */
export function chatRequest(body: ChatRequest, headers: IncomingHttpHeaders): CanonicalRequest {
  const tools = body.tools ?? []
  return {
    ...textRequest(body, headers),
    input: { kind: 'chat', messages: canonicalMessages(body.messages) },
    tools: tools.map(({ function: { name, description, parameters } }) => ({
      ...{ name, description: description ?? null, parameters: parameters ?? {} },
    })),
    toolChoice: tools.length === 0 ? 'none' : 'auto',
  }
}

/**
 * A prompt of Ollama's dialect as every dialect's.
 * @throws {GatewayError} MODEL_CANNOT for what the network does not do: images, templates, contexts, texts in the middle
 */
export function generateRequest(body: GenerateRequest, headers: IncomingHttpHeaders): CanonicalRequest {
  const { raw, system, template, context, suffix } = body
  const prompt = body.prompt ?? ''
  refuseImages(body.images, 'images')
  if (suffix) throw modelCannot('suffix', 'nothing is written into the middle of a text')
  if (template) throw modelCannot('template', 'models are asked by the template in their file')
  if (context != null && context.length > 0)
    throw modelCannot('context', 'what was said before is not kept; send it in /api/chat')
  const messages: CanonicalMessage[] = [
    ...(system ? [{ role: 'system' as const, text: system }] : []),
    { role: 'user', text: prompt },
  ]
  return {
    ...textRequest(body, headers),
    input: raw === true ? { kind: 'completion', prompt } : { kind: 'chat', messages },
    tools: [],
    toolChoice: 'none',
  }
}

function textRequest(
  { model, format, options, logprobs, top_logprobs, shoal }: TextRequest,
  headers: IncomingHttpHeaders,
): Omit<CanonicalRequest, 'input' | 'tools' | 'toolChoice'> {
  const { temperature, top_p, top_k, min_p, seed, stop, num_predict } = options ?? {}
  return {
    model: modelOf(model),
    maxTokens: num_predict != null && num_predict > 0 ? num_predict : null,
    temperature: temperature ?? DEFAULTS.temperature,
    topP: top_p ?? DEFAULTS.topP,
    topK: Math.max(0, top_k ?? DEFAULTS.topK),
    minP: min_p ?? DEFAULTS.minP,
    // As of Ollama, -1 leaves it to chance.
    seed: seed == null || seed < 0 ? null : seed,
    stop: typeof stop === 'string' ? [stop] : (stop ?? []),
    n: 1,
    responseFormat: formatOf(format),
    logprobs: logprobs === true ? (top_logprobs ?? 0) : null,
    shoal: shoalOptionsFrom(shoal, headers),
  }
}

/** Clients write `:latest` behind names without a tag. */
export function modelOf(model: string): string {
  return model.endsWith(':latest') ? model.slice(0, -':latest'.length) : model
}

function formatOf(format: TextRequest['format']): ResponseFormat {
  if (format == null || format === '') return { type: 'text' }
  if (format === 'json') return { type: 'json_object' }
  return { type: 'json_schema', name: 'answer', schema: format, strict: true }
}

/** Calls have no ids here: results are those of the calls before them, in their order or by the name of their tool. */
function canonicalMessages(messages: readonly MessageInput[]): CanonicalMessage[] {
  let open: ToolCall[] = []
  return messages.map(({ role, content, images, tool_calls, tool_name, tool_call_id }, i) => {
    refuseImages(images, `messages.${i}.images`)
    const text = content ?? ''
    if (role === 'system' || role === 'user') return { role, text }
    if (role === 'assistant') {
      const toolCalls = (tool_calls ?? []).map(({ id, function: call }, place) => ({
        id: id ?? `call_${i}_${place}`,
        name: call.name,
        arguments: JSON.stringify(call.arguments ?? {}),
      }))
      open = [...toolCalls]
      return { role, text, toolCalls }
    }
    const found = open.findIndex(({ id, name }) =>
      tool_call_id == null ? tool_name == null || name === tool_name : id === tool_call_id,
    )
    const [call] = open.splice(Math.max(0, found), 1)
    return { role: 'tool', toolCallId: tool_call_id ?? call?.id ?? `call_${i}`, text }
  })
}

function refuseImages(images: readonly unknown[] | null | undefined, param: string): void {
  if (images != null && images.length > 0) throw modelCannot(param, 'models of the network read text')
}

/** What was cut off by whoever asked or pays is as long as it may be. */
export function doneReasonOf(finish: FinishReason): 'stop' | 'length' {
  return finish === 'length' || finish === 'cancelled' ? 'length' : 'stop'
}

export function callsOf(
  toolCalls: readonly Pick<ToolCall, 'name' | 'arguments'>[],
): AnswerMessage['tool_calls'] {
  return toolCalls.map(({ name, arguments: given }) => ({ function: { name, arguments: parsed(given) } }))
}

/** What a model wrote need not be JSON where it was cut off. */
function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export function logprobsOf(logprobs: readonly TokenLogprob[]) {
  return logprobs.map(({ top, ...own }) => ({ ...plain(own), top_logprobs: top.map(plain) }))
}

function plain({ token, bytes, logprob }: Omit<TokenLogprob, 'top'>) {
  return { token, bytes: bytes === null ? null : [...bytes], logprob }
}
