import type { IncomingHttpHeaders } from 'node:http'
import { modelCannot } from '../http/http-error.ts'
import type {
  CanonicalMessage,
  CanonicalRequest,
  CanonicalTool,
  ToolChoice,
} from '../inference/canonical-request.ts'
import type { InferenceChoice, InferenceResult } from '../inference/inference-service.ts'
import { shoalBody } from '../inference/shoal-info.ts'
import { shoalOptionsFrom } from '../inference/shoal-options.ts'
import type {
  ContentBlock,
  CountTokensRequest,
  MessageInput,
  MessagesRequest,
  MessagesResponse,
  StopReason,
} from './messages-schema.ts'

/** What a conversation's prompt is made of. */
type Prompt = Pick<CanonicalRequest, 'model' | 'tools' | 'toolChoice'> & {
  input: { kind: 'chat'; messages: CanonicalMessage[] }
}

/**
 * A conversation of Anthropic's dialect as every dialect's.
 * @throws {GatewayError} MODEL_CANNOT for what no model of the network does: images, documents, tools of their service, …
 */
export function messagesRequest(body: MessagesRequest, headers: IncomingHttpHeaders): CanonicalRequest {
  const format = body.output_config?.format
  return {
    ...messagesPrompt(body),
    maxTokens: body.max_tokens,
    temperature: body.temperature ?? 1,
    topP: body.top_p ?? 1,
    topK: body.top_k ?? 0,
    minP: 0,
    seed: null,
    stop: body.stop_sequences ?? [],
    n: 1,
    responseFormat:
      format == null
        ? { type: 'text' }
        : { type: 'json_schema', name: 'answer', schema: format.schema, strict: true },
    logprobs: null,
    shoal: shoalOptionsFrom(body.shoal, headers),
  }
}

/** @throws {GatewayError} as `messagesRequest` */
export function messagesPrompt(body: CountTokensRequest): Prompt {
  const system = body.system == null ? '' : plainText(body.system)
  const messages: CanonicalMessage[] = system === '' ? [] : [{ role: 'system', text: system }]
  for (const [i, message] of body.messages.entries())
    messages.push(...canonicalMessages(message, `messages.${i}`))
  return {
    model: body.model,
    input: { kind: 'chat', messages },
    tools: (body.tools ?? []).map((tool, i) => canonicalTool(tool, `tools.${i}`)),
    toolChoice: toolChoiceOf(body),
  }
}

/** A turn as one message of the conversation, results of tools before it. */
function canonicalMessages({ role, content }: MessageInput, at: string): CanonicalMessage[] {
  if (role === 'assistant') return [assistantMessage(content, at)]
  if (typeof content === 'string') return [{ role, text: content }]
  const results: CanonicalMessage[] = []
  let text: string | null = null
  for (const [i, block] of content.entries()) {
    const where = `${at}.content.${i}`
    if (isResult(block)) {
      const result = resultText(block.content, where)
      const failed = block.is_error === true ? 'Error: ' : ''
      results.push({ role: 'tool', toolCallId: block.tool_use_id, text: `${failed}${result}` })
    } else if (isText(block)) text = `${text ?? ''}${block.text}`
    else throw modelCannot(where, `models of the network read text; this is ${block.type}`)
  }
  return text === null ? results : [...results, { role, text }]
}

function assistantMessage(content: MessageInput['content'], at: string): CanonicalMessage {
  if (typeof content === 'string') return { role: 'assistant', text: content, toolCalls: [] }
  const toolCalls: { id: string; name: string; arguments: string }[] = []
  let text = ''
  for (const [i, block] of content.entries()) {
    if (isText(block)) text += block.text
    else if (isUse(block))
      toolCalls.push({ id: block.id, name: block.name, arguments: JSON.stringify(block.input ?? {}) })
    // What a model thought is nothing that it said.
    else if (block.type !== 'thinking' && block.type !== 'redacted_thinking')
      throw modelCannot(`${at}.content.${i}`, `models of the network write text; this is ${block.type}`)
  }
  return { role: 'assistant', text, toolCalls }
}

type Block<Type extends string> = Extract<ContentBlock, { type: Type }> & { type: Type }
const isText = (block: { type: string }): block is { type: 'text'; text: string } =>
  block.type === 'text' && 'text' in block
const isUse = (block: ContentBlock): block is Block<'tool_use'> => block.type === 'tool_use' && 'id' in block
const isResult = (block: ContentBlock): block is Block<'tool_result'> =>
  block.type === 'tool_result' && 'tool_use_id' in block

function resultText(content: Block<'tool_result'>['content'], at: string): string {
  if (content == null) return ''
  if (typeof content === 'string') return content
  return content
    .map(part => {
      if (isText(part)) return part.text
      throw modelCannot(at, `models of the network read text; this result has ${part.type}`)
    })
    .join('')
}

function plainText(text: string | readonly { text: string }[]): string {
  return typeof text === 'string' ? text : text.map(part => part.text).join('\n\n')
}

function canonicalTool(
  { type, name, description, input_schema }: NonNullable<CountTokensRequest['tools']>[number],
  at: string,
): CanonicalTool {
  if (type != null && type !== 'custom') throw modelCannot(at, `the network has no tool ${type} of its own`)
  return { name, description: description ?? null, parameters: input_schema ?? {} }
}

function toolChoiceOf({ tools, tool_choice: choice }: CountTokensRequest): ToolChoice {
  if (tools == null || tools.length === 0) return 'none'
  if (choice == null) return 'auto'
  if (choice.type === 'tool') return { name: choice.name }
  return choice.type === 'any' ? 'required' : choice.type
}

/** A whole answer as Anthropic has it. */
export function messagesResponse(
  { choices, usage, shoal }: InferenceResult,
  { id, stop }: { id: string; stop: readonly string[] },
): MessagesResponse {
  const choice = choices[0]!
  return {
    id,
    type: 'message',
    role: 'assistant',
    model: shoal.model,
    content: [
      ...(choice.text === '' ? [] : [{ type: 'text' as const, text: choice.text, citations: null }]),
      ...choice.toolCalls.map(({ id, name, arguments: given }) => ({
        ...{ type: 'tool_use' as const, id, name },
        input: parsedInput(given),
      })),
    ],
    ...stopOf(choice, stop),
    usage: usageOf(usage),
    shoal: shoalBody(shoal),
  }
}

export function usageOf({ promptTokens, outputTokens }: InferenceResult['usage']): MessagesResponse['usage'] {
  return {
    input_tokens: promptTokens,
    output_tokens: outputTokens,
    cache_creation_input_tokens: null,
    cache_read_input_tokens: null,
  }
}

/**
 * Why an answer ended. Which of several stop sequences it was nobody says: it is named where there is but one.
 * @param stop of the request
 */
export function stopOf(
  { finish, isCutByStop }: Pick<InferenceChoice, 'finish' | 'isCutByStop'>,
  stop: readonly string[],
): { stop_reason: StopReason; stop_sequence: string | null } {
  if (finish === 'tool_calls') return { stop_reason: 'tool_use', stop_sequence: null }
  if (finish === 'stop' && isCutByStop)
    return { stop_reason: 'stop_sequence', stop_sequence: stop.length === 1 ? stop[0]! : null }
  // What was cut off by whoever asked or pays is as long as it may be.
  return { stop_reason: finish === 'stop' ? 'end_turn' : 'max_tokens', stop_sequence: null }
}

/** What a model wrote need not be JSON where it was cut off. */
function parsedInput(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
