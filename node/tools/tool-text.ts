import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'

/** Control characters but line breaks and tabs. */
const CONTROLS = /[^\P{Cc}\n\t]/gu
/** What a result must not imitate: the marks by which calls and results are told from other text, and turns of chats. */
const MARKS = /<(?=\/?tools?(?:_call|_response)?\s*>|\|)/gi

const CUT = '\n[cut]'

/** What a tool said as bounded text, with nothing in it that would be taken for more than text. */
export function toolText(
  { content, structuredContent }: Pick<CallToolResult, 'content' | 'structuredContent'>,
  maxBytes: number,
): { text: string; isCut: boolean } {
  const parts = content.map(part => {
    switch (part.type) {
      case 'text':
        return part.text
      case 'resource':
        return 'text' in part.resource ? part.resource.text : `[${part.resource.mimeType ?? 'data'} left out]`
      case 'resource_link':
        return part.uri
      default:
        return `[${part.type} left out]`
    }
  })
  const whole =
    parts.length === 0 && structuredContent !== undefined
      ? JSON.stringify(structuredContent)
      : parts.join('\n')
  return cutTo(harmless(whole), maxBytes)
}

/** Text of somebody else that stays text in a prompt. */
export function harmless(text: string): string {
  return text.replace(CONTROLS, '').replace(MARKS, '&lt;')
}

/** The beginning that fits, whole characters, with a mark where something is left out. */
export function cutTo(text: string, maxBytes: number): { text: string; isCut: boolean } {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return { text, isCut: false }
  let end = Math.max(0, maxBytes - CUT.length)
  // Not within a character: what continues one begins with the bits 10.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return { text: bytes.toString('utf8', 0, end) + CUT, isCut: true }
}
