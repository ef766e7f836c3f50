import type { TrainingRow } from '../data-set.ts'
import { dropped, MAX_ROW_CHARS, type Piece } from './source.ts'

type Message = Extract<TrainingRow, { messages: unknown }>['messages'][number]

const ROLES: Readonly<Record<string, Message['role']>> = {
  system: 'system',
  user: 'user',
  human: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  model: 'assistant',
  bot: 'assistant',
}
const PAIRS = [
  ['prompt', 'completion'],
  ['prompt', 'response'],
  ['instruction', 'output'],
  ['question', 'answer'],
  ['input', 'output'],
] as const
/** Where a conversation is cut, so that what is answered fits into a row of training. */
const CONVERSATION_CHARS = 4_000

/** A row as other programs write it: messages, conversations of ShareGPT, Alpaca, prompt and completion, or text. */
export function rowPiece(value: unknown, group: string): Piece {
  const row = rowOf(value)
  if (row === null) return dropped('unknown_shape', JSON.stringify(value) ?? '')
  if (charsOf(row) > MAX_ROW_CHARS) return dropped('too_long', JSON.stringify(value))
  if (
    'messages' in row &&
    !row.messages.some(({ role, content }) => role === 'assistant' && content.trim() !== '')
  )
    return dropped('no_answer', JSON.stringify(value))
  return { kind: 'row', group, row }
}

function rowOf(value: unknown): TrainingRow | null {
  if (typeof value !== 'object' || value === null) return null
  const fields = value as Record<string, unknown>
  const list = fields.messages ?? fields.conversations
  if (Array.isArray(list)) {
    const messages = list.map(messageOf)
    return messages.length > 0 && messages.every(message => message !== null) ? { messages } : null
  }
  for (const [ask, answer] of PAIRS) {
    const [prompt, completion] = [fields[ask], fields[answer]]
    if (typeof prompt !== 'string' || typeof completion !== 'string') continue
    const extra = ask === 'instruction' && typeof fields.input === 'string' ? fields.input : ''
    return { prompt: extra === '' ? prompt : `${prompt}\n\n${extra}`, completion }
  }
  const text = fields.text ?? fields.content
  return typeof text === 'string' ? { text } : null
}

function messageOf(value: unknown): Message | null {
  if (typeof value !== 'object' || value === null) return null
  const fields = value as Record<string, unknown>
  const role = ROLES[String(fields.role ?? fields.from ?? '')]
  const content = contentOf(fields.content ?? fields.value)
  return role === undefined || content === null ? null : { role, content }
}

/** Text, or the text of parts; null for anything else. */
export function contentOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return null
  const parts = value.map(part =>
    typeof part === 'string'
      ? part
      : typeof part === 'object' && part !== null && typeof (part as { text?: unknown }).text === 'string'
        ? (part as { text: string }).text
        : '',
  )
  return parts.join('')
}

/**
 * A conversation as rows that each begin with a question: cut between turns where it gets long. Turns of one side that
 * follow each other are one; what was said before the first question is left out.
 */
export function* conversationPieces(messages: readonly Message[], group: string): Generator<Piece> {
  const turns: Message[] = []
  for (const { role, content } of messages) {
    const text = content.trim()
    const last = turns.at(-1)
    if (text === '' || role === 'system' || (last === undefined && role === 'assistant')) continue
    if (last?.role === role) last.content += `\n${text}`
    else turns.push({ role, content: text })
  }
  if (turns.length < 2) {
    yield dropped('no_answer', turns[0]?.content ?? group)
    return
  }
  let row: Message[] = []
  let chars = 0
  for (let i = 0; i + 1 < turns.length; i += 2) {
    const exchange = turns.slice(i, i + 2)
    const length = exchange[0]!.content.length + exchange[1]!.content.length
    if (length > MAX_ROW_CHARS) {
      yield dropped('too_long', exchange[0]!.content)
      continue
    }
    if (row.length > 0 && chars + length > CONVERSATION_CHARS) {
      yield { kind: 'row', group, row: { messages: row } }
      row = []
      chars = 0
    }
    row.push(...exchange)
    chars += length
  }
  if (row.length > 0) yield { kind: 'row', group, row: { messages: row } }
}

function charsOf(row: TrainingRow): number {
  if ('text' in row) return row.text.length
  if ('prompt' in row) return row.prompt.length + row.completion.length
  return row.messages.reduce((sum, { content }) => sum + content.length, 0)
}
