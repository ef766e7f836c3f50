import { contentOf, conversationPieces } from './rows.ts'
import type { Piece } from './source.ts'

/** Nodes followed in one conversation; more is a circle or a joke. */
const MAX_NODES = 20_000

interface ChatGptNode {
  parent?: string | null
  message?: {
    author?: { role?: string }
    content?: { content_type?: string; parts?: unknown }
    metadata?: { is_visually_hidden_from_conversation?: boolean }
  } | null
}

/** A conversation of ChatGPT's `conversations.json`: a tree of which the branch shown last counts. */
export function isChatGpt(
  value: unknown,
): value is { mapping: Record<string, ChatGptNode>; current_node?: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { mapping?: unknown }).mapping === 'object'
  )
}

export function* chatGptPieces(
  { mapping, current_node }: { mapping: Record<string, ChatGptNode>; current_node?: string },
  group: string,
): Generator<Piece> {
  const messages = []
  // Without a node said to be current, the last one written is.
  let id: string | null | undefined = current_node ?? Object.keys(mapping).at(-1)
  for (let nodes = 0; typeof id === 'string' && nodes < MAX_NODES; nodes++) {
    const node: ChatGptNode | undefined = mapping[id]
    const role = node?.message?.author?.role
    const { content, metadata } = node?.message ?? {}
    const isText = content?.content_type === 'text' || content?.content_type === 'multimodal_text'
    const isHidden = metadata?.is_visually_hidden_from_conversation === true
    if ((role === 'user' || role === 'assistant') && isText && !isHidden)
      messages.push({ role, content: contentOf(content.parts) ?? '' } as const)
    id = node?.parent
  }
  yield* conversationPieces(messages.reverse(), group)
}

interface ClaudeMessage {
  sender?: string
  text?: string
  content?: unknown
}

/** A conversation of Claude's `conversations.json`. */
export function isClaude(value: unknown): value is { chat_messages: ClaudeMessage[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    Array.isArray((value as { chat_messages?: unknown }).chat_messages)
  )
}

export function* claudePieces(
  { chat_messages }: { chat_messages: ClaudeMessage[] },
  group: string,
): Generator<Piece> {
  const messages = chat_messages
    .filter(({ sender }) => sender === 'human' || sender === 'assistant')
    .map(({ sender, text, content }) => ({
      role: sender === 'human' ? ('user' as const) : ('assistant' as const),
      content: text === undefined || text === '' ? (contentOf(content) ?? '') : text,
    }))
  yield* conversationPieces(messages, group)
}
