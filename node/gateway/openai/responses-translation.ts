import type { IncomingHttpHeaders } from 'node:http'
import { GatewayError, modelCannot } from '../http/http-error.ts'
import type {
  CanonicalMessage,
  CanonicalRequest,
  CanonicalTool,
  ResponseFormat,
  ToolCall,
  ToolChoice,
} from '../inference/canonical-request.ts'
import { shoalOptionsFrom } from '../inference/shoal-options.ts'
import type {
  ResponseBody,
  ResponseContentInput,
  ResponseItemInput,
  ResponsesRequest,
} from './responses-schema.ts'

/**
 * A response's request as every dialect's.
 * @param before the conversation it goes on from
 * @throws {GatewayError} MODEL_CANNOT, REQUEST_INVALID
 */
export function responsesRequest(
  body: ResponsesRequest,
  headers: IncomingHttpHeaders,
  before: readonly CanonicalMessage[],
): { canonical: CanonicalRequest; messages: readonly CanonicalMessage[] } {
  if (body.background === true) throw modelCannot('background', 'responses are not made in the background')
  const messages = [...before, ...messagesOf(body.input)]
  if (messages.length === 0)
    throw new GatewayError('REQUEST_INVALID', 'there is no input', { param: 'input' })
  const tools = toolsOf(body)
  const instructions: CanonicalMessage[] = body.instructions
    ? [{ role: 'system', text: body.instructions }]
    : []
  return {
    messages,
    canonical: {
      model: body.model,
      input: { kind: 'chat', messages: [...instructions, ...messages] },
      maxTokens: body.max_output_tokens ?? null,
      temperature: body.temperature ?? 1,
      topP: body.top_p ?? 1,
      topK: 0,
      minP: 0,
      seed: null,
      stop: [],
      n: 1,
      tools,
      toolChoice: toolChoiceOf(body, tools),
      responseFormat: formatOf(body),
      logprobs: body.include?.includes('message.output_text.logprobs') ? (body.top_logprobs ?? 0) : null,
      shoal: shoalOptionsFrom(body.shoal, headers),
    },
  }
}

function messagesOf(input: ResponsesRequest['input']): CanonicalMessage[] {
  if (typeof input === 'string') return [{ role: 'user', text: input }]
  const messages: CanonicalMessage[] = []
  for (const [i, item] of input.entries()) {
    const message = messageOf(item, `input.${i}`)
    if (message === null) continue
    const last = messages.at(-1)
    // Calls are items of their own here, and part of what the model said elsewhere.
    if (item.type === 'function_call' && last?.role === 'assistant' && message.role === 'assistant') {
      messages[messages.length - 1] = { ...last, toolCalls: [...last.toolCalls, ...message.toolCalls] }
    } else messages.push(message)
  }
  return messages
}

function messageOf(item: ResponseItemInput, at: string): CanonicalMessage | null {
  switch (item.type) {
    case 'message': {
      const text = textOf(item.content, at)
      if (item.role === 'assistant') return { role: 'assistant', text, toolCalls: [] }
      return { role: item.role === 'user' ? 'user' : 'system', text }
    }
    case 'function_call': {
      const call: ToolCall = { id: item.call_id, name: item.name, arguments: item.arguments }
      return { role: 'assistant', text: '', toolCalls: [call] }
    }
    case 'function_call_output':
      return { role: 'tool', toolCallId: item.call_id, text: textOf(item.output, at) }
    case 'item_reference':
      throw modelCannot(at, 'items are not kept by themselves; previous_response_id goes on from a response')
    default:
      return null
  }
}

function textOf(content: ResponseContentInput, at: string): string {
  if (typeof content === 'string') return content
  return content
    .map(part => {
      if ('text' in part) return part.text
      throw modelCannot(`${at}.content`, `models of the network read text; this is ${part.type}`)
    })
    .join('')
}

function toolsOf({ tools }: ResponsesRequest): CanonicalTool[] {
  return (tools ?? []).map((tool, i) => {
    if (!('name' in tool))
      throw modelCannot(`tools.${i}`, `tools of type ${tool.type.slice(0, 40)} are not run here`)
    return { name: tool.name, description: tool.description ?? null, parameters: tool.parameters ?? {} }
  })
}

function toolChoiceOf(
  { tool_choice: choice }: ResponsesRequest,
  tools: readonly CanonicalTool[],
): ToolChoice {
  if (tools.length === 0) return 'none'
  if (choice == null) return 'auto'
  if (typeof choice === 'string') return choice
  if (choice.type === 'function' && choice.name !== undefined) return { name: choice.name }
  throw modelCannot('tool_choice', 'a choice of this kind is not made here')
}

function formatOf({ text }: ResponsesRequest): ResponseFormat {
  const format = text?.format
  if (format?.type !== 'json_schema') return format ?? { type: 'text' }
  return { type: 'json_schema', name: format.name, schema: format.schema, strict: format.strict ?? false }
}

/** A response that has just begun. */
export function newResponse(body: ResponsesRequest, head: { id: string; created: number }): ResponseBody {
  return {
    id: head.id,
    object: 'response',
    created_at: head.created,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    model: body.model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: null, summary: null },
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    top_p: body.top_p ?? 1,
    text: { format: { ...(body.text?.format ?? { type: 'text' }) } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: (body.tools ?? []).map(tool => ({ ...tool })),
    truncation: 'disabled',
    usage: null,
    user: null,
    metadata: body.metadata ?? {},
  }
}
