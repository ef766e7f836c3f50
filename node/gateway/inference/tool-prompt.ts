import type { CanonicalMessage, CanonicalTool, ToolChoice } from './canonical-request.ts'

/** What goes to a model: the wire knows these roles only. */
export interface WireMessage {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/**
 * Writes messages and tools in the form that Qwen and Hermes models are trained on (NousResearch,
 * Hermes-Function-Calling, "Prompt Format for Function Calling"): signatures as JSON in `<tools>`, calls as JSON in
 * `<tool_call>`, results in `<tool_response>`.
 */
export function wireMessages(
  messages: readonly CanonicalMessage[],
  tools: readonly CanonicalTool[],
  toolChoice: ToolChoice,
): WireMessage[] {
  const wire: WireMessage[] = []
  let areResults = false
  for (const message of messages) {
    if (message.role === 'tool') {
      const result = `<tool_response>\n${message.text}\n</tool_response>`
      // Results of calls made together are one message.
      if (areResults) wire.at(-1)!.content += `\n${result}`
      else wire.push({ role: 'user', content: result })
      areResults = true
      continue
    }
    areResults = false
    if (message.role === 'assistant') {
      const calls = message.toolCalls.map(({ name, arguments: given }) => callText(name, given))
      wire.push({
        role: 'assistant',
        content: [message.text, ...calls].filter(part => part !== '').join('\n'),
      })
    } else wire.push({ role: message.role, content: message.text })
  }
  if (tools.length === 0 || toolChoice === 'none') return wire
  const instructions = toolInstructions(tools, toolChoice)
  const [first, ...rest] = wire
  if (first?.role === 'system')
    return [{ role: 'system', content: `${first.content}\n\n${instructions}` }, ...rest]
  return [{ role: 'system', content: instructions }, ...wire]
}

export const CALL_BEGINS = '<tool_call>'
export const CALL_ENDS = '</tool_call>'

function callText(name: string, given: string): string {
  return `${CALL_BEGINS}\n{"name": ${JSON.stringify(name)}, "arguments": ${given.trim() === '' ? '{}' : given}}\n${CALL_ENDS}`
}

function toolInstructions(tools: readonly CanonicalTool[], toolChoice: ToolChoice): string {
  const signatures = tools.map(({ name, description, parameters }) =>
    JSON.stringify({
      type: 'function',
      function: { name, ...(description === null ? {} : { description }), parameters },
    }),
  )
  const how =
    toolChoice === 'auto'
      ? `For each function call, return a JSON object with the function's name and arguments within ${CALL_BEGINS}${CALL_ENDS} tags:\n${CALL_BEGINS}\n{"name": <function-name>, "arguments": <arguments-object>}\n${CALL_ENDS}`
      : `Answer with one function call and nothing else: a JSON object {"name": <function-name>, "arguments": <arguments-object>}.${typeof toolChoice === 'string' ? '' : ` Call ${toolChoice.name}.`}`
  return [
    '# Tools',
    '',
    'You may call one or more functions to assist with the user query. Their signatures are within <tools></tools> tags:',
    '<tools>',
    ...signatures,
    '</tools>',
    '',
    how,
  ].join('\n')
}
